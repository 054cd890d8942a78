// usdt: probes that programs and libraries declare themselves.

import { kernelPcb, type Pcb } from "../../core/pcb.ts";
import type { Probe } from "../../core/probe.ts";
import {
  type Attachment,
  type EnableRequest,
  type Location,
  type ProbeSpec,
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/provider.ts";
import type { StaticProbe } from "../../core/symbols/mod.ts";
import { arch } from "../../core/sys/arch/mod.ts";
import { uprobeAttachment } from "./attach.ts";
import { type ProbedFile, probedFile } from "./files.ts";
import { type Operand, parseOperands } from "./operands.ts";

const PREFIX = "usdt:";

const REGISTERS: Readonly<Record<string, Location>> = Object.fromEntries(
  Object.entries(arch.registers).map(([name, at]) => [`reg:${name}`, { path: [at], size: 8 }]),
);

/** A probe's places in a file. */
interface Found {
  readonly file: ProbedFile;
  readonly places: readonly StaticProbe[];
}

/** The provider of `usdt:`; see mod.ts. */
export class UsdtProvider implements Provider {
  /** Version of the contract. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of its probes. */
  readonly name = "usdt";

  /** Those of the file that a pattern names. */
  *probes(pattern = "*"): Generator<ProbeSpec> {
    const [, name] = /^usdt:([^*]+?):[^/]*$/.exec(pattern) ?? [];
    const file = name === undefined ? undefined : probedFile(name);
    for (const [one, places] of file?.staticProbes ?? []) {
      yield spec(`${PREFIX}${name}:${one}`, { file: file!, places });
    }
  }

  /** Looks one up, with or without the name of its provider. */
  provide(name: string): ProbeSpec | undefined {
    const found = find(name);
    return found && spec(name, found);
  }

  /** A PCB for each way in which the places keep the arguments. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    const [pcb] = kernelPcb(probe, request, session, "probes of programs");
    return Array.from(variants(probe.name).keys(), () => ({ ...pcb }));
  }

  /** Nothing is held. */
  dealloc(_pcbs: readonly Pcb[]): void {}

  /** One for each variant: its arguments lie elsewhere. */
  attachments(pcbs: readonly Pcb[]): Attachment[] {
    const byProbe = Map.groupBy(pcbs, ({ probe }) => probe);
    return [...byProbe].flatMap(([probe, own]) => {
      const { file } = find(probe.name)!;
      return [...variants(probe.name).values()].map((places, i) =>
        uprobeAttachment([own[i]], {
          name: `dt_${places[0].name}`,
          layout: {
            id: `${probe.name} ${places[0].args} ${places[0].address}`,
            locations: {
              ...REGISTERS,
              ...Object.fromEntries(
                operands(file, places[0]).map(({ location }, n) => [`arg${n}`, location]),
              ),
            },
          },
          isReturn: false,
          placesOf: () =>
            places.map(({ address, semaphore }) => ({
              path: file.path,
              offset: file.offsetOf(address)!,
              counter: semaphore === 0 ? undefined : file.offsetOf(semaphore),
            })),
        })
      );
    });
  }
}

function find(name: string): Found | undefined {
  const parts = name.slice(PREFIX.length).split(":");
  // FILE:NAMESPACE:NAME, or FILE:NAME
  for (const count of [2, 1]) {
    const file = parts.length > count ? probedFile(parts.slice(0, -count).join(":")) : undefined;
    if (file === undefined) continue;
    const wanted = parts.slice(-count).join(":");
    const places = count === 2
      ? file.staticProbes.get(wanted)
      : [...file.staticProbes].find(([one]) => one.endsWith(`:${wanted}`))?.[1];
    if (places !== undefined) return { file, places };
  }
  return undefined;
}

/** Places by how their arguments are kept. What is relative to the place is of that place alone. */
function variants(name: string): Map<string, StaticProbe[]> {
  return Map.groupBy(
    find(name)!.places,
    ({ args, address }) => args.includes("%rip") ? `${args} ${address}` : args,
  );
}

function operands(file: ProbedFile, { args, address }: StaticProbe): Operand[] {
  return parseOperands(args, {
    registers: arch.registers,
    address,
    symbol: (name) => file.variable(name),
  });
}

function spec(name: string, { file, places: [place] }: Found): ProbeSpec {
  return {
    name,
    // A different file's probe of that name may have others.
    layout: name,
    locations: Object.keys(REGISTERS),
    get args() {
      return operands(file, place).map(({ type }, i) => ({ name: `arg${i}`, type, at: `arg${i}` }));
    },
  };
}

// Static probes of files as PCBs and attachments: a PCB for each way in which the places of a probe keep
// their arguments.

import type { Pcb } from "../pcb.ts";
import type { ArgumentSpec, KernelAttachment, Location } from "../provider.ts";
import type { StaticProbe } from "../symbols/mod.ts";
import { arch } from "../sys/arch/mod.ts";
import { uprobeAttachment } from "./attach.ts";
import { type Operand, parseOperands } from "./operands.ts";

/** Registers of a probed program: struct pt_regs. */
export const REGISTER_LOCATIONS: Readonly<Record<string, Location>> = Object.fromEntries(
  Object.entries(arch.registers).map(([name, at]) => [`reg:${name}`, { path: [at], size: 8 }]),
);

/** A probe's places in one file. */
export interface FileProbe {
  /** The file's path. */
  readonly path: string;
  readonly places: readonly StaticProbe[];
  /** Where an address that the file speaks of is in it. */
  offsetOf(address: number): number | undefined;
  /** Address of a variable of the file. */
  variable(name: string): number | undefined;
}

/** Places that keep their arguments alike. What is relative to a place is of that place alone. */
function variants({ places }: FileProbe): StaticProbe[][] {
  return [
    ...Map.groupBy(
      places,
      ({ args, address }) => args.includes("%rip") ? `${args} ${address}` : args,
    ).values(),
  ];
}

function operands({ variable }: FileProbe, { args, address }: StaticProbe): Operand[] {
  return parseOperands(args, { registers: arch.registers, address, symbol: variable });
}

/** Arguments of a probe, by its first place. */
export function fileProbeArguments(probe: FileProbe): ArgumentSpec[] {
  return operands(probe, probe.places[0]).map(({ type }, i) => ({
    name: `arg${i}`,
    type,
    at: `arg${i}`,
  }));
}

/** The PCBs of a probe that some files have. */
export function fileProbePcbs(pcb: Pcb, probes: readonly FileProbe[]): Pcb[] {
  return probes.flatMap((one) => variants(one).map(() => ({ ...pcb })));
}

/** Their attachments, in the same order. */
export function fileProbeAttachments(
  pcbs: readonly Pcb[],
  probes: readonly FileProbe[],
): KernelAttachment[] {
  const all = probes.flatMap((probe) => variants(probe).map((places) => ({ probe, places })));
  return pcbs.map((pcb, i) => {
    const { probe, places } = all[i];
    const args = operands(probe, places[0]).map(({ location }, n) => [`arg${n}`, location]);
    return uprobeAttachment([pcb], {
      name: `dt_${places[0].name}`,
      layout: {
        id: `${probe.path} ${places[0].args} ${places[0].address}`,
        locations: { ...REGISTER_LOCATIONS, ...Object.fromEntries(args) },
      },
      isReturn: false,
      placesOf: () =>
        places.map(({ address, semaphore }) => ({
          path: probe.path,
          offset: probe.offsetOf(address)!,
          counter: semaphore === 0 ? undefined : probe.offsetOf(semaphore),
        })),
    });
  });
}

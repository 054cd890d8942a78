// Static probes of files as PCBs and attachments: a PCB for each way in which the places of a probe keep
// their arguments, and one program for all that keep them alike.

import type { Pcb } from "../../contract/pcb.ts";
import type { ArgumentSpec } from "../../contract/probe.ts";
import type { KernelAttachment } from "../../contract/attachment.ts";
import type { Location } from "../../contract/context.ts";
import type { StaticProbe } from "../../symbols/mod.ts";
import { arch } from "../../sys/arch/mod.ts";
import { REGISTER_LOCATIONS } from "../registers.ts";
import { type FilePlace, uprobeAttachment } from "./attach.ts";
import { type Operand, parseOperands } from "./operands.ts";

/** A probe's places in one file. */
export interface FileProbe {
  /** A path that leads to the file. */
  readonly path: string;
  /** Places of the probe, with the operands of each. */
  readonly places: readonly StaticProbe[];
  /** Offset in the file of one of the file's own addresses; undefined if no segment has the address. */
  offsetOf(address: number): number | undefined;
  /** Address of a variable of the file. */
  variable(name: string): number | undefined;
}

/** A PCB that knows its places: files may change before it is attached. */
interface FilePcb extends Pcb {
  readonly places: readonly FilePlace[];
  readonly locations: Readonly<Record<string, Location>>;
}

function operands({ variable }: FileProbe, { args, address }: StaticProbe): Operand[] {
  return parseOperands(args, { registers: arch.registers, address, symbol: variable });
}

/**
 * Arguments of a probe. Where places have them of different widths or signs they are as wide as a
 * register, and signed if one is.
 */
export function fileProbeArguments(probe: FileProbe): ArgumentSpec[] {
  const all = probe.places.map((place) => operands(probe, place).map(({ type }) => type));
  const count = Math.max(...all.map((types) => types.length));
  return Array.from({ length: count }, (_, i) => {
    const types = new Set(all.map((one) => one[i]).filter((type) => type !== undefined));
    const [first] = types;
    const type = types.size === 1
      ? first
      : [...types].some((one) => !one.startsWith("unsigned"))
      ? "long"
      : "unsigned long";
    return { name: `arg${i}`, type, at: `arg${i}` };
  });
}

/** Not every place has every argument. */
const ABSENT: Location = { path: [0], size: 8, constant: 0n };

/**
 * The PCBs of a probe that some files have.
 *
 * @param args What its arguments are said to be.
 */
export function fileProbePcbs(
  pcb: Pcb,
  probes: readonly FileProbe[],
  args: readonly ArgumentSpec[],
): Pcb[] {
  const variants = new Map<string, FilePcb & { places: FilePlace[] }>();
  for (const probe of probes) {
    for (const place of probe.places) {
      const offset = probe.offsetOf(place.address);
      if (offset === undefined) continue;
      const found = operands(probe, place);
      const locations = Object.fromEntries(args.map(({ at }, i) => {
        const location = found[i]?.location ?? ABSENT;
        // Wherever a wider type is told, the sign must be carried.
        const signed = found[i] !== undefined && !found[i].type.startsWith("unsigned");
        return [at, { ...location, signed }];
      }));
      const key = layoutId(locations);
      let variant = variants.get(key);
      if (variant === undefined) variants.set(key, variant = { ...pcb, places: [], locations });
      variant.places.push({
        path: probe.path,
        offset,
        counter: place.semaphore === 0 ? undefined : probe.offsetOf(place.semaphore),
      });
    }
  }
  return [...variants.values()];
}

function layoutId(locations: Readonly<Record<string, Location>>): string {
  return JSON.stringify(locations, (_, value) => typeof value === "bigint" ? `${value}n` : value);
}

/** Their attachments: one for each layout. */
export function fileProbeAttachments(pcbs: readonly Pcb[]): KernelAttachment[] {
  const byLayout = Map.groupBy(pcbs as readonly FilePcb[], ({ locations }) => layoutId(locations));
  return [...byLayout].map(([id, own]) =>
    uprobeAttachment(own, {
      name: "dt_static",
      layout: { id, locations: { ...REGISTER_LOCATIONS, ...own[0].locations } },
      isReturn: false,
      placesOf: (pcb) => (pcb as FilePcb).places,
    })
  );
}

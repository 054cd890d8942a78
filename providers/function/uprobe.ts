// uprobe and uretprobe: functions of programs and libraries, when they are called and when they return.

import { kernelPcb, noSuchProbe } from "../../core/sources/pcbs.ts";
import { REGISTER_NAMES } from "../../core/sources/registers.ts";
import { type Pcb } from "../../core/contract/pcb.ts";
import { globMatcher } from "../../core/contract/probe_name.ts";
import { type Probe, type ProbeSpec } from "../../core/contract/probe.ts";
import { type Attachment } from "../../core/contract/attachment.ts";
import { type EnableRequest } from "../../core/contract/request.ts";
import {
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/contract/provider.ts";
import { type FilePlace, uprobeAttachment } from "../../core/sources/uprobes/mod.ts";
import { ARGUMENTS, LOCATIONS, RESULT } from "./convention.ts";
import { matchingFiles, probedFile } from "./files.ts";
import { parsePlace, type Place } from "./place.ts";

/** The kernel replaces a byte there, whatever it belongs to. */
const WITHIN = "A probe within a function breaks the program if no instruction starts there";

/** A PCB with where it fires. */
interface PlacedPcb extends Pcb {
  readonly places: readonly FilePlace[];
}

/** The two providers of this file; see mod.ts. */
export class UprobeProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name: "uprobe" | "uretprobe";

  /** @param name Which of the two providers this is. */
  constructor(name: "uprobe" | "uretprobe") {
    this.name = name;
  }

  /** Functions of the files that a pattern names; of no other, since there is no end of files. */
  *probes(pattern = "*"): Generator<ProbeSpec> {
    const [, files, wanted] = /^[^:]*:(.+):([^:]*)$/.exec(pattern) ?? [];
    if (files === undefined) return;
    const matches = globMatcher(wanted);
    for (const name of matchingFiles(files)) {
      const file = probedFile(name);
      for (const { name: one } of file?.functions() ?? []) {
        if (matches(one)) yield this.#spec(`${this.name}:${name}:${one}`);
      }
    }
  }

  /** Describes the probe of a full name. */
  provide(name: string): ProbeSpec | undefined {
    const place = this.#place(name);
    if (place === undefined || place.offsets.length === 0) return undefined;
    return place.within ? { ...this.#spec(name), danger: WITHIN } : this.#spec(name);
  }

  /** One PCB: all processes that have the file mapped, or will. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    const [pcb] = kernelPcb(probe, request, session, "functions");
    const place = this.#place(probe.name);
    // The file may have changed since it was named.
    if (place === undefined) throw noSuchProbe(probe, "the file does not have it any more");
    const { file: { path }, offsets } = place;
    const placed: PlacedPcb = { ...pcb, places: offsets.map((offset) => ({ path, offset })) };
    return [placed];
  }

  /** All of them are one program; a cookie tells which is meant. */
  attachments(pcbs: readonly Pcb[]): Attachment[] {
    if (pcbs.length === 0) return [];
    return [uprobeAttachment(pcbs, {
      name: `dt_${this.name}`,
      layout: { id: "pt_regs", locations: LOCATIONS },
      isReturn: this.name === "uretprobe",
      placesOf: (pcb) => (pcb as PlacedPcb).places,
    })];
  }

  #place(name: string): Place | undefined {
    return parsePlace(name.slice(this.name.length + 1), this.name === "uretprobe");
  }

  #spec(name: string): ProbeSpec {
    return this.name === "uprobe"
      ? { name, args: ARGUMENTS, locations: REGISTER_NAMES }
      : { name, args: [], retval: RESULT, locations: REGISTER_NAMES };
  }
}

// uprobe and uretprobe: functions of programs and libraries, when they are called and when they return.

import { DtError } from "../../core/errors.ts";
import { kernelPcb, noSuchProbe } from "../../core/sources/pcbs.ts";
import { REGISTER_NAMES } from "../../core/sources/registers.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
import { globMatcher } from "../../core/contract/probe_name.ts";
import type { Probe, ProbeCode, ProbeSpec } from "../../core/contract/probe.ts";
import type { Attachment } from "../../core/contract/attachment.ts";
import type { EnableRequest } from "../../core/contract/request.ts";
import {
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/contract/provider.ts";
import { type FilePlace, uprobeAttachment } from "../../core/sources/uprobes/mod.ts";
import { ARGUMENTS, LOCATIONS, RESULT } from "./convention.ts";
import { CPP, cppMatcher, type Demangle } from "./cpp.ts";
import {
  explainFile,
  libraryPath,
  matchingFiles,
  type ProbedFile,
  probedFile,
  splitFile,
} from "./files.ts";
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

  readonly #demangle?: Demangle;

  /**
   * @param name Which of the two.
   * @param demangle Makes names of C++ readable, for probes that name a function of C++.
   */
  constructor(name: "uprobe" | "uretprobe", demangle?: Demangle) {
    this.name = name;
    this.#demangle = demangle;
  }

  /** Functions of the files that a pattern names; of no other, since there is no end of files. */
  *probes(pattern = "*"): Generator<ProbeSpec> {
    const named = splitFile(pattern.slice(pattern.indexOf(":") + 1));
    if (named === undefined) return;
    const { rest } = named;
    const isCpp = rest.startsWith(CPP);
    const matches = isCpp ? this.#cpp(rest.slice(CPP.length)) : globMatcher(rest);
    for (const name of matchingFiles(named.file)) {
      const file = probedFile(name);
      for (const { name: one, address } of file?.functions() ?? []) {
        if (!matches(one)) continue;
        const full = `${this.name}:${name}:${isCpp ? CPP : ""}${one}`;
        yield this.#spec(full, codeOf(file!, address));
      }
    }
  }

  /** Says that the file of a name does not exist. */
  explain(name: string): string | undefined {
    return explainFile(name);
  }

  /**
   * True for a name of C++, which means every overload of the function, and for a function of a library
   * that is named without its folder.
   */
  isFamily(name: string): boolean {
    if (/:cpp:(?!_Z)/.test(name)) return true;
    const [, file, where] = name.split(":");
    return /^[^\d+][^+]*$/.test(where ?? "") && libraryPath(file) !== undefined;
  }

  #cpp(wanted: string): (mangled: string) => boolean {
    if (this.#demangle !== undefined) return cppMatcher(wanted, this.#demangle);
    throw new DtError("EOPNOTSUPP", `Cannot find ${wanted}: names of C++ cannot be read here`, {
      operation: "enable",
    });
  }

  /** Describes the probe of a full name. */
  provide(name: string): ProbeSpec | undefined {
    const place = this.#place(name);
    if (place === undefined || place.offsets.length === 0) return undefined;
    const spec = this.#spec(name, codeOf(place.file, place.addresses[0]));
    return place.within ? { ...spec, danger: WITHIN } : spec;
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

  #spec(name: string, code: ProbeCode): ProbeSpec {
    return this.name === "uprobe"
      ? { name, code, args: ARGUMENTS, locations: REGISTER_NAMES }
      : { name, code, args: [], retval: RESULT, locations: REGISTER_NAMES };
  }
}

function codeOf(file: ProbedFile, address: number): ProbeCode {
  const start = file.startOf(address) ?? 0;
  return { path: file.path, functionAddress: start, within: start === 0 ? 0 : address - start };
}

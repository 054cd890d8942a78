// usdt: probes that programs and libraries declare themselves.

import { kernelPcb, noSuchProbe } from "../../core/sources/pcbs.ts";
import { REGISTER_NAMES } from "../../core/sources/registers.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
import { globMatcher } from "../../core/contract/probe_name.ts";
import type { Probe, ProbeSpec } from "../../core/contract/probe.ts";
import type { Attachment } from "../../core/contract/attachment.ts";
import type { EnableRequest } from "../../core/contract/request.ts";
import {
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/contract/provider.ts";
import type { StaticProbe } from "../../core/symbols/mod.ts";
import {
  type FileProbe,
  fileProbeArguments,
  fileProbeAttachments,
  fileProbePcbs,
} from "../../core/sources/uprobes/mod.ts";
import {
  explainFile,
  libraryPath,
  matchingFiles,
  type ProbedFile,
  probedFile,
  splitFile,
} from "./files.ts";

const PREFIX = "usdt:";

/** The provider of `usdt:`; see mod.ts. */
export class UsdtProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name = "usdt";

  /** Those of the files that a pattern names. */
  *probes(pattern = "*"): Generator<ProbeSpec> {
    const named = splitFile(pattern.slice(pattern.indexOf(":") + 1));
    if (named === undefined) return;
    const matches = globMatcher(anyNamespace(named.rest));
    for (const name of matchingFiles(named.file)) {
      const file = probedFile(name);
      for (const [one, places] of file?.staticProbes ?? []) {
        if (matches(one)) yield spec(`${PREFIX}${name}:${one}`, fileProbe(file!, places));
      }
    }
  }

  /**
   * True for a name without a namespace, which is the name of a probe in each namespace, and for a library
   * without its folder.
   */
  isFamily(name: string): boolean {
    const named = splitFile(name.slice(PREFIX.length));
    if (named === undefined) return false;
    return anyNamespace(named.rest) !== named.rest || libraryPath(named.file) !== undefined;
  }

  /** Looks one up by its full name. */
  provide(name: string): ProbeSpec | undefined {
    const found = find(name);
    return found && spec(name, found);
  }

  /** A file that does not exist. */
  explain(name: string): string | undefined {
    return explainFile(name);
  }

  /** A PCB for each way in which the places keep the arguments. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    const [pcb] = kernelPcb(probe, request, session, "probes of programs");
    const found = find(probe.name);
    // The file may have changed since it was named.
    if (found === undefined) throw noSuchProbe(probe, "the file does not have it any more");
    return fileProbePcbs(pcb, [found], probe.args);
  }

  /** One for all whose arguments lie alike. */
  attachments(pcbs: readonly Pcb[]): Attachment[] {
    return fileProbeAttachments(pcbs);
  }
}

function fileProbe(file: ProbedFile, places: readonly StaticProbe[]): FileProbe {
  return {
    path: file.path,
    places,
    offsetOf: (address) => file.offsetOf(address),
    variable: (name) => file.variable(name),
  };
}

/** "NAMESPACE:NAME"; an empty namespace is any, as one that is left out. */
function anyNamespace(text: string): string {
  if (text.startsWith(":")) return `*${text}`;
  return text.includes(":") ? text : `*:${text}`;
}

/** FILE:NAMESPACE:NAME */
function find(name: string): FileProbe | undefined {
  const named = splitFile(name.slice(PREFIX.length));
  const file = named && probedFile(named.file);
  const places = file?.staticProbes.get(named!.rest);
  return places && fileProbe(file!, places);
}

function spec(name: string, probe: FileProbe): ProbeSpec {
  return {
    name,
    // A different file's probe of that name may have others.
    layout: name,
    locations: REGISTER_NAMES,
    get args() {
      return fileProbeArguments(probe);
    },
  };
}

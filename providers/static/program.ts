// static: tracepoints of TypeScript programs, of this one on the user plane, of all on the kernel plane.

import { kernelPlaneNeeds } from "../../core/bpf/load_failure.ts";
import { DtError } from "../../core/errors.ts";
import { noSuchProbe } from "../../core/sources/pcbs.ts";
import { REGISTER_NAMES } from "../../core/sources/registers.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
import type { ArgumentSpec, Probe, ProbeSpec } from "../../core/contract/probe.ts";
import type { Attachment, UserAttachment } from "../../core/contract/attachment.ts";
import type { EnableRequest } from "../../core/contract/request.ts";
import {
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/contract/provider.ts";
import { OwnEvents, type OwnValue } from "../../core/plugin/own_events.ts";
import { openBinary, staticProbes } from "../../core/symbols/mod.ts";
import {
  type FileProbe,
  fileProbeAttachments,
  fileProbePcbs,
} from "../../core/sources/uprobes/mod.ts";
import type { ArgumentType } from "./image.ts";
import { mappedLibraries } from "./library_file.ts";
import { integerOf, listen, type Point, points, type PointValue } from "./shared_points.ts";

const PREFIX = "static:";

const C_TYPES: Readonly<Record<ArgumentType, string>> = {
  string: "const char *",
  i32: "int",
  u32: "unsigned int",
  i64: "long",
  u64: "unsigned long",
  bool: "unsigned int",
};

/** A tracepoint: the types of its arguments, and the libraries of the processes that have it. */
interface Found {
  readonly types: readonly ArgumentType[];
  readonly files: FileProbe[];
  point?: Point;
}

/** The provider of `static:`; see mod.ts. */
export class StaticProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name = "static";

  /** Lists the tracepoints of this process, then those of other processes. */
  *probes(): Generator<ProbeSpec> {
    for (const [name, { types }] of look()) yield spec(`${PREFIX}${name}`, types);
  }

  /** Describes the probe of a full name. */
  provide(name: string): ProbeSpec | undefined {
    const found = look().get(name.slice(PREFIX.length));
    return found && spec(name, found.types);
  }

  /** User plane: the tracepoint of this process. Kernel plane: of every process that has it now. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    const { files, point } = look().get(probe.parsed as string) ?? { files: [] };
    const pcb = { probe, request };
    if (session.plane === "kernel") {
      const pcbs = fileProbePcbs(pcb, files, probe.args);
      if (pcbs.length > 0) return pcbs;
      throw noSuchProbe(probe, "no process that runs has it for tracers to find");
    }
    if (point !== undefined && session.target === undefined) return [pcb];
    throw new DtError(
      "EOPNOTSUPP",
      `Cannot enable ${probe.name} on the user plane: another process's tracepoints are seen with ` +
        kernelPlaneNeeds(),
      { operation: "enable", probe: probe.name },
    );
  }

  /** Kernel plane: one program for all PCBs with the same layout. User plane: a listener for each PCB. */
  attachments(pcbs: readonly Pcb[], session: ProviderSession): Attachment[] {
    if (session.plane === "kernel") return fileProbeAttachments(pcbs);
    return pcbs.map((pcb) => listening(pcb, points().get(pcb.probe.parsed as string)!));
  }
}

function spec(name: string, types: readonly ArgumentType[]): ProbeSpec {
  const args = types.map((type, i): ArgumentSpec => ({
    name: `arg${i}`,
    type: C_TYPES[type],
    at: `arg${i}`,
  }));
  return {
    name,
    args,
    locations: REGISTER_NAMES,
    parsed: name.slice(PREFIX.length),
  };
}

/** All tracepoints by "namespace:name". */
function look(): Map<string, Found> {
  const all = new Map<string, Found>();
  for (const [name, point] of points()) all.set(name, { types: point.types, files: [], point });
  for (const { path } of mappedLibraries()) {
    for (const { types, probe } of probesOf(path)) {
      const [{ provider, name }] = probe.places;
      const known = all.get(`${provider}:${name}`);
      if (known === undefined) all.set(`${provider}:${name}`, { types, files: [probe] });
      // One name with other arguments in another program is another tracepoint.
      else if (known.types.join() === types.join()) known.files.push(probe);
    }
  }
  return all;
}

const NAME = /^[A-Za-z_]\w{0,63}$/;

/** Tracepoints of a library. Another user may have written it, so everything in it is checked. */
function* probesOf(path: string): Generator<{ types: readonly ArgumentType[]; probe: FileProbe }> {
  const binary = openBinary(path);
  const text = binary?.elf.smallSection(".dt.types");
  if (binary === undefined || text === undefined) return;
  const lines = new TextDecoder().decode(text).replace(/\0$/, "").split("\n");
  const typesOf = new Map(lines.map((line) => {
    const [name, ...types] = line.split(" ");
    return [name, types];
  }));
  for (const place of staticProbes(binary.elf)) {
    const types = typesOf.get(place.name);
    const known = types?.every((type) => Object.hasOwn(C_TYPES, type)) &&
      place.args.split(" ").filter((arg) => arg !== "").length === types.length;
    if (!known || !NAME.test(place.name) || !NAME.test(place.provider)) continue;
    yield {
      types: types as ArgumentType[],
      probe: {
        path,
        places: [place],
        offsetOf: (address) => binary.elf.offsetOf(address),
        variable: () => undefined,
      },
    };
  }
}

/** The attachment of a tracepoint of this process. */
function listening(pcb: Pcb, point: Point): UserAttachment {
  return {
    plane: "user",
    pcbs: [pcb],
    run({ enter, signal }) {
      const events = new OwnEvents();
      const valueOf = (value: PointValue, i: number): OwnValue => {
        const type = point.types[i];
        if (type === "string") return String(value);
        const bits = type.endsWith("64") ? 64 : 32;
        return (type[0] === "i" ? BigInt.asIntN : BigInt.asUintN)(bits, integerOf(value));
      };
      const ended = Promise.withResolvers<void>();
      let inside = false;
      const listener = listen(point, (values) => {
        try {
          // From within an action: it is counted, and the strings at hand stay as they are.
          if (inside) return enter(pcb, events.event([]));
          inside = true;
          enter(pcb, events.event(values.map(valueOf)));
        } catch (error) {
          // The session's failure, not the program's.
          ended.reject(error);
        } finally {
          inside = false;
        }
      });
      signal.addEventListener("abort", () => {
        listener[Symbol.dispose]();
        events[Symbol.dispose]();
        ended.resolve();
      });
      return ended.promise;
    },
  };
}

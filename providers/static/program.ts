// static: tracepoints of TypeScript programs, of this one on the user plane, of all on the kernel plane.

import { DtError } from "../../core/errors.ts";
import type { Pcb } from "../../core/pcb.ts";
import type { Probe } from "../../core/probe.ts";
import {
  type ArgumentSpec,
  type Attachment,
  type EnableRequest,
  type ProbeSpec,
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
  type UserAttachment,
} from "../../core/provider.ts";
import { openBinary, staticProbes } from "../../core/symbols/mod.ts";
import { bootTimeNs } from "../../core/sys/clock.ts";
import { lasting, type Mapping } from "../../core/sys/memory.ts";
import { selfThread } from "../../core/sys/thread.ts";
import {
  type FileProbe,
  fileProbeAttachments,
  fileProbePcbs,
  REGISTER_LOCATIONS,
} from "../../core/uprobes/mod.ts";
import type { ArgumentType } from "./image.ts";
import { isAlive, libraryFiles } from "./library_file.ts";
import { listen, type Point, points, type PointValue } from "./points.ts";

const PREFIX = "static:";

const C_TYPES: Readonly<Record<ArgumentType, string>> = {
  string: "const char *",
  i32: "int",
  u32: "unsigned int",
  i64: "long",
  u64: "unsigned long",
  bool: "unsigned int",
};

/** A tracepoint wherever it is: its arguments, and the libraries of processes that have it. */
interface Found {
  readonly types: readonly ArgumentType[];
  readonly files: FileProbe[];
  point?: Point;
}

/** The provider of `static:`; see mod.ts. */
export class StaticProvider implements Provider {
  /** Version of the contract. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of its probes. */
  readonly name = "static";

  /** Those of this process, then those of others. */
  *probes(): Generator<ProbeSpec> {
    for (const [name, { types }] of look()) yield spec(`${PREFIX}${name}`, types);
  }

  /** Looks one up. */
  provide(name: string): ProbeSpec | undefined {
    const found = look().get(name.slice(PREFIX.length));
    return found && spec(name, found.types);
  }

  /** Of this process on the user plane; on the kernel plane of every one that has it now. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    const { files, point } = look().get(probe.name.slice(PREFIX.length))!;
    const pcb = { probe, request };
    if (session.plane === "kernel") return fileProbePcbs(pcb, files);
    if (point !== undefined && session.target === undefined) return [pcb];
    throw new DtError(
      "EOPNOTSUPP",
      `Cannot enable ${probe.name} on the user plane: another process's tracepoints are seen with ` +
        "CAP_BPF and CAP_PERFMON",
      { operation: "enable", probe: probe.name },
    );
  }

  /** Nothing is held. */
  dealloc(_pcbs: readonly Pcb[]): void {}

  /** A program for each library, or a listener. */
  attachments(pcbs: readonly Pcb[], session: ProviderSession): Attachment[] {
    const all = look();
    const byProbe = Map.groupBy(pcbs, ({ probe }) => probe);
    return [...byProbe].flatMap(([probe, own]): Attachment[] => {
      const { files, point } = all.get(probe.name.slice(PREFIX.length))!;
      return session.plane === "kernel"
        ? fileProbeAttachments(own, files)
        : own.map((pcb) => listening(pcb, point!));
    });
  }
}

function spec(name: string, types: readonly ArgumentType[]): ProbeSpec {
  const args = types.map((type, i): ArgumentSpec => ({
    name: `arg${i}`,
    type: C_TYPES[type],
    at: `arg${i}`,
  }));
  return { name, args, locations: Object.keys(REGISTER_LOCATIONS) };
}

/** All tracepoints by "namespace:name". */
function look(): Map<string, Found> {
  const all = new Map<string, Found>();
  for (const [name, point] of points()) all.set(name, { types: point.types, files: [], point });
  for (const { path, pid } of libraryFiles()) {
    const binary = isAlive(pid) ? openBinary(path) : undefined;
    const text = binary?.elf.section(".dt.types");
    if (binary === undefined || text === undefined) continue;
    const types = new Map(
      new TextDecoder().decode(text).replace(/\0$/, "").split("\n").map((line) => {
        const [name, ...rest] = line.split(" ");
        return [name, rest as ArgumentType[]];
      }),
    );
    for (const place of staticProbes(binary.elf)) {
      const key = `${place.provider}:${place.name}`;
      const own = types.get(place.name) ?? [];
      const found: Found = all.get(key) ?? { types: own, files: [] };
      all.set(key, found);
      // One name with other arguments in another program is another tracepoint.
      if (found.types.join() !== own.join()) continue;
      found.files.push({
        path,
        places: [place],
        offsetOf: (address) => binary.elf.offsetOf(address),
        variable: () => undefined,
      });
    }
  }
  return all;
}

const STRING_BYTES = 4096;

/** Hears of a tracepoint of this process. */
function listening(pcb: Pcb, point: Point): UserAttachment {
  return {
    plane: "user",
    pcbs: [pcb],
    run({ enter, signal }) {
      const thread = selfThread();
      const encoder = new TextEncoder();
      // A string is read at an address, as in any program.
      const texts: (Mapping | undefined)[] = point.types.map((type) =>
        type === "string" ? lasting(STRING_BYTES) : undefined
      );
      const valueOf = (value: PointValue, i: number): bigint => {
        const text = texts[i];
        if (text === undefined) {
          return typeof value === "number" ? BigInt(Math.trunc(value)) : BigInt(value);
        }
        const bytes = new Uint8Array(text.buffer);
        const { written } = encoder.encodeInto(String(value), bytes.subarray(0, -1));
        bytes[written] = 0;
        return text.address;
      };
      const listener = listen(point, (values) => {
        enter(pcb, {
          cpu: 0,
          thread,
          timestampNs: bootTimeNs(),
          values: Object.fromEntries(values.map((value, i) => [`arg${i}`, valueOf(value, i)])),
        });
      });
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          listener[Symbol.dispose]();
          for (const text of texts) text?.[Symbol.dispose]();
          resolve();
        });
      });
    },
  };
}

// Pure: no I/O, no FFI.
// The interface of printers: each shows the same data in its own format.

import type { MapType, Type } from "../model/types.ts";
import type { Memory } from "../model/memory.ts";
import type { Names } from "./names.ts";
import type { Out } from "./output_buffer.ts";
import type { RecordView } from "./printf.ts";
import type { Entry, MapValue } from "./map_values.ts";

/** Limits of print(@map, top, div). */
export interface PrintLimits {
  /** Only the last so many entries. */
  readonly top?: number;
  /** Divides values. */
  readonly div?: bigint;
}

/** Kinds of plain output. */
export type MessageKind = "printf" | "time" | "cat" | "join" | "syscall";

/** Something to tell about a place in the script. */
export interface Notice {
  readonly kind: "errorf" | "warnf" | "helper_error" | "runtime_error";
  readonly message: string;
  /** Name of the helper that failed; only of a helper_error. */
  readonly helper?: string;
  readonly retcode?: number;
  /** Name, line and column. */
  readonly place: { readonly name: string; readonly line: number; readonly column: number };
  /** The whole of it as text, excerpt included. */
  readonly text: string;
}

/** What printers write to, and what they need to know. */
export interface PrinterOutput {
  /** Takes what the script prints. */
  readonly out: Out;
  /** Names what values stand for. */
  readonly names: Names;
  /** Takes remarks about the run, for people. */
  readonly say: (text: string) => void;
  /** True if nobody wants to know how many probes are attached. */
  readonly quiet: boolean;
}

/** Makes the printer of one output format. */
export type PrinterClass = new (output: PrinterOutput) => Printer;

/** One way of showing what a script puts out. */
export interface Printer {
  /** Probes are attached. */
  attached(count: number): void;
  /** Output that a function of the script makes; `write` puts it. */
  message(kind: MessageKind, write: () => void): void;
  /** print(value), out of memory. */
  value(type: Type, memory: Memory, at: number): void;
  /** print(value) of a string or a buffer whose bytes stand behind the record's fixed part. */
  packed(record: RecordView, index: number): void;
  /** print("text") */
  literal(text: string): void;
  /** print(@m[k]) of an aggregation. */
  element(map: MapType, value: MapValue): void;
  /** A whole map. */
  map(map: MapType, entries: readonly Entry[], limits: PrintLimits): void;
  /** Something went wrong, or the script says so. */
  notice(notice: Notice): void;
  /** Records were lost. */
  lost(count: bigint): void;
  /** Nothing comes any more but maps. */
  ending(): void;
}

/** A value divided as print(@m, top, div) wants it. */
export function divided(value: MapValue, div: bigint | undefined): MapValue {
  if (div === undefined || div === 0n) return value;
  switch (value.kind) {
    case "number":
    case "average":
      return { ...value, value: value.value / div };
    case "stats":
      return { ...value, average: value.average / div };
    case "value":
      if (value.type.kind !== "integer") return value;
      return {
        kind: "number",
        value: (value.type.signed ? value.memory.i64(0) : value.memory.u64(0)) / div,
      };
    default:
      return value;
  }
}

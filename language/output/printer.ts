// Pure: no I/O, no FFI.
// The interface of printers: each shows the same data in its own format.

import { elementOffsets, type MapType, type Type } from "../model/types.ts";
import { Memory } from "../model/memory.ts";
import type { Names } from "./names.ts";
import type { Out } from "./output_buffer.ts";
import type { RecordView, ValuesView } from "./printf.ts";
import type { Entry, MapValue } from "./map_values.ts";

/** Limits of print(@map, top, div). */
export interface PrintLimits {
  /** Number of entries that are printed, the last ones; absent: all. */
  readonly top?: number;
  /** Divisor of the values; absent: 1. */
  readonly div?: bigint;
}

/** Kinds of plain output. */
export type MessageKind = "printf" | "time" | "cat" | "join" | "syscall";

/** Something to tell about a place in the script. */
export interface Notice {
  /** Tells where the notice comes from: the script, a helper, a check at run time. */
  readonly kind: "errorf" | "warnf" | "helper_error" | "runtime_error";
  /** Text of the notice, without its place. */
  readonly message: string;
  /** Name of the helper that failed; only of a helper_error. */
  readonly helper?: string;
  /** Number that a failed operation returned, such as a negative errno; absent for errorf() and warnf(). */
  readonly retcode?: number;
  /** Place in the script: name of the file, line and column. */
  readonly place: { readonly name: string; readonly line: number; readonly column: number };
  /** The whole notice as text, with an excerpt of the script. */
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
  /** True to leave out warnings, those of faults included. */
  readonly noWarnings?: boolean;
}

/** Makes the printer of one output format. */
export type PrinterClass = new (output: PrinterOutput) => Printer;

/** One way of showing what a script puts out. */
export interface Printer {
  /** Tells how many probes are attached. */
  attached(count: number): void;
  /** Output that a function of the script makes; `write` puts it. A printf comes with its values. */
  message(kind: MessageKind, write: () => void, values?: ValuesView): void;
  /** Prints the value of print(value), which lies in memory. */
  value(type: Type, memory: Memory, at: number): void;
  /** print(value) of a string or a buffer whose bytes stand behind the record's fixed part. */
  packed(record: RecordView, index: number): void;
  /** Prints the text of print("text"). */
  literal(text: string): void;
  /** Prints an aggregation's value for print(@m[k]). */
  element(map: MapType, value: MapValue): void;
  /** Prints the entries of a map. */
  map(map: MapType, entries: readonly Entry[], limits: PrintLimits): void;
  /** Prints an error or a warning, of the run or of the script. */
  notice(notice: Notice): void;
  /** Tells how many records were lost. */
  lost(count: bigint): void;
  /** Tells at the end what was lost by one cause; `text` is the line for people. */
  loss(cause: string, count: bigint, text: string): void;
  /** Tells that only maps are printed from now on. */
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
    case "value": {
      const memory = new Memory(value.memory.bytes.slice());
      divideNumbers(value.type, memory, 0, div);
      return { ...value, memory };
    }
    case "histogram":
      if (value.linear) return value;
      return {
        ...value,
        buckets: value.buckets.map((one) => ({ ...one, count: one.count / div })),
        total: value.total / div,
      };
    default:
      return value;
  }
}

/** Divides the numbers of a value where they are. */
function divideNumbers(type: Type, memory: Memory, at: number, div: bigint): void {
  switch (type.kind) {
    case "integer": {
      const number = type.signed ? memory.i64(at) : memory.u64(at);
      return memory.setInteger(at, 8, number / div);
    }
    case "tuple": {
      const offsets = elementOffsets(type);
      return type.elements.forEach((one, i) =>
        divideNumbers(one.type, memory, at + offsets[i], div)
      );
    }
    case "array": {
      const { of, count } = type;
      if (of.kind !== "integer") return;
      for (let i = 0; i < count; i++) {
        const place = at + i * of.size;
        memory.setInteger(place, of.size, memory.integer(place, of.size, of.signed) / div);
      }
    }
  }
}

// Pure: no I/O, no FFI.
// Output as objects, for programs that run a script.

import type { MapType, Type } from "../model/types.ts";
import type { Memory } from "../model/memory.ts";
import type { Entry, MapValue } from "./map_values.ts";
import {
  divided,
  type MessageKind,
  type Notice,
  type Printer,
  type PrinterOutput,
  type PrintLimits,
} from "./printer.ts";
import type { RecordView, ValuesView } from "./printf.ts";
import { integerOf, type Value, Values } from "./values.ts";

/** An entry of a map: the parts of its key, none for a map without keys, and its value. */
export interface MapEntry {
  /** Parts of the key; empty for a map without keys. */
  readonly key: readonly Value[];
  /** Value under the key; of an aggregation, what it came to. */
  readonly value: Value;
}

/** Something that a script puts out, in the order in which it did. */
export type TraceRecord =
  /** printf(): its text, and its values in order. */
  | { readonly type: "printf"; readonly text: string; readonly values: readonly Value[] }
  /** time(), cat(), join(), and the output of system(). */
  | { readonly type: "time" | "cat" | "join" | "system"; readonly text: string }
  /** print() of a value or of an element of a map. */
  | { readonly type: "value"; readonly value: Value }
  /** print() of a map, and each map at the end. */
  | { readonly type: "map"; readonly name: string; readonly entries: readonly MapEntry[] }
  /** errorf(), warnf(), and what failed while the script ran: a helper, an index, a divisor. */
  | {
    readonly type: "error" | "warning";
    readonly message: string;
    readonly file: string;
    readonly line: number;
    readonly column: number;
  }
  /**
   * Something that was not seen, with its cause; "ring_full" comes when the loss is noticed, all causes
   * come at the end with their totals (`total`).
   */
  | {
    readonly type: "lost";
    readonly cause: string;
    readonly count: number | bigint;
    readonly total: boolean;
    readonly text: string;
  };

/** Makes a record of everything that is printed. */
export class RecordPrinter implements Printer {
  readonly #output: PrinterOutput;
  readonly #values: Values;
  readonly #put: (record: TraceRecord) => void;

  constructor(output: PrinterOutput, put: (record: TraceRecord) => void) {
    this.#output = output;
    this.#values = new Values(output.names);
    this.#put = put;
  }

  attached(): void {}

  message(kind: MessageKind, write: () => void, view?: ValuesView): void {
    const text = Values.text(this.#output.out, write);
    if (kind === "printf") {
      const values = view?.values.map((value) => this.#values.slot(view, value)) ?? [];
      this.#put({ type: kind, text, values });
    } else {
      this.#put({ type: kind === "syscall" ? "system" : kind, text });
    }
  }

  value(type: Type, memory: Memory, at: number): void {
    this.#put({ type: "value", value: this.#values.at(type, memory, at) });
  }

  packed(record: RecordView, index: number): void {
    const view = { ...record, values: [] };
    this.#put({ type: "value", value: this.#values.slot(view, index) });
  }

  literal(text: string): void {
    const write = () => this.#output.out.text(text);
    this.#put({ type: "value", value: Values.text(this.#output.out, write) });
  }

  element(_map: MapType, value: MapValue): void {
    this.#put({ type: "value", value: this.#values.ofMap(value) });
  }

  map(map: MapType, entries: readonly Entry[], { top, div }: PrintLimits): void {
    const shown = top === undefined || top === 0 ? entries : entries.slice(-top);
    this.#put({
      type: "map",
      name: map.name.slice(1),
      entries: shown.map(({ key, value }) => ({
        key: keyOf(map, key, this.#values),
        value: this.#values.ofMap(divided(value, div)),
      })),
    });
  }

  notice({ kind, message, place }: Notice): void {
    const { name: file, line, column } = place;
    const type = kind === "errorf" ? "error" : "warning";
    this.#put({ type, message, file, line, column });
  }

  lost(count: bigint): void {
    this.#lost("ring_full", count, false, `Lost ${count} events`);
  }

  loss(cause: string, count: bigint, text: string): void {
    this.#lost(cause, count, true, text.replace(/^WARNING: |\n$/g, ""));
  }

  ending(): void {}

  #lost(cause: string, count: bigint, total: boolean, text: string): void {
    this.#put({ type: "lost", cause, count: integerOf(count), total, text });
  }
}

/** The parts of a map's key. */
export function keyOf({ key: type }: MapType, key: Memory | undefined, values: Values): Value[] {
  if (type === undefined || key === undefined) return [];
  const value = values.at(type, key, 0);
  return type.kind === "tuple" && Array.isArray(value) ? value : [value];
}

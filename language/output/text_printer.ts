// Pure: no I/O, no FFI.
// Output as text, as bpftrace prints it.

import type { MapType, Type } from "../model/types.ts";
import { histogramText, seriesText } from "./chart.ts";
import type { Memory } from "../model/memory.ts";
import type { Names } from "./names.ts";
import type { Out } from "./output_buffer.ts";
import { printSlot, type RecordView } from "./printf.ts";
import { printValue } from "./value_text.ts";
import { strftime } from "./strftime.ts";
import {
  divided,
  type MessageKind,
  type Notice,
  type Printer,
  type PrinterOutput,
  type PrintLimits,
} from "./printer.ts";
import type { Entry, MapValue } from "./map_values.ts";

/** Values to `out`, remarks to `say`. */
export class TextPrinter implements Printer {
  readonly #out: Out;
  readonly #names: Names;
  readonly #say: (text: string) => void;
  readonly #quiet: boolean;
  readonly #noWarnings: boolean;

  constructor({ out, names, say, quiet, noWarnings }: PrinterOutput) {
    this.#noWarnings = noWarnings === true;
    this.#out = out;
    this.#names = names;
    this.#say = say;
    this.#quiet = quiet;
  }

  attached(count: number): void {
    if (!this.#quiet) this.#remark(`Attached ${count} probe${count === 1 ? "" : "s"}\n`);
  }

  message(kind: MessageKind, write: () => void): void {
    write();
    if (kind === "join" || kind === "syscall") this.#out.text("\n");
  }

  packed(record: RecordView, index: number): void {
    printSlot(this.#out, record, index, this.#names);
    this.#out.text("\n");
  }

  value(type: Type, memory: Memory, at: number): void {
    printValue(this.#out, type, memory, at, this.#names);
    this.#out.text("\n");
  }

  literal(text: string): void {
    this.#out.text(`${text}\n`);
  }

  element(_map: MapType, value: MapValue): void {
    this.#value(value, newestEpoch([{ value }]));
    this.#out.text("\n");
  }

  map(map: MapType, entries: readonly Entry[], { top, div }: PrintLimits): void {
    const shown = top === undefined || top === 0 ? entries : entries.slice(-top);
    const newest = newestEpoch(entries);
    for (const { key, value } of shown) {
      this.#out.text(map.name);
      if (key !== undefined) this.#key(map.key!, key);
      const isChart = value.kind === "histogram" || value.kind === "series";
      this.#out.text(isChart ? ":\n" : ": ");
      this.#value(divided(value, div), newest);
      if (value.kind !== "series" || newest > 0n) this.#out.text("\n");
    }
  }

  notice({ kind, text }: Notice): void {
    if (this.#noWarnings && kind !== "errorf") return;
    this.#remark(text);
  }

  lost(count: bigint): void {
    this.#remark(`Lost ${count} events\n`);
  }

  loss(_cause: string, _count: bigint, text: string): void {
    this.#say(text);
  }

  ending(): void {
    this.#out.text("\n\n");
  }

  /** Remarks keep their place among the output. */
  #remark(text: string): void {
    this.#out.flush();
    this.#say(text);
  }

  #series(value: MapValue & { kind: "series" }, newest: bigint): void {
    const time = (ns: bigint, format: string) => strftime(format, this.#names.seriesTime(ns));
    this.#out.utf8(seriesText(value, newest, time));
  }

  #value(value: MapValue, newest: bigint): void {
    switch (value.kind) {
      case "histogram":
        return this.#out.text(histogramText(value));
      case "series":
        return this.#series(value, newest);
      case "value":
        return printValue(this.#out, value.type, value.memory, 0, this.#names);
      case "number":
      case "average":
        return this.#out.text(`${value.value}`);
      case "stats":
        return this.#out.text(
          `{ .count = ${value.count}, .average = ${value.average}, .total = ${value.total} }`,
        );
      default:
        value satisfies never;
    }
  }

  /** A key in brackets, which take the place of an enclosing pair of parentheses, whoever put it there. */
  #key(type: Type, key: Memory): void {
    const mark = this.#out.length;
    printValue(this.#out, type, key, 0, this.#names);
    this.#out.bracket(mark);
  }
}

/** The last interval that any entry saw. */
export function newestEpoch(entries: readonly Entry[]): bigint {
  return entries.reduce((newest, { value }) => {
    const last = value.kind === "series" ? value.points.at(-1)?.epoch ?? 0n : 0n;
    return last > newest ? last : newest;
  }, 0n);
}

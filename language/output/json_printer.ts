// Pure: no I/O, no FFI.
// Output as JSON, one object a line, with bpftrace's names and spaces.

import { AGGREGATIONS } from "../model/aggregations.ts";
import {
  cSize,
  elementOffsets,
  type Field,
  isCharArray,
  isSigned,
  type MapType,
  type Type,
} from "../model/types.ts";
import type { Memory } from "../model/memory.ts";
import type { Names } from "./names.ts";
import type { Out } from "./output_buffer.ts";
import { packedAt, printSlot, type RecordView } from "./printf.ts";
import { bitField, printValue, visibleFields } from "./value_text.ts";
import {
  divided,
  type MessageKind,
  type Notice,
  type Printer,
  type PrinterOutput,
  type PrintLimits,
} from "./printer.ts";
import { utcTime } from "./strftime.ts";
import { newestEpoch } from "./text_printer.ts";
import { type Entry, type MapValue, shownPoints } from "./map_values.ts";

/** Prints values and remarks alike as JSON, to `out`. */
export class JsonPrinter implements Printer {
  readonly #out: Out;
  readonly #names: Names;
  readonly #say: (text: string) => void;
  readonly #quiet: boolean;

  constructor({ out, names, say, quiet }: PrinterOutput) {
    this.#out = out;
    this.#say = say;
    this.#names = names;
    this.#quiet = quiet;
  }

  attached(count: number): void {
    if (this.#quiet) return;
    this.#out.text(
      `{"type": "attached_probes", "count": ${count}, "data": {"probes": ${count}}}\n`,
    );
  }

  message(kind: MessageKind, write: () => void): void {
    this.#out.text(`{"type": "${kind}", "data": `);
    this.#quoted(write);
    this.#out.text("}\n");
  }

  value(type: Type, memory: Memory, at: number): void {
    this.#out.text(`{"type": "value", "data": `);
    this.#json(type, memory, at);
    this.#out.text("}\n");
  }

  packed(record: RecordView, index: number): void {
    const { memory, at, layout } = record;
    const slot = layout.slots[index];
    this.#out.text(`{"type": "value", "data": `);
    if (slot.type.kind === "buffer") {
      this.#bytes(memory, packedAt(record, index), memory.u32(at + slot.at));
    } else {
      this.#quoted(() => printSlot(this.#out, record, index, this.#names));
    }
    this.#out.text("}\n");
  }

  literal(text: string): void {
    this.#out.text(`{"type": "value", "data": `);
    this.#quoted(() => this.#out.text(text));
    this.#out.text("}\n");
  }

  element(map: MapType, value: MapValue): void {
    // A number of an average is a number like any other.
    const kind = value.kind === "average" ? "map" : dataType(map);
    this.#out.text(`{"type": "${kind === "map" ? "value" : kind}", "data": `);
    this.#mapValue(value, 0n);
    this.#out.text("}\n");
  }

  map(map: MapType, entries: readonly Entry[], { top, div }: PrintLimits): void {
    const shown = top === undefined || top === 0 ? entries : entries.slice(-top);
    if (shown.length === 0) {
      if (dataType(map) === "stats") {
        this.#out.text(`{"type": "stats", "data": {"${map.name}": {}}}\n`);
      }
      return;
    }
    const newest = newestEpoch(entries);
    this.#out.text(`{"type": "${dataType(map)}", "data": {"${map.name}": `);
    if (map.key === undefined) {
      this.#mapValue(divided(shown[0].value, div), newest);
    } else {
      const type = map.key;
      this.#out.text("{");
      shown.forEach(({ key, value }, i) => {
        if (i > 0) this.#out.text(", ");
        this.#key(type, key!);
        this.#out.text(": ");
        this.#mapValue(divided(value, div), newest);
      });
      this.#out.text("}");
    }
    this.#out.text("}}\n");
  }

  notice({ kind, message, helper, retcode, place }: Notice): void {
    const out = this.#out;
    out.text(`{"type": "${kind}", "msg": `);
    this.#quoted(() => out.utf8(message));
    if (helper !== undefined) out.text(`, "helper": "${helper}", "retcode": ${retcode}`);
    out.text(`, "filename": `);
    this.#quoted(() => out.utf8(place.name));
    out.text(`, "line": ${place.line}, "col": ${place.column}}\n`);
  }

  lost(count: bigint): void {
    this.#out.text(`{"type": "lost_events", "count": ${count}, "data": {"events": ${count}}}\n`);
  }

  loss(cause: string, count: bigint, text: string): void {
    this.#out.text(`{"type": "loss", "data": {"cause": "${cause}", "count": ${count}}}\n`);
    this.#say(text);
  }

  ending(): void {}

  #quoted(write: () => void): void {
    this.#out.text('"');
    const mark = this.#out.length;
    write();
    this.#out.escape(mark);
    this.#out.text('"');
  }

  /** Keys are text: those that are made of parts have no spaces, and no parentheses around. */
  #key(type: Type, key: Memory): void {
    const mark = this.#out.length;
    printValue(this.#out, type, key, 0, this.#names);
    let text = this.#out.take(mark);
    if (type.kind === "tuple" && text.startsWith("(") && text.endsWith(")")) {
      text = text.slice(1, -1);
    }
    if (["tuple", "struct", "stack"].includes(type.kind)) text = text.replaceAll(" ", "");
    this.#quoted(() => this.#out.text(text));
  }

  #number(value: bigint): void {
    const exact = BigInt(Number(value)) === value;
    this.#out.text(exact ? `${value}` : `"${value}"`);
  }

  #mapValue(value: MapValue, newest: bigint): void {
    const out = this.#out;
    switch (value.kind) {
      case "value":
        return this.#json(value.type, value.memory, 0);
      case "number":
      case "average":
        return this.#number(value.value);
      case "stats":
        out.text(`{"count": ${value.count}, "average": ${value.average}, "total": `);
        this.#number(value.total);
        return out.text("}");
      case "histogram":
        out.text("[");
        value.buckets.forEach(({ min, max, count }, i) => {
          if (i > 0) out.text(",");
          out.text("{");
          if (min !== undefined) out.text(`"min": ${min}, `);
          if (max !== undefined) out.text(`"max": ${max}, `);
          out.text(`"count": ${count}}`);
        });
        return out.text("]");
      case "series": {
        out.text("[");
        shownPoints(value, newest).forEach((point, i) => {
          if (i > 0) out.text(",");
          const at = utcTime(this.#names.seriesTime(point.epoch * value.intervalNs));
          out.text(`{"interval_start":"${at}","value":`);
          this.#number(point.value);
          out.text("}");
        });
        return out.text("]");
      }
      default:
        value satisfies never;
    }
  }

  #bytes(memory: Memory, from: number, length: number): void {
    this.#out.text(`[${memory.bytes.subarray(from, from + length).join(",")}]`);
  }

  /** A value as our memory holds it. */
  #json(type: Type, memory: Memory, at: number): void {
    const out = this.#out;
    switch (type.kind) {
      case "integer":
        return this.#number(isSigned(type) ? memory.i64(at) : memory.u64(at));
      case "bool":
        return out.text(memory.u64(at) === 0n ? "false" : "true");
      case "pointer":
        return this.#number(memory.u64(at));
      case "none":
        return out.text("null");
      case "array":
      case "struct":
        return this.#c(type, memory, at);
      case "buffer":
        return this.#bytes(memory, at + 8, memory.u32(at));
      case "tuple": {
        const offsets = elementOffsets(type);
        const record = type.elements.some(({ name }) => name !== undefined);
        out.text(record ? "{" : "[");
        type.elements.forEach((element, i) => {
          if (i > 0) out.text(record ? ", " : ",");
          if (record) out.text(`"${element.name}": `);
          this.#json(element.type, memory, at + offsets[i]);
        });
        return out.text(record ? "}" : "]");
      }
      default:
        return this.#quoted(() => printValue(out, type, memory, at, this.#names));
    }
  }

  /** A value as C lays it out. */
  #c(type: Type, memory: Memory, at: number): void {
    const out = this.#out;
    if (type.kind === "array") {
      out.text("[");
      for (let i = 0; i < type.count; i++) {
        if (i > 0) out.text(",");
        this.#c(type.of, memory, at + i * cSize(type.of));
      }
      return out.text("]");
    }
    if (type.kind === "struct") {
      out.text("{");
      visibleFields(type).forEach((field, i) => {
        if (i > 0) out.text(", ");
        out.text(`"${field.name}": `);
        this.#field(field, memory, at);
      });
      return out.text("}");
    }
    if (type.kind === "none") return out.text("null");
    const value = memory.integer(at, Math.max(1, Math.min(8, cSize(type))), isSigned(type));
    if (type.kind === "bool") return out.text(value === 0n ? "false" : "true");
    this.#number(value);
  }

  #field(field: Field, memory: Memory, at: number): void {
    const { type, offset } = field;
    if (isCharArray(type)) {
      return this.#quoted(() => this.#out.text(memory.text(at + offset, type.count)));
    }
    if (field.bits === undefined) return this.#c(type, memory, at + offset);
    this.#number(bitField(field, memory, at));
  }
}

/** Name that JSON output gives to a map. */
function dataType({ value }: MapType): string {
  return value.kind === "aggregation" ? AGGREGATIONS[value.name].json : "map";
}

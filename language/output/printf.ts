// Pure: no I/O, no FFI.
// printf(): a format with values out of a record.

import type { Conversion, FormatPart } from "../syntax/printf_format.ts";
import type { Memory } from "../model/memory.ts";
import { gfpText, type Names } from "./names.ts";
import type { Out } from "./output_buffer.ts";
import type { RecordLayout, Slot, ValueRef } from "../model/plan.ts";
import { printBuffer, printInteger, printValue, wide } from "./value_text.ts";

const PLUS = 0x2b;

/** A record: its memory, where it starts, and its values. */
export interface RecordView {
  /** Memory that holds the record. */
  readonly memory: Memory;
  /** Offset of the record in the memory. */
  readonly at: number;
  /** Layout of the record's values. */
  readonly layout: RecordLayout;
}

/** A record with the values of what it says, in order. */
export interface ValuesView extends RecordView {
  /** Values in the record, and literals. */
  readonly values: readonly ValueRef[];
}

/** Prints a format with its values. */
export function printFormat(
  out: Out,
  parts: readonly FormatPart[],
  values: readonly ValueRef[],
  record: RecordView,
  names: Names,
): void {
  let next = 0;
  for (const part of parts) {
    if (typeof part === "string") {
      out.own(part);
      continue;
    }
    const value = values[next++];
    const mark = out.length;
    if (typeof value === "string") out.text(value);
    else if (part.conversion === "s") printSlot(out, record, value, names);
    else convert(out, part, record, value);
    if (part.width > 0) out.pad(mark, part);
  }
}

/** Prints a value in its type's own way. */
export function printSlot(out: Out, record: RecordView, index: number, names: Names): void {
  const { memory, at, layout } = record;
  const slot = layout.slots[index];
  if (slot.form === "inline") return printValue(out, slot.type, memory, at + slot.at, names);
  const length = memory.u32(at + slot.at);
  const from = packedAt(record, index);
  if (slot.type.kind === "buffer") return printBuffer(out, memory, from, length, "r");
  const { limit, truncates } = slot.type as Slot["type"] & { kind: "string" };
  const written = out.cString(memory.bytes, from, length);
  if (truncates && written === limit - 1) out.text(names.trailer);
}

/** Offset of the bytes of a packed value. */
export function packedAt({ memory, at, layout }: RecordView, index: number): number {
  let from = at + layout.fixed;
  for (let i = 0; i < index; i++) {
    if (layout.slots[i].form === "packed") from += memory.u32(at + layout.slots[i].at);
  }
  return from;
}

/** Prints one value as its conversion says, without a width. */
function convert(out: Out, part: Conversion, record: RecordView, index: number): void {
  const { memory, at, layout } = record;
  const slot = layout.slots[index];
  const { conversion } = part;
  if (conversion === "r" || conversion === "rx" || conversion === "rh") {
    const packed = slot.form === "packed";
    const from = packed ? packedAt(record, index) : at + slot.at + 8;
    printBuffer(out, memory, from, memory.u32(at + slot.at), conversion);
    return;
  }
  const low = memory.u32(at + slot.at);
  const high = memory.u32(at + slot.at + 4);
  switch (conversion) {
    case "d":
    case "i": {
      const negative = isNegative(low, high, part.bits);
      if (part.plus && !negative) out.byte(PLUS);
      if (part.bits === 64) printInteger(out, low, high, true);
      else out.decimal(low << (32 - part.bits) >> (32 - part.bits));
      return;
    }
    case "u":
      if (part.bits === 64) printInteger(out, low, high, false);
      else out.decimal(unsigned(low, part.bits));
      return;
    case "c":
      out.byte(low & 0xff);
      return;
    case "p":
      // A null pointer has no prefix.
      out.text(low === 0 && high === 0 ? "0" : `0x${wide(low, high).toString(16)}`);
      return;
    case "gr":
      out.text(gfpText(low));
      return;
    default: { // o, x, X
      const radix = conversion === "o" ? 8 : 16;
      const value = part.bits === 64 ? wide(low, high) : BigInt(unsigned(low, part.bits));
      const prefix = !part.alternate || value === 0n ? "" : radix === 8 ? "0" : "0x";
      const text = prefix + value.toString(radix);
      out.text(conversion === "X" ? text.toUpperCase() : text);
    }
  }
}

function unsigned(low: number, bits: number): number {
  return low << (32 - bits) >>> (32 - bits);
}

function isNegative(low: number, high: number, bits: number): boolean {
  return bits === 64 ? (high | 0) < 0 : low << (32 - bits) < 0;
}

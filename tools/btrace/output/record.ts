// Values out of a record, printed without being made into objects.

import type { Conversion, FormatPart } from "../lang/format.ts";
import { isSigned, type ValueType } from "../lang/types.ts";
import type { Out } from "./out.ts";
import type { RecordLayout, Slot } from "./plan.ts";

const LOW = 0x1_0000_0000;
const TRAILER = "..";
const PLUS = 0x2b;

/** Resolves a probe's number. */
export type ProbeName = (pbn: number) => string;

/** Reads records that lie in one piece of memory. */
export class RecordReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #words: Uint32Array;
  readonly #probeName: ProbeName;
  /** Byte offset of the current record. */
  #at = 0;

  /** @param bytes Memory that records lie in, 8-byte aligned. */
  constructor(bytes: Uint8Array<ArrayBuffer>, probeName: ProbeName) {
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    this.#probeName = probeName;
  }

  /** Goes to the record at a byte offset. */
  seek(offset: number): void {
    this.#at = offset;
  }

  /** A 32-bit field of the record. */
  u32(offset: number): number {
    return this.#words[(this.#at + offset) >>> 2];
  }

  /** Bytes of the record, copied. */
  bytes(offset: number, length: number): Uint8Array {
    return this.#bytes.slice(this.#at + offset, this.#at + offset + length);
  }

  /** Prints a format with its values. */
  printf(
    out: Out,
    parts: readonly FormatPart[],
    values: readonly (number | string)[],
    layout: RecordLayout,
  ): void {
    let next = 0;
    for (const part of parts) {
      if (typeof part === "string") {
        out.text(part);
        continue;
      }
      const value = values[next++];
      const mark = out.length;
      let prefix = 0;
      if (typeof value === "string") out.text(value);
      else if (part.conversion === "s") this.value(out, layout, value);
      else prefix = this.#convert(out, part, layout.slots[value]);
      if (part.width > 0) out.pad(mark, part, prefix);
    }
  }

  /** Prints a value in its type's own way. */
  value(out: Out, layout: RecordLayout, index: number): void {
    const slot = layout.slots[index];
    if (slot.type.kind !== "string") {
      printScalar(out, slot.type, this.u32(slot.at), this.u32(slot.at + 4), this.#probeName);
      return;
    }
    const { size, limit, truncates } = slot.type;
    let at = this.#at + slot.at;
    let length = size;
    if (slot.form === "packed") {
      length = this.u32(slot.at);
      at = this.#at + layout.fixed;
      for (let i = 0; i < index; i++) {
        if (layout.slots[i].form === "packed") at += this.u32(layout.slots[i].at);
      }
    }
    const written = out.cString(this.#bytes, at, length);
    if (truncates && written === limit - 1) out.text(TRAILER);
  }

  /** Returns how many bytes a zero flag's zeros come behind: a sign or "0x". */
  #convert(out: Out, part: Conversion, slot: Slot): number {
    const low = this.u32(slot.at);
    const high = this.u32(slot.at + 4);
    switch (part.conversion) {
      case "d":
      case "i": {
        const negative = isNegative(low, high, part.bits);
        if (part.plus && !negative) out.byte(PLUS);
        if (part.bits === 64) printInteger(out, low, high, true);
        else out.decimal(low << (32 - part.bits) >> (32 - part.bits));
        return part.plus || negative ? 1 : 0;
      }
      case "u":
        if (part.bits === 64) printInteger(out, low, high, false);
        else out.decimal(unsigned(low, part.bits));
        return 0;
      case "c":
        out.byte(low & 0xff);
        return 0;
      case "p":
        out.text(`0x${wide(low, high).toString(16)}`);
        return 2;
      default: { // o, x, X
        const radix = part.conversion === "o" ? 8 : 16;
        const value = part.bits === 64 ? wide(low, high) : BigInt(unsigned(low, part.bits));
        const prefix = !part.alternate || value === 0n ? "" : radix === 8 ? "0" : "0x";
        const text = prefix + value.toString(radix);
        out.text(part.conversion === "X" ? text.toUpperCase() : text);
        return prefix.length;
      }
    }
  }
}

function unsigned(low: number, bits: number): number {
  return low << (32 - bits) >>> (32 - bits);
}

function wide(low: number, high: number): bigint {
  return BigInt(high) << 32n | BigInt(low);
}

function isNegative(low: number, high: number, bits: number): boolean {
  return bits === 64 ? (high | 0) < 0 : low << (32 - bits) < 0;
}

/** A 64-bit integer in decimal; BigInt only beyond 53 bits. */
function printInteger(out: Out, low: number, high: number, signed: boolean): void {
  const top = signed ? high | 0 : high;
  if (top >= -0x20_0000 && top < 0x20_0000) out.decimal(top * LOW + low);
  else out.text(`${signed ? BigInt.asIntN(64, wide(low, high)) : wide(low, high)}`);
}

/** A scalar in its type's own way. */
export function printScalar(
  out: Out,
  type: ValueType,
  low: number,
  high: number,
  probeName: ProbeName,
): void {
  switch (type.kind) {
    case "bool":
      return out.text(low === 0 ? "false" : "true");
    case "pointer":
      return out.text(`0x${wide(low, high).toString(16)}`);
    case "probe":
      return out.text(probeName(low));
    default:
      return printInteger(out, low, high, isSigned(type));
  }
}

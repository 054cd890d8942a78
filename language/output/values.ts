// Pure: no I/O, no FFI.
// Values of scripts as values of JavaScript: out of records and out of maps.

import { cSize, elementOffsets, isCharArray, isSigned, type Type } from "../model/types.ts";
import type { Memory } from "../model/memory.ts";
import type { MapValue as RawMapValue } from "./map_values.ts";
import type { Names } from "./names.ts";
import { Out } from "./output_buffer.ts";
import { packedAt, type ValuesView } from "./printf.ts";
import { bitField, inetText, printValue, visibleFields } from "./value_text.ts";

/** A whole number: a bigint only where a number would not be exact, beyond 2^53. */
export type Integer = number | bigint;

/** An address of a recorded stack. */
export type Frame = {
  /** Address of the code, as in the process or in the kernel. */
  readonly address: bigint;
  /** Function with the offset in it, "main+12"; absent if no symbol is known. */
  readonly name?: string;
};

/**
 * A value of a script. Integers, enumerators and pointers are numbers; text is text; a buffer is bytes;
 * a tuple or an array of C is an array; a record or a structure of C is an object; a stack is an array of
 * {@linkcode Frame}; an address, a user, a time or the like is the text that printf() shows.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Value[]
  | { readonly [member: string]: Value | undefined };

/** One bucket of a histogram. Both bounds belong to the bucket; an open end has none. */
export type HistogramBucket = {
  /** Lowest value that belongs to the bucket. */
  readonly min?: Integer;
  /** Highest value that belongs to the bucket. */
  readonly max?: Integer;
  /** How many numbers fell into the bucket. */
  readonly count: Integer;
};

/** What hist() and lhist() have counted. */
export type HistogramValue = {
  /** Buckets from the first to the last that is not empty. */
  readonly buckets: readonly HistogramBucket[];
  /** Sum of all counts. */
  readonly total: Integer;
};

/** What stats() has gathered. */
export type StatsValue = {
  /** Number of values that were added. */
  readonly count: Integer;
  /** Their mean, rounded towards zero. */
  readonly average: Integer;
  /** Sum of the values. */
  readonly total: Integer;
};

/** What tseries() has gathered: the intervals in which something happened, ascending. */
export type SeriesValue = readonly {
  /** When the interval began, in ns since 1970. */
  readonly startNs: bigint;
  /** Value of the interval. */
  readonly value: Integer;
}[];

/** A number if that is exact, else a bigint. */
export function integerOf(value: bigint): Integer {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Makes values of JavaScript; the names say what addresses and numbers stand for. */
export class Values {
  readonly #names: Names;
  readonly #out = new Out(() => {});

  /** @param names Names of the run. */
  constructor(names: Names) {
    this.#names = names;
  }

  /** Catches what `write` puts out, as text. */
  static text(out: Out, write: () => void): string {
    const mark = out.length;
    write();
    return decode(out.take(mark));
  }

  /** A value as our memory holds it. */
  at(type: Type, memory: Memory, at: number): Value {
    switch (type.kind) {
      case "integer":
        return integerOf(isSigned(type) ? memory.i64(at) : memory.u64(at));
      case "pointer":
        return integerOf(memory.u64(at));
      case "bool":
        return memory.u64(at) !== 0n;
      case "none":
        return null;
      case "string":
        return this.#text(type, memory, at);
      case "buffer":
        return memory.bytes.slice(at + 8, at + 8 + memory.u32(at));
      case "array":
      case "struct":
        return this.#c(type, memory, at);
      case "tuple": {
        const offsets = elementOffsets(type);
        const values = type.elements.map((one, i) => this.at(one.type, memory, at + offsets[i]));
        if (type.elements.every(({ name }) => name === undefined)) return values;
        return object(type.elements.map(({ name }, i) => [name ?? `${i}`, values[i]]));
      }
      case "stack": {
        const [hash, pid] = [memory.u64(at), memory.u32(at + 8)];
        return this.#names.frames(hash).slice(0, type.limit).map((address): Frame => {
          const name = type.space === "kernel"
            ? this.#names.kernelSymbol(address, true)
            : this.#names.userSymbol(address, pid, true);
          return name === undefined ? { address } : { address, name };
        });
      }
      case "special":
        if (type.as === "inet") {
          return inetText(memory.u32(at), memory.bytes.subarray(at + 8, at + 24));
        }
        return this.#text(type, memory, at);
      default:
        return this.#text(type, memory, at);
    }
  }

  /** A value of a record, which may stand behind the record's fixed part. */
  slot(view: ValuesView, value: number | string): Value {
    if (typeof value === "string") return decode(value);
    const slot = view.layout.slots[value];
    const { memory, at } = view;
    if (slot.form === "inline") return this.at(slot.type, memory, at + slot.at);
    const from = packedAt(view, value);
    const bytes = memory.bytes.slice(from, from + memory.u32(at + slot.at));
    if (slot.type.kind === "buffer") return bytes;
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /** A value of a map. */
  ofMap(value: RawMapValue): Value {
    switch (value.kind) {
      case "value":
        return this.at(value.type, value.memory, 0);
      case "number":
      case "average":
        return integerOf(value.value);
      case "stats": {
        const { count, average, total } = value;
        return {
          count: integerOf(count),
          average: integerOf(average),
          total: integerOf(total),
        } satisfies StatsValue;
      }
      case "histogram":
        return {
          buckets: value.buckets.map(({ min, max, count }): HistogramBucket => ({
            ...(min !== undefined && { min: integerOf(min) }),
            ...(max !== undefined && { max: integerOf(max) }),
            count: integerOf(count),
          })),
          total: integerOf(value.total),
        } satisfies HistogramValue;
      case "series":
        return value.points.map(({ epoch, value: one }) => ({
          startNs: this.#names.seriesTime(epoch * value.intervalNs),
          value: integerOf(one),
        })) satisfies SeriesValue;
    }
  }

  /** A value by the text that printing shows. */
  #text(type: Type, memory: Memory, at: number): string {
    return Values.text(
      this.#out,
      () => printValue(this.#out, type, memory, at, this.#names),
    );
  }

  /** A value as C lays it out. */
  #c(type: Type, memory: Memory, at: number): Value {
    switch (type.kind) {
      case "array": {
        if (isCharArray(type)) return decode(memory.text(at, type.count));
        const { of, count } = type;
        return Array.from({ length: count }, (_, i) => this.#c(of, memory, at + i * cSize(of)));
      }
      case "struct":
        return object(
          visibleFields(type).map((field) => [
            field.name,
            field.bits === undefined
              ? this.#c(field.type, memory, at + field.offset)
              : integerOf(bitField(field, memory, at)),
          ]),
        );
      case "none":
        return null;
      default: {
        const size = Math.max(1, Math.min(8, cSize(type)));
        const value = memory.integer(at, size, isSigned(type));
        return type.kind === "bool" ? value !== 0n : integerOf(value);
      }
    }
  }
}

/** An object of members whose names a program has chosen: none of them is inherited or special. */
function object(members: readonly (readonly [string, Value])[]): Value {
  return Object.fromEntries(members);
}

/** Text of a script, which is one character a byte, as JavaScript has it. */
function decode(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0)));
}

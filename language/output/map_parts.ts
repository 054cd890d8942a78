// Pure: no I/O, no FFI.
// What a map has gathered on this machine, in a form that loses nothing when it is added to what another
// machine has gathered: a mean as its total and its count, a histogram as the counts of its buckets.

import type { Type } from "../model/types.ts";
import type { MapValue } from "./map_values.ts";
import type { Frame, Value } from "./values.ts";

/** A value of a map as one machine's part of the value of many machines. */
export type MapPart =
  /** count() and sum(): the number. */
  | { readonly kind: "sum"; readonly total: bigint }
  /** avg() and stats(). */
  | { readonly kind: "mean"; readonly count: bigint; readonly total: bigint }
  /** min() and max(); without a value no number was seen. */
  | { readonly kind: "extreme"; readonly value?: bigint }
  /** hist() and lhist(): counts of buckets that are not empty, by their lowest values; undefined is below all. */
  | { readonly kind: "histogram"; readonly counts: ReadonlyMap<bigint | undefined, bigint> }
  /** Anything else: a value that belongs to its machine. */
  | { readonly kind: "value"; readonly value: Value };

/**
 * The part that an aggregation has gathered.
 *
 * @returns undefined for a plain value.
 * @throws {RangeError} The value is one of tseries(), whose intervals are those of this machine's clock.
 */
export function partOf(value: MapValue): MapPart | undefined {
  switch (value.kind) {
    case "number":
      if (value.unset === undefined) return { kind: "sum", total: value.value };
      return { kind: "extreme", value: value.unset ? undefined : value.value };
    case "average":
    case "stats":
      return { kind: "mean", count: value.count, total: value.total };
    case "histogram": {
      const filled = value.buckets.filter(({ count }) => count > 0n);
      return {
        kind: "histogram",
        counts: new Map(filled.map(({ min, count }) => [min, count])),
      };
    }
    case "series":
      throw new RangeError(
        "Cannot merge tseries(): its intervals are those of one machine's clock",
      );
    case "value":
      return undefined;
  }
}

/**
 * A value as other machines understand it: the frames of a stack are functions by their names; an address
 * remains only where no name is known.
 */
export function portable(type: Type, value: Value): Value {
  if (type.kind === "stack") {
    const frames = value as unknown as readonly Frame[];
    return { stack: frames.map(({ address, name }) => name ?? `0x${address.toString(16)}`) };
  }
  if (type.kind !== "tuple") return value;
  const one = (i: number, member: Value) => portable(type.elements[i].type, member);
  if (Array.isArray(value)) return value.map((member, i) => one(i, member));
  return Object.fromEntries(
    Object.entries(value as Record<string, Value>).map(([name, member], i) => [
      name,
      one(i, member),
    ]),
  );
}

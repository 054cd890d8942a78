// Pure: no I/O, no FFI.
// The table of aggregations: functions that stand on the right of `@map =` and change a value that each
// CPU has for itself.

import type { Arity } from "./functions.ts";

/** Facts about one aggregation that more than one part of the language needs. */
interface Aggregation {
  /** Least and greatest number of arguments. */
  readonly arity: Arity;
  /** Words of one CPU's value, by the parameters of {@linkcode AggregationType}. */
  words(params: readonly bigint[]): number;
  /**
   * How an expression reads the values of all CPUs as one number: their sum, the mean of totals and
   * counts, or the least or greatest of them. Without this entry, expressions cannot read the value.
   */
  readonly number?: "sum" | "mean" | "extreme";
  /** Name that JSON output gives to this kind of map. */
  readonly json: "map" | "stats" | "hist" | "tseries";
}

/** Every aggregation by its name. */
export const AGGREGATIONS = {
  count: { arity: [0, 0], words: () => 1, number: "sum", json: "map" },
  sum: { arity: [1, 1], words: () => 1, number: "sum", json: "map" },
  // The number, and whether there is any.
  min: { arity: [1, 1], words: () => 2, number: "extreme", json: "map" },
  max: { arity: [1, 1], words: () => 2, number: "extreme", json: "map" },
  // The total, and how many numbers it is made of.
  avg: { arity: [1, 1], words: () => 2, number: "mean", json: "stats" },
  stats: { arity: [1, 1], words: () => 2, json: "stats" },
  hist: { arity: [1, 2], words: histBuckets, json: "hist" },
  lhist: { arity: [4, 4], words: lhistBuckets, json: "hist" },
  tseries: {
    arity: [3, 4],
    words: ([, count]: readonly bigint[]): number => TSERIES_WORDS * Number(count),
    json: "tseries",
  },
} as const satisfies Readonly<Record<string, Aggregation>>;

/** Name of an aggregation. */
export type AggregationName = keyof typeof AGGREGATIONS;

/** True for the name of an aggregation. */
export function isAggregationName(name: string): name is AggregationName {
  return Object.hasOwn(AGGREGATIONS, name);
}

/** What tseries() can do with the numbers of one interval. */
export const SERIES_FUNCTIONS = ["last", "avg", "max", "min", "sum"] as const;

/** Value of a map that aggregates. */
export interface AggregationType {
  /** Tells aggregations from other types. */
  readonly kind: "aggregation";
  /** Name of the aggregating function: "count", "hist" and so on. */
  readonly name: AggregationName;
  /** True if the aggregated number is signed. */
  readonly signed: boolean;
  /** hist: bits. lhist: min, max, step. tseries: interval in ns, number of intervals. */
  readonly params: readonly bigint[];
  /** tseries only: what happens inside one interval. */
  readonly inner?: typeof SERIES_FUNCTIONS[number];
}

/** Words of one CPU's value of an aggregation. */
export function aggregationWords({ name, params }: AggregationType): number {
  return AGGREGATIONS[name].words(params);
}

/** True for an aggregation that is printed as a drawing: without a value there is nothing to draw. */
export function isDrawn({ name }: AggregationType): boolean {
  const { json } = AGGREGATIONS[name];
  return json === "hist" || json === "tseries";
}

/** How a cast or a comparison reads an aggregation as one number; undefined if they cannot. */
export function numberOf({ name }: AggregationType): Aggregation["number"] {
  const entry: Aggregation = AGGREGATIONS[name];
  return entry.number;
}

/** Words of one interval of tseries(): number of the interval plus one, value, how many, when. */
export const TSERIES_WORDS = 4;

/**
 * Buckets of hist(): one for negative numbers, one for each number below 2^bits, then 2^bits for each
 * power of two.
 */
export function histBuckets([bits]: readonly bigint[]): number {
  return 1 + Number((65n - bits) << bits);
}

/** Buckets of lhist(): below the range, one for each step, above the range. */
export function lhistBuckets(params: readonly bigint[]): number {
  const [min, max, step] = params;
  return Number((max - min + step - 1n) / step) + 2;
}

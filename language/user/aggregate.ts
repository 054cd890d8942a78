// Pure: no I/O, no FFI.
// count(), hist() and the like: the words of a value, laid out as on the kernel plane.

import type { Action } from "../model/ir.ts";
import {
  type AggregationName,
  type AggregationType,
  histBuckets,
  lhistBuckets,
  numberOf,
  TSERIES_WORDS,
} from "../model/aggregations.ts";
import type { Type } from "../model/types.ts";
import { type Build, FLOW, mapOf, type Step, unsigned } from "./builder.ts";
import { maker, placeKey } from "./maps.ts";
import { evaluate } from "./scalar.ts";

/** Words of a value. */
type Words = BigInt64Array;

/** `@m[k] = count()` and the like. */
export function aggregated(b: Build, action: Action & { op: "aggregated" }): Step {
  const { type } = mapOf(b, action.map);
  const value = action.value === undefined ? undefined : evaluate(b, action.value);
  const key = placeKey(b, action.map, action.key);
  const make = maker(b, action.map, key, action);
  const aggregation = type.value as AggregationType;
  const clock = action.clock === undefined
    ? () => b.system.clock("boot")
    : evaluate(b, action.clock);
  const into = aggregation.name === "tseries"
    ? series(clock, aggregation)
    : CHANGES[aggregation.name](b, aggregation);
  return () => {
    const number = value === undefined ? 0n : value();
    key.fill();
    const entry = make();
    if (entry !== undefined) into(entry.words, number);
    return FLOW.next;
  };
}

/** Changes the words of a value by a number. */
type Change = (words: Words, value: bigint) => void;

/** A total, and how many numbers it is made of. */
const addAndCount = (): Change => (words, value) => {
  words[0] += value;
  words[1]++;
};

/** How each aggregation changes its value. */
const CHANGES: Readonly<
  Record<Exclude<AggregationName, "tseries">, (b: Build, type: AggregationType) => Change>
> = {
  count: () => (words) => void words[0]++,
  sum: () => (words, value) => {
    words[0] += value;
  },
  avg: addAndCount,
  stats: addAndCount,
  // The number, and whether there is any.
  min: (_, { signed }) => extreme("min", signed, 0, 1),
  max: (_, { signed }) => extreme("max", signed, 0, 1),
  hist(_, { params }) {
    const bits = Number(params[0]);
    return bucket(histBuckets(params), (value) => log2Bucket(value, bits));
  },
  lhist: (_, { params }) => bucket(lhistBuckets(params), (value) => linearBucket(value, params)),
};

/** Keeps the least or the greatest in a word; another one tells whether there is any. */
function extreme(
  name: "min" | "max",
  isSigned: boolean,
  at: number,
  set: number,
): Change {
  const further = isSigned
    ? (a: bigint, b: bigint) => name === "min" ? a < b : a > b
    : (a: bigint, b: bigint) =>
      name === "min" ? unsigned(a) < unsigned(b) : unsigned(a) > unsigned(b);
  return (words, value) => {
    if (words[set] === 0n || further(value, words[at])) words[at] = value;
    words[set] = 1n;
  };
}

function bucket(
  buckets: number,
  numberOf: (value: bigint) => number,
): Change {
  return (words, value) => {
    const index = numberOf(value);
    if (index < buckets) words[index]++;
  };
}

/** 0 for negative numbers; one bucket each below 2^bits; then 2^bits for each power of two. */
function log2Bucket(value: bigint, bits: number): number {
  if (value < 0n) return 0;
  if (value < 1n << BigInt(bits)) return 1 + Number(value);
  const power = value.toString(2).length - 1;
  const low = Number(value >> BigInt(power - bits)) & ((1 << bits) - 1);
  return ((power - bits + 1 << bits) | low) + 1;
}

/** 0 below min, the last one from max on. */
function linearBucket(value: bigint, params: readonly bigint[]): number {
  const [min, max, step] = params;
  if (value < min) return 0;
  if (value >= max) return lhistBuckets(params) - 1;
  return Number((value - min) / step) + 1;
}

/** tseries() has a place of four words for each interval, used in turn: the number of the interval plus one,
 * the value, how many numbers came, and when the last one came. */
function series(clock: () => bigint, type: AggregationType): Change {
  const [interval, count] = type.params;
  const { inner } = type;
  return (words, value) => {
    const now = clock();
    const epoch = now / interval;
    const at = Number(epoch % count) * TSERIES_WORDS;
    const place = words.subarray(at, at + TSERIES_WORDS);
    if (place[0] !== epoch + 1n) {
      place[0] = epoch + 1n;
      place[1] = 0n;
      place[2] = 0n;
    }
    place[3] = now;
    const first = place[2] === 0n;
    place[2]++;
    if (inner === "avg" || inner === "sum") place[1] += value;
    else if (inner !== "min" && inner !== "max") place[1] = value;
    else {
      const [x, y] = type.signed ? [value, place[1]] : [unsigned(value), unsigned(place[1])];
      if (first || (inner === "min" ? x < y : x > y)) place[1] = value;
    }
  };
}

/** An aggregation as the number that it stands for. */
export function aggregateValue(type: Type | AggregationType): (words: Words) => bigint {
  const { signed } = type as AggregationType;
  if (numberOf(type as AggregationType) !== "mean") return (words) => words[0];
  return (words) => {
    if (words[1] === 0n) return 0n;
    return signed ? words[0] / words[1] : BigInt.asIntN(64, unsigned(words[0]) / words[1]);
  };
}

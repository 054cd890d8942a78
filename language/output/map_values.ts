// Pure: no I/O, no FFI.
// The contents of a map as data: aggregations summed over CPUs, entries in the order of printing.
// Printers turn the data into text or JSON.

import {
  type AggregationName,
  type AggregationType,
  aggregationWords,
  isDrawn,
  lhistBuckets,
  TSERIES_WORDS,
} from "../model/aggregations.ts";
import { elementOffsets, isSigned, type MapType, storageSize, type Type } from "../model/types.ts";
import { sumCpus } from "../../core/bpf/percpu.ts";
import type { ScriptMap } from "../model/loaded_script.ts";
import type { CompiledMap } from "../model/map_layout.ts";
import { Memory } from "../model/memory.ts";

/** One bucket of a histogram. Both bounds belong to the bucket; an open end has none. */
export interface Bucket {
  /** Lowest value that belongs to the bucket. */
  readonly min?: bigint;
  /** Highest value that belongs to the bucket. */
  readonly max?: bigint;
  /** Numbers that fell into the bucket. */
  readonly count: bigint;
}

/** Value of a hist() or lhist() map. */
export interface Histogram {
  /** Tells histograms from other values of maps. */
  readonly kind: "histogram";
  /** Buckets from the first to the last one that is not empty. */
  readonly buckets: readonly Bucket[];
  /** True if bounds that are multiples of 1024 may be abbreviated in labels: "1K". */
  readonly abbreviate: boolean;
  /** Buckets of a power of two are 2^bits: a label has a unit that is no finer than they are. */
  readonly bits?: bigint;
  /** True for buckets of equal width: lhist(). */
  readonly linear: boolean;
  /** Sum of all counts. */
  readonly total: bigint;
}

/** Value of a tseries() map: the numbers of its intervals. */
export interface Series {
  /** Tells series from other values of maps. */
  readonly kind: "series";
  /** Length of an interval. */
  readonly intervalNs: bigint;
  /** Intervals in which something happened, ascending; `epoch` is the number of the interval since boot. */
  readonly points: readonly { readonly epoch: bigint; readonly value: bigint }[];
  /** The aggregation, which tells how points are printed. */
  readonly type: AggregationType;
}

/** A value of a map as printers show it. */
export type MapValue =
  | { readonly kind: "value"; readonly type: Type; readonly memory: Memory }
  /** `unset`: of min() and max(), which have seen no number since zero(). */
  | { readonly kind: "number"; readonly value: bigint; readonly unset?: boolean }
  | {
    readonly kind: "average";
    readonly value: bigint;
    readonly count: bigint;
    readonly total: bigint;
  }
  | {
    readonly kind: "stats";
    readonly count: bigint;
    readonly average: bigint;
    readonly total: bigint;
  }
  | Histogram
  | Series;

/** An entry of a map. */
export interface Entry {
  /** Key of the entry; absent for a scalar map. */
  readonly key?: Memory;
  /** Value of the entry, as printers show it. */
  readonly value: MapValue;
}

/** An entry out of its bytes. */
export function readEntry(
  map: MapType,
  key: Uint8Array,
  value: Uint8Array,
  valueSize: number,
): Entry {
  return {
    key: map.key === undefined ? undefined : new Memory(key),
    value: map.value.kind === "aggregation"
      ? READS[map.value.name](map.value, value, valueSize)
      : { kind: "value", type: map.value, memory: new Memory(value) },
  };
}

/** All entries of a map, in the order of printing. */
export function readMap({ type, layout }: CompiledMap, map: ScriptMap): Entry[] {
  // A map without keys that has no value reads as zero; there is nothing to draw of such a histogram.
  if (!map.isSet()) {
    const drawn = type.value.kind === "aggregation" && isDrawn(type.value);
    const [key, value] = [new Uint8Array(layout.keySize), new Uint8Array(map.valueBytes)];
    return drawn ? [] : [readEntry(type, key, value, layout.valueSize)];
  }
  const entries = [...map.entries()].map(([key, value]) =>
    readEntry(type, key, value, layout.valueSize)
  );
  return sortEntries(type, entries);
}

function signedBy(signed: boolean, value: bigint): bigint {
  return signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
}

/** Reads the values of all CPUs, which follow each other at a distance of `stride` bytes. */
type Read = (type: AggregationType, value: Uint8Array, stride: number) => MapValue;

function totalAndCount({ signed }: AggregationType, value: Uint8Array, stride: number) {
  const [sum, count] = sumCpus(value, stride);
  const total = signedBy(signed, sum);
  return { count, total, average: count === 0n ? 0n : total / count };
}

/** The words of an aggregation over all CPUs. Behind them may stand whether the map has a value. */
function totals(type: AggregationType, value: Uint8Array, stride: number): BigUint64Array {
  return sumCpus(value, stride).slice(0, aggregationWords(type));
}

/** What the value of each aggregation comes to, over all CPUs. */
const READS: Readonly<Record<AggregationName, Read>> = {
  count: (_, value, stride) => ({ kind: "number", value: sumCpus(value, stride)[0] }),
  sum: ({ signed }, value, stride) => ({
    kind: "number",
    value: signedBy(signed, sumCpus(value, stride)[0]),
  }),
  avg(type, value, stride) {
    const { count, total, average } = totalAndCount(type, value, stride);
    return { kind: "average", value: average, count, total };
  },
  stats: (type, value, stride) => ({ kind: "stats", ...totalAndCount(type, value, stride) }),
  min: extreme,
  max: extreme,
  hist: (type, value, stride) => histogram(type, totals(type, value, stride)),
  lhist: (type, value, stride) => histogram(type, totals(type, value, stride)),
  tseries: series,
};

/** The least or greatest number over the CPUs that have any. */
function extreme(type: AggregationType, value: Uint8Array, stride: number): MapValue {
  const memory = new Memory(value);
  let best: bigint | undefined;
  for (let at = 0; at < value.length; at += stride) {
    if (memory.u64(at + 8) === 0n) continue;
    const one = type.signed ? memory.i64(at) : memory.u64(at);
    if (best === undefined || (type.name === "min" ? one < best : one > best)) best = one;
  }
  return { kind: "number", value: best ?? 0n, unset: best === undefined };
}

type Bounds = (bucket: number) => { min?: bigint; max?: bigint };

/** 0: negative; then one number each below 2^bits; then 2^bits for each power of two. */
function histBounds([bits]: readonly bigint[]): Bounds {
  return (bucket) => {
    if (bucket === 0) return { max: -1n };
    const index = BigInt(bucket - 1);
    if (index < 1n << bits) return { min: index, max: index };
    const shift = (index >> bits) - 1n;
    const min = ((1n << bits) + (index & ((1n << bits) - 1n))) << shift;
    return { min, max: min + (1n << shift) - 1n };
  };
}

function lhistBounds(params: readonly bigint[]): Bounds {
  const [min, max, step] = params;
  const last = lhistBuckets(params) - 1;
  return (bucket) => {
    if (bucket === 0) return { max: min - 1n };
    if (bucket === last) return { min: max };
    const low = min + step * BigInt(bucket - 1);
    return { min: low, max: low + step - 1n };
  };
}

/** Bounds of the buckets of hist() or lhist() by their numbers. */
function boundsOf({ name, params }: AggregationType): Bounds {
  return name === "hist" ? histBounds(params) : lhistBounds(params);
}

/** A histogram of counts that are known by the lowest values of their buckets; undefined is below all. */
export function histogramOf(
  type: AggregationType,
  counts: ReadonlyMap<bigint | undefined, bigint>,
): Histogram {
  const words = new BigUint64Array(aggregationWords(type));
  const bounds = boundsOf(type);
  for (let i = 0; i < words.length; i++) words[i] = counts.get(bounds(i).min) ?? 0n;
  return histogram(type, words);
}

function histogram(type: AggregationType, counts: BigUint64Array): Histogram {
  const { name, params } = type;
  const bounds = boundsOf(type);
  const abbreviate = name === "hist" || params[2] % 1024n === 0n;
  const bits = name === "hist" ? params[0] : undefined;
  const first = counts.findIndex((count) => count > 0n);
  const last = counts.findLastIndex((count) => count > 0n);
  const buckets: Bucket[] = [];
  let total = 0n;
  for (let i = first; i >= 0 && i <= last; i++) {
    buckets.push({ ...bounds(i), count: counts[i] });
    total += counts[i];
  }
  return { kind: "histogram", buckets, abbreviate, bits, linear: name === "lhist", total };
}

/** Points of a series that are not older than what any series of the map would keep. */
export function shownPoints({ points, type }: Series, newest: bigint): Series["points"] {
  const [, count] = type.params;
  return newest === 0n ? points : points.filter(({ epoch }) => epoch > newest - count);
}

/** Intervals over all CPUs: each CPU has what it saw. */
function series(type: AggregationType, value: Uint8Array, stride: number): Series {
  const memory = new Memory(value);
  const [intervalNs, count] = type.params;
  const points = new Map<bigint, { value: bigint; count: bigint; time: bigint }>();
  for (let cpu = 0; cpu < value.length; cpu += stride) {
    for (let i = 0; i < Number(count); i++) {
      const at = cpu + i * TSERIES_WORDS * 8;
      const number = memory.u64(at);
      if (number === 0n) continue;
      const one = {
        value: type.signed ? memory.i64(at + 8) : memory.u64(at + 8),
        count: memory.u64(at + 16),
        time: memory.u64(at + 24),
      };
      const known = points.get(number - 1n);
      points.set(number - 1n, known === undefined ? one : merge(type, known, one));
    }
  }
  const newest = [...points.keys()].reduce((a, b) => a > b ? a : b, 0n);
  return {
    kind: "series",
    intervalNs,
    type,
    points: [...points].filter(([epoch]) => epoch > newest - count)
      .sort(([a], [b]) => a < b ? -1 : 1)
      .map(([epoch, one]) => ({
        epoch,
        value: type.inner === "avg" ? one.value / one.count : one.value,
      })),
  };
}

interface Point {
  value: bigint;
  count: bigint;
  time: bigint;
}

function merge(type: AggregationType, a: Point, b: Point): Point {
  const count = a.count + b.count;
  const time = a.time > b.time ? a.time : b.time;
  switch (type.inner) {
    case "avg":
    case "sum":
      return { value: a.value + b.value, count, time };
    case "min":
      return { value: a.value < b.value ? a.value : b.value, count, time };
    case "max":
      return { value: a.value > b.value ? a.value : b.value, count, time };
    default:
      return { value: a.time > b.time ? a.value : b.value, count, time };
  }
}

/** Numbers by value, histograms by their total, everything else by key; ties by key. */
export function sortEntries(map: MapType, entries: Entry[]): Entry[] {
  const unsigned = map.value.kind === "aggregation" && /^(min|max)$/.test(map.value.name);
  const rank = ({ value }: Entry): bigint => {
    switch (value.kind) {
      case "number":
        return unsigned ? BigInt.asUintN(64, value.value) : value.value;
      case "average":
        return value.value;
      case "stats":
        return value.average;
      case "histogram":
        return value.total;
      case "series":
        return 0n;
      case "value":
        if (value.type.kind !== "integer") return 0n;
        return value.type.signed ? value.memory.i64(0) : value.memory.u64(0);
    }
  };
  // What a comparison needs is read once for each entry, not for each comparison.
  const ranked = entries.map((entry) => ({ entry, rank: narrow(rank(entry)) }));
  const order = map.key === undefined ? undefined : orderOf(map.key);
  ranked.sort((a, b) => {
    if (a.rank !== b.rank) return a.rank < b.rank ? -1 : 1;
    return order === undefined ? 0 : order(a.entry.key!, b.entry.key!);
  });
  return ranked.map(({ entry }) => entry);
}

/** The same number, as one that is compared faster where there is one. */
function narrow(value: bigint): bigint | number {
  return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER
    ? Number(value)
    : value;
}

/** Compares two keys: below zero if the first one comes first. */
type Order = (a: Memory, b: Memory) => number;

/** Order of keys of a type that lie at an offset: numbers by value, text by bytes, tuples by elements. */
function orderOf(type: Type, at = 0): Order {
  switch (type.kind) {
    case "integer":
    case "bool":
    case "pointer":
    case "coded": {
      const high = isSigned(type)
        ? (memory: Memory) => memory.u32(at + 4) | 0
        : (memory: Memory) => memory.u32(at + 4);
      return (a, b) => high(a) - high(b) || a.u32(at) - b.u32(at);
    }
    case "string":
      return (a, b) => {
        for (let i = at; i < at + type.size; i++) {
          const difference = a.bytes[i] - b.bytes[i];
          if (difference !== 0 || a.bytes[i] === 0) return difference;
        }
        return 0;
      };
    case "tuple": {
      const offsets = elementOffsets(type);
      const orders = type.elements.map((element, i) => orderOf(element.type, at + offsets[i]));
      return (a, b) => {
        for (const order of orders) {
          const difference = order(a, b);
          if (difference !== 0) return difference;
        }
        return 0;
      };
    }
    case "buffer":
    case "array":
    case "struct": {
      const end = at + storageSize(type);
      return (a, b) => {
        for (let i = at; i < end; i++) {
          if (a.bytes[i] !== b.bytes[i]) return a.bytes[i] - b.bytes[i];
        }
        return 0;
      };
    }
    default:
      return () => 0;
  }
}

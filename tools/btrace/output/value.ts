// Pure: no I/O, no FFI.
// What a map holds, as data: read out of BPF values, in print order. Printers turn it into text.

import {
  type AggregationType,
  isSigned,
  lhistBuckets,
  type MapType,
  type ValueType,
} from "../lang/types.ts";
import { sumCpus } from "../../../core/bpf/percpu.ts";
import type { MapLayout } from "../codegen/map_layout.ts";
import type { ProbeName } from "./record.ts";

/** A value with its type. */
export interface Datum {
  /** Type. */
  readonly type: ValueType;
  /** Strings without their NUL, one character a byte; probes by name; all else a 64-bit number. */
  readonly value: bigint | string;
}

/** One bucket of a histogram: closed bounds, absent where it is open. */
export interface Bucket {
  /** Lowest value. */
  readonly min?: bigint;
  /** Highest value. */
  readonly max?: bigint;
  /** How many. */
  readonly count: bigint;
}

/** What a map's value prints as. */
export type MapValue = Datum | Histogram;

/** hist() and lhist(). */
export interface Histogram {
  /** Buckets from the first to the last one that is not empty. */
  readonly buckets: readonly Bucket[];
  /** Labels may be abbreviated: bounds are multiples of 1024. */
  readonly abbreviate: boolean;
  /** Sum of all counts. */
  readonly total: bigint;
}

/** An entry of a map. */
export interface Entry {
  /** Its key; empty for a scalar map. */
  readonly keys: readonly Datum[];
  /** Its value. */
  readonly value: MapValue;
}

/** One stored value. */
function datum(type: ValueType, bytes: Uint8Array, at: number, probeName: ProbeName): Datum {
  if (type.kind === "string") {
    let text = "";
    for (let i = at; i < at + type.size && bytes[i] !== 0; i++) {
      text += String.fromCharCode(bytes[i]);
    }
    const cut = type.truncates && text.length === type.limit - 1;
    return { type, value: cut ? `${text}..` : text };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (type.kind === "probe") return { type, value: probeName(view.getUint32(at, true)) };
  return {
    type,
    value: isSigned(type) ? view.getBigInt64(at, true) : view.getBigUint64(at, true),
  };
}

/** An entry out of its bytes. */
export function readEntry(
  map: MapType,
  layout: MapLayout,
  key: Uint8Array,
  value: Uint8Array,
  probeName: ProbeName,
): Entry {
  const keys = map.keys.map((type, i) => datum(type, key, layout.keyOffsets[i], probeName));
  return {
    keys,
    value: map.value.kind === "aggregation"
      ? aggregated(map.value, value, layout.valueSize)
      : datum(map.value, value, 0, probeName),
  };
}

function number(value: bigint, signed: boolean): Datum {
  return {
    type: { kind: "integer", size: 8, signed },
    value: signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value),
  };
}

function aggregated(type: AggregationType, value: Uint8Array, stride: number): MapValue {
  switch (type.name) {
    case "count":
      return number(sumCpus(value, stride)[0], false);
    case "sum":
      return number(sumCpus(value, stride)[0], type.signed);
    case "avg": {
      const [total, count] = sumCpus(value, stride);
      const sum = type.signed ? BigInt.asIntN(64, total) : total;
      return number(count === 0n ? 0n : sum / count, type.signed);
    }
    case "min":
    case "max":
      return number(extreme(type, value, stride), type.signed);
    case "hist":
      return histogram(sumCpus(value, stride), hist, true);
    case "lhist": {
      const step = type.params[2];
      return histogram(sumCpus(value, stride), lhist(type.params), step % 1024n === 0n);
    }
  }
}

/** Over the CPUs that have one. */
function extreme(type: AggregationType, value: Uint8Array, stride: number): bigint {
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  let best: bigint | undefined;
  for (let at = 0; at < value.length; at += stride) {
    if (view.getBigUint64(at + 8, true) === 0n) continue;
    const one = type.signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true);
    if (best === undefined || (type.name === "min" ? one < best : one > best)) best = one;
  }
  return best ?? 0n;
}

type Bounds = (bucket: number) => { min?: bigint; max?: bigint };

/** 0: negative; 1: zero; then powers of two. */
function hist(bucket: number): { min?: bigint; max?: bigint } {
  if (bucket === 0) return { max: -1n };
  if (bucket === 1) return { min: 0n, max: 0n };
  const min = 1n << BigInt(bucket - 2);
  return { min, max: min * 2n - 1n };
}

function lhist(params: readonly bigint[]): Bounds {
  const [min, max, step] = params;
  const last = lhistBuckets(params) - 1;
  return (bucket) => {
    if (bucket === 0) return { max: min - 1n };
    if (bucket === last) return { min: max };
    const low = min + step * BigInt(bucket - 1);
    return { min: low, max: low + step - 1n };
  };
}

function histogram(counts: BigUint64Array, bounds: Bounds, abbreviate: boolean): Histogram {
  const first = counts.findIndex((count) => count > 0n);
  const last = counts.findLastIndex((count) => count > 0n);
  const buckets: Bucket[] = [];
  let total = 0n;
  for (let i = first; i >= 0 && i <= last; i++) {
    buckets.push({ ...bounds(i), count: counts[i] });
    total += counts[i];
  }
  return { buckets, abbreviate, total };
}

/** Numbers by value, histograms by their total, everything else by key; ties by key. */
export function sortEntries(map: MapType, entries: Entry[]): Entry[] {
  const unsigned = map.value.kind === "aggregation" && /^(min|max)$/.test(map.value.name);
  const rank = ({ value }: Entry): bigint => {
    if ("total" in value) return value.total;
    if (typeof value.value === "string") return 0n;
    return unsigned ? BigInt.asUintN(64, value.value) : value.value;
  };
  return entries.sort((a, b) => compare(rank(a), rank(b)) || compareKeys(a.keys, b.keys));
}

function compareKeys(a: readonly Datum[], b: readonly Datum[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compare(a[i].value, b[i].value);
    if (order !== 0) return order;
  }
  return 0;
}

function compare(a: bigint | string, b: bigint | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

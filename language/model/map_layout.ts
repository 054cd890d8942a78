// Pure: no I/O, no FFI.
// A script's maps as BPF maps. Scalar maps are arrays of one entry, aggregations have a value per
// CPU, so that counting takes no lock; a declared kind is taken as it is, with plain values.

import { aggregationWords } from "./aggregations.ts";
import { type MapType, storageSize } from "./types.ts";

/** Shape of the BPF map behind a script's map. */
export interface MapLayout {
  /** `BPF_MAP_TYPE_*` without the prefix. */
  readonly type: "ARRAY" | "PERCPU_ARRAY" | "HASH" | "PERCPU_HASH" | "LRU_HASH" | "LRU_PERCPU_HASH";
  /** Size of a key in bytes. */
  readonly keySize: number;
  /** Bytes of a value on one CPU, {@linkcode MapLayout.set} included. */
  readonly valueSize: number;
  /**
   * A map without keys: offset of the word that is 1 once the script has given the map a value. A map that
   * has none, or none any more, is not printed at the end.
   */
  readonly set?: number;
  /** Most entries that the map may have. */
  readonly entries: number;
  /** Each CPU has a value of its own. */
  readonly perCpu: boolean;
  /** Allocate entries when they are made: for maps that would take much memory in advance. */
  readonly onDemand: boolean;
}

/** A map of a compiled script. */
export interface CompiledMap {
  /** Types of keys and values. */
  readonly type: MapType;
  /** Shape of the BPF map. On the user plane only the sizes and the number of entries count. */
  readonly layout: MapLayout;
}

const PREALLOCATED_BYTES = 1 << 20;
/** Largest entry that the kernel's allocator gives to a program. */
const ON_DEMAND_ENTRY = 4000;

const DECLARED = {
  hash: ["HASH", "PERCPU_HASH"],
  percpuhash: ["HASH", "PERCPU_HASH"],
  lruhash: ["LRU_HASH", "LRU_PERCPU_HASH"],
  percpulruhash: ["LRU_HASH", "LRU_PERCPU_HASH"],
} as const;

/** How many different stacks a script may record. */
export function mostStacks(maxMapKeys: number): number {
  return Math.max(maxMapKeys * 4, 1 << 17);
}

/** Lays out a map of at most `maximum` keys, or as many as it declares. */
export function mapLayout(map: MapType, maximum: number): MapLayout {
  const perCpu = map.value.kind === "aggregation";
  const valueSize = map.value.kind === "aggregation"
    ? aggregationWords(map.value) * 8
    : Math.max(8, storageSize(map.value));
  const { key, declared } = map;
  if (key === undefined) {
    return {
      type: perCpu ? "PERCPU_ARRAY" : "ARRAY",
      keySize: 4,
      valueSize: valueSize + 8,
      set: valueSize,
      entries: 1,
      perCpu,
      onDemand: false,
    };
  }
  const keySize = Math.max(8, storageSize(key));
  const entries = declared?.entries ?? maximum;
  const type = DECLARED[declared?.kind ?? "hash"][perCpu ? 1 : 0];
  const entry = 64 + keySize + (perCpu ? 8 : valueSize);
  const onDemand = !type.startsWith("LRU") && entry <= ON_DEMAND_ENTRY &&
    (entry + valueSize) * entries > PREALLOCATED_BYTES;
  return { type, keySize, valueSize, entries, perCpu, onDemand };
}

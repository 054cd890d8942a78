// Pure: no I/O, no FFI.
// A script's maps as BPF maps. Scalar maps are arrays of one entry, aggregations have a value per
// CPU, so that counting takes no lock; keys stand one behind the other, 8 bytes or a padded string
// each.

import { aggregationWords, type MapType, storageSize } from "../lang/types.ts";

/** Shape of the BPF map behind a script's map. */
export interface MapLayout {
  /** `BPF_MAP_TYPE_*` without the prefix. */
  readonly type: "ARRAY" | "PERCPU_ARRAY" | "HASH" | "PERCPU_HASH";
  /** Bytes. */
  readonly keySize: number;
  /** Bytes on one CPU. */
  readonly valueSize: number;
  /** Offset of each key. */
  readonly keyOffsets: readonly number[];
  /** Allocate entries when they are made: for maps that would take much memory in advance. */
  readonly onDemand: boolean;
}

const PREALLOCATED_BYTES = 1 << 20;
/** Largest entry that the kernel's allocator gives to a program. */
const ON_DEMAND_ENTRY = 4000;

/** Lays out a map of at most `entries` keys. */
export function mapLayout(map: MapType, entries: number): MapLayout {
  const perCpu = map.value.kind === "aggregation";
  const valueSize = map.value.kind === "aggregation"
    ? aggregationWords(map.value) * 8
    : storageSize(map.value);
  if (map.keys.length === 0) {
    return {
      type: perCpu ? "PERCPU_ARRAY" : "ARRAY",
      keySize: 4,
      valueSize,
      keyOffsets: [],
      onDemand: false,
    };
  }
  let keySize = 0;
  const keyOffsets = map.keys.map((key) => {
    const at = keySize;
    keySize += storageSize(key);
    return at;
  });
  const entry = 64 + keySize + (perCpu ? 8 : valueSize);
  const onDemand = entry <= ON_DEMAND_ENTRY && (entry + valueSize) * entries > PREALLOCATED_BYTES;
  return { type: perCpu ? "PERCPU_HASH" : "HASH", keySize, valueSize, keyOffsets, onDemand };
}

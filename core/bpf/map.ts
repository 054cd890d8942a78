// BPF maps: creating, reading and writing them, each with an owned descriptor. syscall.ts makes the
// calls; ringbuf.ts reads the maps that are rings.

import { Fd } from "../sys/fd.ts";
import { possibleCpuCount } from "../sys/cpu.ts";
import { MAP_SHARED, Mapping, pageSize, PROT_READ, PROT_WRITE } from "../sys/memory.ts";
import { errorCode } from "../errors.ts";
import {
  mapCreate,
  mapDelete,
  mapFreeze,
  mapGetNextKey,
  mapLookup,
  mapLookupBatch,
  mapUpdate,
} from "./syscall.ts";

/** Numbers of the map types by the kernel's names, without the BPF_MAP_TYPE_ prefix. */
export const BPF_MAP_TYPE = {
  HASH: 1,
  ARRAY: 2,
  PROG_ARRAY: 3,
  PERCPU_HASH: 5,
  PERCPU_ARRAY: 6,
  STACK_TRACE: 7,
  CGROUP_ARRAY: 8,
  LRU_HASH: 9,
  LRU_PERCPU_HASH: 10,
  RINGBUF: 27,
} as const;

/** Name of a map type in {@linkcode BPF_MAP_TYPE}. */
export type MapType = keyof typeof BPF_MAP_TYPE;

/** Flag of an update: create the entry or overwrite it. */
export const BPF_ANY = 0;
/** Flag of an update: only create the entry; EEXIST if the key is present. */
export const BPF_NOEXIST = 1;
/** Flag of an update: only overwrite the entry; ENOENT if the key is absent. */
export const BPF_EXIST = 2;
/** Flag of a new map: memory for an entry is allocated when the entry is made. */
export const BPF_F_NO_PREALLOC = 1;
/** Flag of a new map: programs may read the map and not write it. */
export const BPF_F_RDONLY_PROG = 1 << 7;
/** Flag of a new map: the values of the array can be mapped with {@linkcode BpfMap.mmap}. */
export const BPF_F_MMAPABLE = 1 << 10;

/** Types of maps that have a value for each CPU. */
const PER_CPU: ReadonlySet<MapType> = new Set(["PERCPU_HASH", "PERCPU_ARRAY", "LRU_PERCPU_HASH"]);
/** Greatest number of entries that one batch asks for. */
const BATCH_ENTRIES = 4096;
/** Greatest size in bytes of the buffers of one batch. */
const BATCH_BYTES = 1 << 22;

/** Description of a map to create with {@linkcode BpfMap}. */
export interface MapSpec {
  /** Type of the map, e.g. "HASH". */
  type: MapType;
  /** Name that bpftool shows, cut to 15 characters. */
  name: string;
  /** Size of a key in bytes; 0 for a ring buffer. */
  keySize: number;
  /** Size of a value in bytes; for a per-CPU type, of the value on one CPU. */
  valueSize: number;
  /**
   * Capacity in entries. For a ring, its size in bytes: a power of two and a multiple of the page
   * size.
   */
  maxEntries: number;
  /** Flags of the map, a sum of `BPF_F_*`. */
  flags?: number;
}

/**
 * A BPF map with an owned descriptor. A per-CPU value is read as a sequence of slices, one of
 * {@linkcode BpfMap.cpuStride} bytes for each possible CPU. Needs CAP_BPF, and Linux 5.8 for ring
 * buffers.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/bpf.2.html}
 */
export class BpfMap implements Disposable {
  /** Description from which the map was created. */
  readonly spec: Readonly<MapSpec>;
  /**
   * Size in bytes of a value as this process reads it: for a per-CPU type, the slices of all CPUs.
   */
  readonly userValueSize: number;
  /** Distance in bytes between two CPUs' slices of a per-CPU value. */
  readonly cpuStride: number;
  readonly #fd: Fd;
  #mapping?: Mapping;

  /**
   * Creates the map.
   *
   * @param spec Description of the map.
   * @throws {DtError} EPERM without CAP_BPF; EINVAL the sizes or flags do not fit the type; E2BIG;
   * ENOMEM.
   */
  constructor(spec: MapSpec) {
    this.spec = spec;
    this.cpuStride = (spec.valueSize + 7) & ~7;
    this.userValueSize = PER_CPU.has(spec.type)
      ? this.cpuStride * possibleCpuCount()
      : spec.valueSize;
    this.#fd = new Fd(mapCreate({ ...spec, type: BPF_MAP_TYPE[spec.type] }), `map:${spec.name}`);
  }

  /** Descriptor of the map, for instructions that refer to the map. */
  get fd(): number {
    return this.#fd.value;
  }

  /** True if each CPU has a value of its own. */
  get perCpu(): boolean {
    return PER_CPU.has(this.spec.type);
  }

  /** Copies the value under `key`; undefined if the key is absent. */
  lookup(key: Uint8Array): Uint8Array | undefined {
    const value = new Uint8Array(this.userValueSize);
    return mapLookup(this.fd, key, value) ? value : undefined;
  }

  /**
   * Writes the value of a key.
   *
   * @param key Bytes of the key.
   * @param value Bytes of the value; for a per-CPU type, the slices of all CPUs.
   * @param flags {@linkcode BPF_ANY}, {@linkcode BPF_NOEXIST} or {@linkcode BPF_EXIST}.
   * @throws {DtError} E2BIG the map is full; EEXIST, ENOENT as `flags` ask.
   */
  update(key: Uint8Array, value: Uint8Array, flags: number = BPF_ANY): void {
    mapUpdate(this.fd, key, value, flags);
  }

  /** Removes an entry; false if the key is absent. */
  delete(key: Uint8Array): boolean {
    return mapDelete(this.fd, key);
  }

  /** Makes the map read-only for user space, so that the verifier can rely on its contents. */
  freeze(): void {
    mapFreeze(this.fd);
  }

  /**
   * Copies every entry, in batches where the map type has them. Entries that programs add meanwhile
   * may be missed.
   */
  *entries(): Generator<[key: Uint8Array, value: Uint8Array]> {
    yield* this.spec.type === "ARRAY" || !this.#canBatch() ? this.#walk() : this.#batches(false);
  }

  /**
   * Removes every entry of a hash map.
   *
   * @throws {DtError} The entries of an array cannot be removed.
   */
  clear(): void {
    if (this.#canBatch()) {
      // The generator deletes a batch whenever it asks the kernel for the next entries.
      for (const _ of this.#batches(true));
    } else {
      for (const [key] of [...this.#walk()]) this.delete(key);
    }
  }

  /**
   * Maps all values of an array that was created with {@linkcode BPF_F_MMAPABLE}. The buffer is
   * shared with programs until the map is closed.
   */
  mmap(): ArrayBuffer {
    const page = pageSize();
    const size = ((this.spec.valueSize + 7) & ~7) * this.spec.maxEntries;
    this.#mapping ??= new Mapping(Math.ceil(size / page) * page, {
      prot: PROT_READ | PROT_WRITE,
      flags: MAP_SHARED,
      fd: this.fd,
      offset: 0,
    });
    return this.#mapping.buffer;
  }

  /** Closes the map, and unmaps its values. */
  [Symbol.dispose](): void {
    this.#mapping?.[Symbol.dispose]();
    this.#fd[Symbol.dispose]();
  }

  /** True if the kernel can copy this type of map in batches. */
  #canBatch(): boolean {
    return this.spec.type !== "STACK_TRACE" && this.spec.type !== "PROG_ARRAY";
  }

  /** Copies entry by entry, with two system calls each. */
  *#walk(): Generator<[Uint8Array, Uint8Array]> {
    let key: Uint8Array | undefined;
    for (;;) {
      const next = new Uint8Array(this.spec.keySize);
      if (!mapGetNextKey(this.fd, key, next)) return;
      key = next;
      const value = this.lookup(next);
      if (value !== undefined) yield [next, value];
    }
  }

  /** Copies, and removes if wanted, many entries with each system call. */
  *#batches(remove: boolean): Generator<[Uint8Array, Uint8Array]> {
    const { keySize } = this.spec;
    const entry = keySize + this.userValueSize;
    let capacity = Math.max(64, Math.min(BATCH_ENTRIES, Math.floor(BATCH_BYTES / entry)));
    const token = new Uint8Array(Math.max(keySize, 8));
    for (let first = true;;) {
      const batch = {
        token,
        keys: new Uint8Array(keySize * capacity),
        values: new Uint8Array(this.userValueSize * capacity),
        capacity,
      };
      let result;
      try {
        result = mapLookupBatch(this.fd, batch, { first, remove });
      } catch (error) {
        // A bucket of the hash holds more entries than fit. Nothing was copied, and the position is
        // unchanged.
        if (errorCode(error) !== "ENOSPC") throw error;
        capacity *= 2;
        continue;
      }
      for (let i = 0; i < result.count; i++) {
        yield [
          batch.keys.subarray(i * keySize, (i + 1) * keySize),
          batch.values.subarray(i * this.userValueSize, (i + 1) * this.userValueSize),
        ];
      }
      if (result.last) return;
      first = false;
    }
  }
}

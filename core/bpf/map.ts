// BPF maps: an owned descriptor with typed sizes.

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

/** Map types by the kernel's names, without the BPF_MAP_TYPE_ prefix. */
export const BPF_MAP_TYPE = {
  HASH: 1,
  ARRAY: 2,
  PROG_ARRAY: 3,
  PERCPU_HASH: 5,
  PERCPU_ARRAY: 6,
  STACK_TRACE: 7,
  LRU_HASH: 9,
  LRU_PERCPU_HASH: 10,
  RINGBUF: 27,
} as const;

/** One of {@linkcode BPF_MAP_TYPE}'s names. */
export type MapType = keyof typeof BPF_MAP_TYPE;

/** Creates or overwrites. */
export const BPF_ANY = 0;
/** Creates only: EEXIST. */
export const BPF_NOEXIST = 1;
/** Overwrites only: ENOENT. */
export const BPF_EXIST = 2;
/** Entries are allocated when they are made. */
export const BPF_F_NO_PREALLOC = 1;
/** Programs may only read. */
export const BPF_F_RDONLY_PROG = 1 << 7;
/** The value can be mmap'ed (arrays). */
export const BPF_F_MMAPABLE = 1 << 10;

const PER_CPU: ReadonlySet<MapType> = new Set(["PERCPU_HASH", "PERCPU_ARRAY", "LRU_PERCPU_HASH"]);
const BATCH_ENTRIES = 4096;
const BATCH_BYTES = 1 << 22;

/** What to create; see {@linkcode BpfMap}. */
export interface MapSpec {
  /** Type. */
  type: MapType;
  /** Shown by bpftool; cut to 15 characters. */
  name: string;
  /** Bytes of a key; 0 for a ring buffer. */
  keySize: number;
  /** Bytes of a value (on one CPU). */
  valueSize: number;
  /** Capacity in entries, or the ring's size in bytes: a power of two and of pages. */
  maxEntries: number;
  /** `BPF_F_*` */
  flags?: number;
}

/**
 * A map. Per-CPU values are read as one slice of {@linkcode BpfMap.cpuStride} bytes per possible CPU.
 * Needs CAP_BPF and Linux 5.8 (ring buffer).
 *
 * @see {@link https://man7.org/linux/man-pages/man2/bpf.2.html}
 */
export class BpfMap implements Disposable {
  /** What was asked for. */
  readonly spec: Readonly<MapSpec>;
  /** Bytes of one value as this side sees it: all CPUs' slices for a per-CPU type. */
  readonly userValueSize: number;
  /** Bytes between the slices of a per-CPU value. */
  readonly cpuStride: number;
  readonly #fd: Fd;
  #mapping?: Mapping;

  /**
   * Creates the map.
   *
   * @throws {DtError} EPERM without CAP_BPF, EINVAL, E2BIG, ENOMEM.
   */
  constructor(spec: MapSpec) {
    this.spec = spec;
    this.cpuStride = (spec.valueSize + 7) & ~7;
    this.userValueSize = PER_CPU.has(spec.type)
      ? this.cpuStride * possibleCpuCount()
      : spec.valueSize;
    this.#fd = new Fd(mapCreate({ ...spec, type: BPF_MAP_TYPE[spec.type] }), `map:${spec.name}`);
  }

  /** Descriptor; for instructions that refer to the map. */
  get fd(): number {
    return this.#fd.value;
  }

  /** True if each CPU has its own value. */
  get perCpu(): boolean {
    return PER_CPU.has(this.spec.type);
  }

  /** The value under `key`, or undefined. */
  lookup(key: Uint8Array): Uint8Array | undefined {
    const value = new Uint8Array(this.userValueSize);
    return mapLookup(this.fd, key, value) ? value : undefined;
  }

  /**
   * Writes a value.
   *
   * @param flags {@linkcode BPF_ANY}, {@linkcode BPF_NOEXIST} or {@linkcode BPF_EXIST}.
   * @throws {DtError} E2BIG the map is full; EEXIST, ENOENT as `flags` ask.
   */
  update(key: Uint8Array, value: Uint8Array, flags: number = BPF_ANY): void {
    mapUpdate(this.fd, key, value, flags);
  }

  /** Removes an entry; false if it was absent. */
  delete(key: Uint8Array): boolean {
    return mapDelete(this.fd, key);
  }

  /** Makes the map read-only for this side, so that the verifier can trust its contents. */
  freeze(): void {
    mapFreeze(this.fd);
  }

  /** Every entry, in batches where the kernel can. Entries made meanwhile may be missed. */
  *entries(): Generator<[key: Uint8Array, value: Uint8Array]> {
    yield* this.spec.type === "ARRAY" || !this.#canBatch() ? this.#walk() : this.#batches(false);
  }

  /** Removes every entry. */
  clear(): void {
    if (this.#canBatch()) {
      // Draining the generator deletes batch by batch.
      for (const _ of this.#batches(true));
    } else {
      for (const [key] of [...this.#walk()]) this.delete(key);
    }
  }

  /** The whole value of an mmapable array as a buffer shared with the kernel. */
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

  /** Closes the map. */
  [Symbol.dispose](): void {
    this.#mapping?.[Symbol.dispose]();
    this.#fd[Symbol.dispose]();
  }

  #canBatch(): boolean {
    return this.spec.type !== "STACK_TRACE" && this.spec.type !== "PROG_ARRAY";
  }

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
        // A hash bucket held more than fits; nothing was copied and the position stands.
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

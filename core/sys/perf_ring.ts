// Reads the ring in which the kernel leaves the records of a perf event: there is a ring for each
// CPU. perf_event_open(2), "MMAP layout".

import type { Fd } from "./fd.ts";
import { MAP_SHARED, Mapping, pageSize, PROT_READ, PROT_WRITE } from "./memory.ts";

/** Numbers of the record types that dt reads, as in `perf_event_header.type`. */
export const PERF_RECORD = { lost: 2, comm: 3, exit: 4, fork: 7, sample: 9, mmap2: 10 } as const;

/** Bits of `misc` in a record's header. */
export const PERF_RECORD_MISC = {
  /** In a comm record: the process executes a program, it has not just renamed itself. */
  commExec: 1 << 13,
  /** In an mmap2 record: the record holds a build id in place of device and inode. */
  mmapBuildId: 1 << 14,
} as const;

/** Offsets of the ring's positions in struct perf_event_mmap_page, in bytes. */
const DATA_HEAD = 1024;
/** Position up to which this process has read. */
const DATA_TAIL = 1032;

/**
 * Called with a record's type, its body without the header, and its `misc` bits. The body is
 * overwritten when the call returns.
 */
export type PerfRecordHandler = (type: number, body: DataView, misc: number) => void;

/** The mapped ring of one perf event. */
export class PerfRing implements Disposable {
  readonly #mapping: Mapping;
  readonly #positions: BigUint64Array;
  readonly #data: Uint8Array;
  /** Each record is copied here, since a record may lie across the end of the ring. */
  readonly #record = new Uint8Array(1 << 16);
  readonly #view = new DataView(this.#record.buffer);

  /**
   * Maps the ring of an event.
   *
   * @param event The event; the caller goes on owning it.
   * @param pages Number of pages for records: a power of two.
   * @throws {DtError} EPERM the user's rings exceed the sysctl perf_event_mlock_kb.
   */
  constructor(event: Fd, pages: number) {
    const page = pageSize();
    this.#mapping = new Mapping((pages + 1) * page, {
      prot: PROT_READ | PROT_WRITE,
      flags: MAP_SHARED,
      fd: event.value,
      offset: 0,
    });
    this.#positions = new BigUint64Array(this.#mapping.buffer, 0, page / 8);
    this.#data = new Uint8Array(this.#mapping.buffer, page, pages * page);
  }

  /** Hands out all records that are in the ring now, and frees their room. */
  drain(handler: PerfRecordHandler): void {
    const mask = this.#data.length - 1;
    const head = Number(Atomics.load(this.#positions, DATA_HEAD / 8));
    let tail = Number(this.#positions[DATA_TAIL / 8]);
    while (tail < head) {
      // struct perf_event_header {u32 type, u16 misc, u16 size}
      this.#copy(tail & mask, 8);
      const size = this.#view.getUint16(6, true);
      this.#copy(tail & mask, size);
      const body = new DataView(this.#record.buffer, 8, size - 8);
      handler(this.#view.getUint32(0, true), body, this.#view.getUint16(4, true));
      tail += size;
    }
    Atomics.store(this.#positions, DATA_TAIL / 8, BigInt(tail));
  }

  #copy(at: number, bytes: number): void {
    const first = Math.min(bytes, this.#data.length - at);
    this.#record.set(this.#data.subarray(at, at + first));
    if (first < bytes) this.#record.set(this.#data.subarray(0, bytes - first), first);
  }

  /** Unmaps the ring; the event stays open. */
  [Symbol.dispose](): void {
    this.#mapping[Symbol.dispose]();
  }
}

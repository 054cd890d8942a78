// The ring that perf samples go to: one of each CPU. perf_event_open(2), "MMAP layout".

import type { Fd } from "./fd.ts";
import { MAP_SHARED, Mapping, pageSize, PROT_READ, PROT_WRITE } from "./memory.ts";

/** Types of records. */
export const PERF_RECORD = { lost: 2, comm: 3, exit: 4, fork: 7, sample: 9, mmap2: 10 } as const;

/** Bits of a record's `misc`. */
export const PERF_RECORD_MISC = {
  /** Of comm: the process executes a program. */
  commExec: 1 << 13,
  /** Of mmap2: there is a build id. */
  mmapBuildId: 1 << 14,
} as const;

/** Offsets in struct perf_event_mmap_page. */
const DATA_HEAD = 1024;
const DATA_TAIL = 1032;

/** Gets a record without its header: its type, bytes, misc. They are gone when the call returns. */
export type PerfRecordHandler = (type: number, body: DataView, misc: number) => void;

/** A ring of one event. */
export class PerfRing implements Disposable {
  readonly #mapping: Mapping;
  readonly #positions: BigUint64Array;
  readonly #data: Uint8Array;
  /** A record that lies across the end of the ring is put together here. */
  readonly #record = new Uint8Array(1 << 16);
  readonly #view = new DataView(this.#record.buffer);

  /**
   * @param event Owned by the caller.
   * @param pages Of data: a power of two.
   * @throws {DtError} EPERM more than perf_event_mlock_kb.
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

  /** Hands out what is there. */
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

  [Symbol.dispose](): void {
    this.#mapping[Symbol.dispose]();
  }
}

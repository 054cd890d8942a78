// The BPF ring buffer, read in place. Layout (kernel/bpf/ringbuf.c):
//
//   page 0  consumer position   written by us
//   page 1  producer position   written by the kernel
//   data    mapped twice in a row, so that a record never wraps
//
//   record: u32 length | BUSY | DISCARD, u32 page offset, payload, padding to 8
//
// Positions only grow; the place is position & (size - 1).

import { MAP_SHARED, Mapping, pageSize, PROT_READ, PROT_WRITE } from "../sys/memory.ts";
import { BpfMap } from "./map.ts";

const BUSY = 0x80000000;
const DISCARD = 0x40000000;
const LENGTH = 0x3fffffff;
const HEADER = 8;

/**
 * Called with each record's place in {@linkcode RingBuffer.bytes}. The bytes are the kernel's and
 * are gone when the call returns. Returning false leaves the record, and all after it, unread.
 */
export type RecordHandler = (offset: number, length: number) => boolean | void;

/** A ring buffer map with its reader: one per ring. Needs Linux 5.8. */
export class RingBuffer implements Disposable {
  /** The map, for programs. */
  readonly map: BpfMap;
  /** Capacity in bytes. */
  readonly size: number;
  /** The data area as bytes; twice `size` long. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same as 32-bit words: records start at multiples of 8. */
  readonly words: Uint32Array<ArrayBuffer>;
  readonly #consumerMapping: Mapping;
  readonly #producerMapping: Mapping;
  readonly #consumer: BigUint64Array<ArrayBuffer>;
  readonly #producer: BigUint64Array<ArrayBuffer>;
  #position = 0;

  /**
   * Creates and maps the ring.
   *
   * @param size Bytes: a power of two and a multiple of the page size.
   * @throws {DtError} EPERM without CAP_BPF, ENOMEM.
   */
  constructor(size: number, name: string) {
    using stack = new DisposableStack();
    this.size = size;
    const page = pageSize();
    this.map = stack.use(
      new BpfMap({ type: "RINGBUF", name, keySize: 0, valueSize: 0, maxEntries: size }),
    );
    const fd = this.map.fd;
    this.#consumerMapping = stack.use(
      new Mapping(page, { prot: PROT_READ | PROT_WRITE, flags: MAP_SHARED, fd, offset: 0 }),
    );
    this.#producerMapping = stack.use(
      new Mapping(page + 2 * size, { prot: PROT_READ, flags: MAP_SHARED, fd, offset: page }),
    );
    this.#consumer = new BigUint64Array(this.#consumerMapping.buffer, 0, 1);
    this.#producer = new BigUint64Array(this.#producerMapping.buffer, 0, 1);
    this.bytes = new Uint8Array(this.#producerMapping.buffer, page);
    this.words = new Uint32Array(this.#producerMapping.buffer, page);
    stack.move();
  }

  /** Bytes reserved and not yet read. */
  get available(): number {
    return Number(Atomics.load(this.#producer, 0)) - this.#position;
  }

  /** Bytes that were read since the ring was made. */
  get position(): number {
    return this.#position;
  }

  /**
   * Hands every committed record to `handler`, in the order in which they were reserved. Records that
   * arrive meanwhile wait for the next call, so that a flood cannot hold this thread for ever.
   *
   * @returns Records handed out.
   */
  drain(handler: RecordHandler): number {
    const mask = this.size - 1;
    const words = this.words;
    const producer = Number(Atomics.load(this.#producer, 0));
    let count = 0;
    try {
      while (this.#position < producer) {
        const at = this.#position & mask;
        const header = Atomics.load(words, at >>> 2);
        if ((header & BUSY) !== 0) break;
        const length = header & LENGTH;
        if ((header & DISCARD) === 0) {
          if (handler(at + HEADER, length) === false) break;
          count++;
        }
        this.#position += (length + HEADER + 7) & ~7;
      }
    } finally {
      // What was read becomes free at the end of a round, not per record.
      Atomics.store(this.#consumer, 0, BigInt(this.#position));
    }
    return count;
  }

  /** Unmaps and closes the ring. */
  [Symbol.dispose](): void {
    this.#producerMapping[Symbol.dispose]();
    this.#consumerMapping[Symbol.dispose]();
    this.map[Symbol.dispose]();
  }
}

// Reads the BPF ring buffer in place. core/kernel_plane/ring_output.ts writes to it from programs.
// Layout (kernel/bpf/ringbuf.c):
//
//   page 0  consumer position   written by this process
//   page 1  producer position   written by the kernel
//   data    mapped twice in a row, so that no record wraps
//
//   record: u32 length | BUSY | DISCARD, u32 page offset, payload, padding to 8
//
// Positions only grow; a position's place in the data is position & (size - 1).

import { MAP_SHARED, Mapping, pageSize, PROT_READ, PROT_WRITE } from "../sys/memory.ts";
import { BpfMap } from "./map.ts";

/** Flag in a record's header: the program is still writing the record. */
const BUSY = 0x80000000;
/** Flag in a record's header: the program gave the record up. */
const DISCARD = 0x40000000;
/** Bits of a record's header with the length of the payload. */
const LENGTH = 0x3fffffff;
/**
 * Bytes after which a reader tells the kernel that their room is free. Once a round is too rarely, since
 * a round may be the whole of a full ring; after each record would share the word with all CPUs each time.
 */
const FREE_BYTES = 1 << 17;
/** Size of a record's header in bytes. */
const HEADER = 8;

/**
 * Called for each record with its place in {@linkcode RingBuffer.bytes}. The bytes belong to the
 * kernel and are overwritten after the call. A result of false leaves the record, and all records
 * after it, unread.
 */
export type RecordHandler = (offset: number, length: number) => boolean | void;

/** A ring buffer map and its only reader. Needs Linux 5.8. */
export class RingBuffer implements Disposable {
  /** The map of the ring, for programs to write to. */
  readonly map: BpfMap;
  /** Capacity of the ring in bytes. */
  readonly size: number;
  /** The data area as bytes, twice `size` long: the second half shows the same memory. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The data area as 32-bit words; records start at multiples of 8 bytes. */
  readonly words: Uint32Array<ArrayBuffer>;
  readonly #consumerMapping: Mapping;
  readonly #producerMapping: Mapping;
  readonly #consumer: BigUint64Array<ArrayBuffer>;
  readonly #producer: BigUint64Array<ArrayBuffer>;
  #position = 0;

  /**
   * Creates and maps a ring.
   *
   * @param size Capacity in bytes: a power of two and a multiple of the page size.
   * @param name Name that bpftool shows.
   * @throws {DtError} EPERM without CAP_BPF; EINVAL bad size; ENOMEM.
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

  /**
   * Number of bytes, record headers included, that programs have reserved and this reader has not
   * read.
   */
  get available(): number {
    return Number(Atomics.load(this.#producer, 0)) - this.#position;
  }

  /** Number of bytes, record headers included, that were read since the ring was made. */
  get position(): number {
    return this.#position;
  }

  /**
   * Hands every committed record to `handler`, in the order in which programs reserved them.
   * Records that arrive meanwhile wait for the next call, so that a flood cannot hold this thread
   * for ever. If `handler` throws, its record is the next one again.
   *
   * @param handler Called with the place and the length of each record.
   * @returns Number of records handed out.
   */
  drain(handler: RecordHandler): number {
    const mask = this.size - 1;
    const words = this.words;
    const producer = Number(Atomics.load(this.#producer, 0));
    let count = 0;
    let freed = this.#position;
    try {
      while (this.#position < producer) {
        if (this.#position - freed >= FREE_BYTES) this.#free(freed = this.#position);
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
      this.#free(this.#position);
    }
    return count;
  }

  /** Gives the room of records in front of a position back to the programs. */
  #free(position: number): void {
    Atomics.store(this.#consumer, 0, BigInt(position));
  }

  /** Unmaps the ring and closes its map. */
  [Symbol.dispose](): void {
    this.#producerMapping[Symbol.dispose]();
    this.#consumerMapping[Symbol.dispose]();
    this.map[Symbol.dispose]();
  }
}

// Memory that the kernel and this process share: addresses of buffers, mmap'ed regions, encoding of
// C structures.

import { libc } from "./libc.ts";
import { syscallError } from "./errno.ts";

/** mmap(2) protection: the pages may be read. */
export const PROT_READ = 1;
/** mmap(2) protection: the pages may be written. */
export const PROT_WRITE = 2;
/** mmap(2) and mprotect(2) protection: the pages may be executed. */
export const PROT_EXEC = 4;
/** mmap(2) flag: writes are seen by everybody who maps the same object. */
export const MAP_SHARED = 1;
/** mmap(2) flag: writes stay private to this mapping. */
export const MAP_PRIVATE = 2;
/** mmap(2) flag: the memory belongs to no file and starts as zeros. */
export const MAP_ANONYMOUS = 0x20;

/**
 * Finds the address of a view's first byte, for a pointer inside a structure that is passed to the
 * kernel. A call takes about 350 ns. The address does not keep `view` alive: hold the view until
 * the system call has returned.
 *
 * @returns The address; 0 for an empty view.
 */
export function addressOf(view: Uint8Array | BigUint64Array | Uint32Array): bigint {
  const pointer = Deno.UnsafePointer.of(view as Uint8Array<ArrayBuffer>);
  return pointer === null ? 0n : Deno.UnsafePointer.value(pointer) as bigint;
}

/** Size of a page of memory in bytes: 4 KiB on x86-64, up to 64 KiB on aarch64. */
export function pageSize(): number {
  return libc().getpagesize();
}

/** Encodes `text` as UTF-8 with a NUL at its end. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}

/**
 * A mapped region of memory with one owner. Touching `buffer` after disposal is a segmentation
 * fault.
 */
export class Mapping implements Disposable {
  /** Address of the region's first byte. */
  readonly address: bigint;
  /** The region as a JavaScript buffer. */
  readonly buffer: ArrayBuffer;
  #open = true;

  /**
   * Maps a region.
   *
   * @param length Length in bytes, a multiple of the page size.
   * @param options Arguments of mmap(2); `fd` -1 maps anonymous memory.
   * @throws {DtError} errno of mmap(2).
   */
  constructor(
    length: number,
    options: { prot: number; flags: number; fd: number; offset: number },
  ) {
    const c = libc();
    this.address = BigInt(
      c.mmap(0n, BigInt(length), options.prot, options.flags, options.fd, BigInt(options.offset)),
    );
    if (BigInt.asIntN(64, this.address) === -1n) throw syscallError("mmap");
    this.buffer = Deno.UnsafePointerView.getArrayBuffer(
      Deno.UnsafePointer.create(this.address)!,
      length,
    );
  }

  /** Unmaps the region; a second call does nothing. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    libc().munmap(this.address, BigInt(this.buffer.byteLength));
  }
}

/**
 * Allocates zeroed private memory that nobody needs to free, at an address that never changes: for
 * buffers whose addresses the kernel is given again and again.
 *
 * @param bytes Size in bytes; the kernel rounds it up to pages.
 * @throws {DtError} ENOMEM no memory is left.
 */
export function lasting(bytes: number): Mapping {
  return new Mapping(bytes, {
    prot: PROT_READ | PROT_WRITE,
    flags: MAP_PRIVATE | MAP_ANONYMOUS,
    fd: -1,
    offset: 0,
  });
}

/**
 * A zeroed C structure with little-endian readers and writers. Offsets are in bytes. The views that
 * its pointers point to stay alive with the structure.
 */
export class Struct {
  /** The bytes of the structure, to pass to the kernel. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #referenced: unknown[] = [];

  /** @param size Size of the structure in bytes. */
  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Writes an unsigned 32-bit number at an offset. */
  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  /** Writes a 64-bit number at an offset; negative numbers in two's complement. */
  u64(offset: number, value: bigint | number): this {
    this.#view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
    return this;
  }

  /** Copies bytes into the structure at an offset. */
  raw(offset: number, value: Uint8Array): this {
    this.bytes.set(value, offset);
    return this;
  }

  /**
   * Writes the address of `target` (0 for undefined) and keeps `target` alive as long as this
   * structure.
   */
  pointer(
    offset: number,
    target: Uint8Array | BigUint64Array | Uint32Array | Struct | undefined,
  ): this {
    if (target === undefined) return this;
    this.#referenced.push(target);
    return this.u64(offset, addressOf(target instanceof Struct ? target.bytes : target));
  }

  /** Reads the unsigned 32-bit number at an offset. */
  getU32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  /** Reads the unsigned 64-bit number at an offset. */
  getU64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }
}

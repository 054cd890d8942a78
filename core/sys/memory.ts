// Memory that the kernel and we share: addresses of buffers, mmap'ed regions, struct encoding.

import { libc } from "./libc.ts";
import { syscallError } from "./errno.ts";

/** `PROT_READ` */
export const PROT_READ = 1;
/** `PROT_WRITE` */
export const PROT_WRITE = 2;
/** `MAP_SHARED` */
export const MAP_SHARED = 1;
/** `MAP_PRIVATE` */
export const MAP_PRIVATE = 2;
/** `MAP_ANONYMOUS` */
export const MAP_ANONYMOUS = 0x20;

/**
 * The address of a view's first byte, for a pointer inside a struct that is passed to the kernel.
 * It costs ~350 ns, and it does not keep `view` alive: hold the view until the call has returned.
 */
export function addressOf(view: Uint8Array | BigUint64Array | Uint32Array): bigint {
  const pointer = Deno.UnsafePointer.of(view as Uint8Array<ArrayBuffer>);
  return pointer === null ? 0n : Deno.UnsafePointer.value(pointer) as bigint;
}

/** Bytes of a page: 4 KiB on x86-64, up to 64 KiB on aarch64. */
export function pageSize(): number {
  return libc().getpagesize();
}

/** `text` as NUL-terminated UTF-8. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}

/** An owned mmap'ed region. Touching `buffer` after disposal is a segmentation fault. */
export class Mapping implements Disposable {
  /** Address of the first byte. */
  readonly address: bigint;
  /** The region as a buffer. */
  readonly buffer: ArrayBuffer;
  #open = true;

  /**
   * @param length Bytes; a multiple of the page size.
   * @param options `fd` -1 maps anonymous memory.
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

  /** Unmaps the region. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    libc().munmap(this.address, BigInt(this.buffer.byteLength));
  }
}

/** Private memory for the life of the process: for what the kernel is given addresses in. */
export function lasting(bytes: number): Mapping {
  return new Mapping(bytes, {
    prot: PROT_READ | PROT_WRITE,
    flags: MAP_PRIVATE | MAP_ANONYMOUS,
    fd: -1,
    offset: 0,
  });
}

/** A zeroed C struct with little-endian writers; offsets in bytes. Pointed-to views stay referenced. */
export class Struct {
  /** The bytes of the struct. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #referenced: unknown[] = [];

  /** @param size Bytes. */
  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Writes a u32. */
  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  /** Writes a u64. */
  u64(offset: number, value: bigint | number): this {
    this.#view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
    return this;
  }

  /** Writes bytes in place. */
  raw(offset: number, value: Uint8Array): this {
    this.bytes.set(value, offset);
    return this;
  }

  /** Writes the address of `target` (0 for undefined) and keeps it alive as long as this struct. */
  pointer(
    offset: number,
    target: Uint8Array | BigUint64Array | Uint32Array | Struct | undefined,
  ): this {
    if (target === undefined) return this;
    this.#referenced.push(target);
    return this.u64(offset, addressOf(target instanceof Struct ? target.bytes : target));
  }

  /** Reads a u32. */
  getU32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  /** Reads a u64. */
  getU64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }
}

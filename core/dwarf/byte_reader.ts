// Pure: no I/O, no FFI.
// Reads numbers and text out of bytes that a stranger has written: each read is checked.

/** Error for a damaged file; callers report its message in one line. */
export class DamagedError extends RangeError {
  /** Name of the class. */
  override readonly name: string = "DamagedError";
}

const TWO_32 = 0x1_0000_0000;
const decoder = new TextDecoder();

/** A position in little-endian bytes. */
export class ByteReader {
  /** Bytes that the reader goes through. */
  readonly bytes: Uint8Array;
  /** Where the next read starts. */
  at: number;
  /** First byte that may not be read. */
  readonly end: number;

  /**
   * Makes a reader of `bytes` from `at` to `end`.
   *
   * @throws {DamagedError} The range is not within the bytes.
   */
  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    if (!(at >= 0 && at <= end && end <= bytes.length)) {
      throw new DamagedError(`a part from ${at} to ${end} is not within ${bytes.length} bytes`);
    }
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** True once everything has been read. */
  get done(): boolean {
    return this.at >= this.end;
  }

  /**
   * Passes over `count` bytes without reading them.
   *
   * @throws {DamagedError} Fewer than `count` bytes are left.
   */
  skip(count: number): void {
    this.#advance(count);
  }

  /** Reads an unsigned number of 8 bits. */
  u8(): number {
    return this.bytes[this.#advance(1)];
  }

  /** Reads an unsigned number of 16 bits. */
  u16(): number {
    const { bytes } = this;
    const at = this.#advance(2);
    return bytes[at] | bytes[at + 1] << 8;
  }

  /** Reads an unsigned number of 24 bits. */
  u24(): number {
    const { bytes } = this;
    const at = this.#advance(3);
    return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16;
  }

  /** Reads an unsigned number of 32 bits. */
  u32(): number {
    const { bytes } = this;
    const at = this.#advance(4);
    return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
  }

  /** Reads 64 bits; not exact above 2^53. */
  u64(): number {
    const low = this.u32();
    return this.u32() * TWO_32 + low;
  }

  /** Reads an unsigned number of 1, 2, 3, 4 or 8 bytes. */
  unsigned(size: number): number {
    switch (size) {
      case 1:
        return this.u8();
      case 2:
        return this.u16();
      case 3:
        return this.u24();
      case 4:
        return this.u32();
      case 8:
        return this.u64();
    }
    throw new DamagedError(`a number of ${size} bytes`);
  }

  /** Reads a number of up to 16 bytes exactly. */
  wide(size: number): bigint {
    const from = this.#advance(size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = value << 8n | BigInt(this.bytes[from + i]);
    return value;
  }

  /** Reads an unsigned LEB128 number; not exact above 2^53. */
  uleb(): number {
    let byte = this.u8();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 0x80;
    do {
      byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    } while (byte >= 0x80);
    return value;
  }

  /** Reads a signed LEB128 number; not exact beyond 2^53. */
  sleb(): number {
    return Number(this.wideLeb(true));
  }

  /** Reads a LEB128 number of up to 64 bits exactly. */
  wideLeb(signed: boolean): bigint {
    let value = 0n;
    let shift = 0n;
    let byte: number;
    do {
      byte = this.u8();
      if (shift < 70n) value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
    } while (byte >= 0x80);
    if (signed && (byte & 0x40) !== 0 && shift < 70n) value -= 1n << shift;
    return signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
  }

  /** Passes over a LEB128 number. */
  skipLeb(): void {
    while (this.u8() >= 0x80);
  }

  /** Reads bytes in place. */
  block(size: number): Uint8Array {
    const from = this.#advance(size);
    return this.bytes.subarray(from, from + size);
  }

  /** Reads text up to its NUL. */
  text(): string {
    const from = this.at;
    this.skipText();
    return decoder.decode(this.bytes.subarray(from, this.at - 1));
  }

  /** Passes over text and its NUL. */
  skipText(): void {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0 || end >= this.end) throw new DamagedError("text without an end");
    this.at = end + 1;
  }

  /** Moves the position forward; returns the position before. */
  #advance(count: number): number {
    const { at } = this;
    const to = at + count;
    if (!(count >= 0 && to <= this.end)) {
      throw new DamagedError(`${count} bytes at ${at} of ${this.end}`);
    }
    this.at = to;
    return at;
  }
}

/** The text at an offset of a section of strings; empty where there is none. */
export function stringAt(bytes: Uint8Array, offset: number): string {
  if (!(offset >= 0 && offset < bytes.length)) return "";
  const end = bytes.indexOf(0, offset);
  return decoder.decode(bytes.subarray(offset, end < 0 ? bytes.length : end));
}

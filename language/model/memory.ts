// Pure: no I/O, no FFI.
// Bytes that values lie in: the ring, or an entry of a map.

/** A piece of memory with the accessors that printing needs; all little endian. */
export class Memory {
  /** The bytes of the memory. */
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Reads an unsigned number of 32 bits at an offset. */
  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  /** Reads an unsigned number of 64 bits at an offset. */
  u64(at: number): bigint {
    return this.#view.getBigUint64(at, true);
  }

  /** Reads a signed number of 64 bits at an offset. */
  i64(at: number): bigint {
    return this.#view.getBigInt64(at, true);
  }

  /** An integer of C memory. */
  integer(at: number, size: number, signed: boolean): bigint {
    switch (size) {
      case 1:
        return BigInt(signed ? this.#view.getInt8(at) : this.#view.getUint8(at));
      case 2:
        return BigInt(signed ? this.#view.getInt16(at, true) : this.#view.getUint16(at, true));
      case 4:
        return BigInt(signed ? this.#view.getInt32(at, true) : this.#view.getUint32(at, true));
      default:
        return signed ? this.i64(at) : this.u64(at);
    }
  }

  /** Stores a number of 64 bits at an offset. */
  setWord(at: number, value: bigint): void {
    this.#view.setBigInt64(at, value, true);
  }

  /** Stores the low bytes of a number as an integer of C memory. */
  setInteger(at: number, size: number, value: bigint): void {
    for (let i = 0; i < size; i++) this.bytes[at + i] = Number(value >> BigInt(i * 8) & 255n);
  }

  /** Text up to its NUL, one character a byte. */
  text(at: number, limit: number): string {
    let text = "";
    for (let i = at; i < at + limit && this.bytes[i] !== 0; i++) {
      text += String.fromCharCode(this.bytes[i]);
    }
    return text;
  }
}

// Pure: no I/O, no FFI.
// Reads records out of bytes as they come, whichever system has written them. Where there is no record, as
// in a file that was damaged, the next one that makes sense is looked for.

import type { KtrRecord, SystemName } from "./record.ts";
import type { Decoded } from "./bytes.ts";
import { decodeFreebsd } from "./freebsd.ts";
import { decodeNetbsd } from "./netbsd.ts";
import { decodeOpenbsd, KTR_START } from "./openbsd.ts";
import { ABI_LINUX, ABI_MASK, KTR_VERSIONED } from "./types.ts";

/** Systems whose files can be read; Linux's are FreeBSD's. */
export type FileSystemName = Exclude<SystemName, "linux">;

const DECODERS: Readonly<Record<FileSystemName, (bytes: Uint8Array) => Decoded | undefined>> = {
  freebsd: decodeFreebsd,
  netbsd: decodeNetbsd,
  openbsd: decodeOpenbsd,
};

/** The shortest header. */
const LEAST_BYTES = 56;

/** A record, or bytes in whose place there should have been one. */
export type Item =
  | { readonly record: KtrRecord; readonly system: SystemName; readonly at: number }
  | { readonly damage: string; readonly at: number; readonly bytes: number };

/**
 * Which system has written a file that starts so. FreeBSD's headers without a version cannot be told from
 * NetBSD's version 0: they are taken for FreeBSD's.
 *
 * @param bytes At least a header.
 */
export function systemOf(bytes: Uint8Array): FileSystemName {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < LEAST_BYTES) return "freebsd";
  if (view.getUint32(0, true) === KTR_START) return "openbsd";
  // Where NetBSD has its version FreeBSD's old header has a gap.
  const gap = (view.getUint16(4, true) & KTR_VERSIONED) === 0 && view.getUint16(6, true) !== 0;
  const order = gap
    ? ["netbsd", "freebsd", "openbsd"] as const
    : ["freebsd", "netbsd", "openbsd"] as const;
  return order.find((name) => isRecord(bytes, name)) ?? "freebsd";
}

function isRecord(bytes: Uint8Array, system: FileSystemName): boolean {
  try {
    const found = DECODERS[system](bytes);
    // One that is not whole yet has a good header at least.
    return found === undefined ? bytes.length >= 64 : true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Rules most places out where a record cannot start, by the type's bytes. */
function canStart(bytes: Uint8Array, at: number, system: FileSystemName): boolean {
  if (system === "openbsd") {
    return bytes[at] > 0 && bytes[at + 1] === 0 && bytes[at + 2] === 0 && bytes[at + 3] === 0;
  }
  const flags = system === "freebsd" ? 0xc0 : 0;
  return bytes[at + 4] > 0 && bytes[at + 4] < 32 && (bytes[at + 5] & ~flags) === 0;
}

/** Takes bytes, gives records. */
export class RecordReader {
  #system?: FileSystemName;
  #bytes = new Uint8Array(0);
  /** Of the first byte that is kept, in the file. */
  #at = 0;
  /** Bytes that are no record, as far as they were looked at. */
  #damage?: { readonly at: number; bytes: number; readonly damage: string };
  /** Processes whose system calls are Linux's. */
  readonly #linux = new Set<number>();

  /**
   * Nothing was read yet.
   *
   * @param system Whose file it is; told from its first bytes otherwise.
   */
  constructor(system?: FileSystemName) {
    this.#system = system;
  }

  /** Takes what comes next in the file, and gives the records that are whole. */
  *push(chunk: Uint8Array): Generator<Item> {
    const all = new Uint8Array(this.#bytes.length + chunk.length);
    all.set(this.#bytes);
    all.set(chunk, this.#bytes.length);
    this.#bytes = all;
    yield* this.#read(false);
  }

  /** The file has ended: what is left is no whole record. */
  *end(): Generator<Item> {
    yield* this.#read(true);
    if (this.#damage !== undefined) yield this.#damaged();
  }

  *#read(ended: boolean): Generator<Item> {
    if (this.#bytes.length < 64 && !ended) return;
    const system = this.#system ??= systemOf(this.#bytes);
    const decode = DECODERS[system];
    let used = 0;
    const skip = (bytes: number) => {
      this.#bytes = this.#bytes.subarray(bytes);
      this.#at += bytes;
      used = 0;
    };
    for (;;) {
      if (this.#damage !== undefined) {
        // Behind what is no record: what was looked at is not looked at again.
        const { at, found } = this.#next(system, ended);
        this.#damage.bytes += at;
        skip(at);
        if (!found) return;
        yield this.#damaged();
      }
      let found: Decoded | undefined;
      try {
        found = decode(this.#bytes.subarray(used));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        skip(used);
        this.#damage = { at: this.#at, bytes: 0, damage: error.message };
        continue;
      }
      if (found === undefined) {
        skip(used);
        // Cut by the end of the file, or a length that was damaged.
        if (!ended || this.#bytes.length === 0) return;
        this.#damage = { at: this.#at, bytes: 0, damage: "it is not whole" };
        continue;
      }
      const { record } = found;
      const at = this.#at + used;
      used += found.bytes;
      if (used > 1 << 20) skip(used);
      yield { record, system: this.#systemOf(record, system), at };
    }
  }

  /**
   * Where the next record starts that makes sense, itself and what follows it; or how far there is none, and
   * none that is cut.
   */
  #next(system: FileSystemName, ended: boolean): { at: number; found: boolean } {
    const decode = DECODERS[system];
    const bytes = this.#bytes;
    // The first byte is where there was none.
    for (let at = this.#damage!.bytes === 0 ? 1 : 0; at + LEAST_BYTES <= bytes.length; at++) {
      if (!canStart(bytes, at, system)) continue;
      try {
        const found = decode(bytes.subarray(at));
        if (found === undefined) {
          if (ended) continue;
          return { at, found: false };
        }
        const { pid, timeNs } = found.record;
        if (pid <= 0 || timeNs <= 0n) continue;
        const behind = at + found.bytes;
        if (behind < bytes.length) decode(bytes.subarray(behind));
        return { at, found: true };
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
    return { at: ended ? bytes.length : Math.max(0, bytes.length - LEAST_BYTES), found: false };
  }

  #damaged(): Item {
    const item = this.#damage!;
    this.#damage = undefined;
    return item;
  }

  #systemOf(record: KtrRecord, system: FileSystemName): SystemName {
    if (system !== "freebsd") return system;
    if (record.kind === "procctor") {
      if ((record.flags & ABI_MASK) === ABI_LINUX) this.#linux.add(record.pid);
      else this.#linux.delete(record.pid);
    }
    return this.#linux.has(record.pid) ? "linux" : system;
  }
}

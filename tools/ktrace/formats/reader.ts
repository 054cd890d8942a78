// Pure: no I/O, no FFI.
// Reads records out of bytes as they come, whichever system has written them. Where there is no record, as
// in a file that was damaged, the next one that makes sense is looked for.

import type { KtrRecord, SystemName } from "./record.ts";
import { viewOf } from "./bytes.ts";
import { Cursor, type FileFormat } from "./cursor.ts";
import { FREEBSD_FILES } from "./freebsd.ts";
import { NETBSD_FILES } from "./netbsd.ts";
import { KTR_START, OPENBSD_FILES } from "./openbsd.ts";
import { ABI_LINUX, ABI_MASK, KTR_VERSIONED } from "./types.ts";

/** Systems whose files can be read; Linux's are FreeBSD's. */
export type FileSystemName = Exclude<SystemName, "linux">;

const FORMATS: Readonly<Record<FileSystemName, FileFormat>> = {
  freebsd: FREEBSD_FILES,
  netbsd: NETBSD_FILES,
  openbsd: OPENBSD_FILES,
};

/** The shortest header. */
const LEAST_BYTES = 56;
/** The longest header. */
const MOST_HEADER_BYTES = 64;

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
  const cursor = new Cursor();
  cursor.format = FORMATS[system];
  cursor.bytes = bytes;
  cursor.view = viewOf(bytes);
  cursor.end = bytes.length;
  try {
    // One that is not whole yet has a good header at least.
    return cursor.move(0) > 0 || bytes.length >= MOST_HEADER_BYTES;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Bytes in whose place there should have been a record. */
export interface Damage {
  /** Why they are no record, in words. */
  readonly damage: string;
  /** Place of the first of them in the file. */
  readonly at: number;
  /** How many they are. */
  readonly bytes: number;
}

/** Walks over the records of a file as its bytes come, without making an object of any. */
export class Walk {
  /** The record that {@linkcode next} has found. */
  readonly cursor: Cursor = new Cursor();
  /** System whose numbers the record has. */
  system: SystemName = "freebsd";
  /** Place of the record in the file. */
  at = 0;
  #file?: FileSystemName;
  /** Bytes of the file behind those that were read as records: from #from to the cursor's end. */
  #from = 0;
  /** Place in the file of the first byte of the cursor. */
  #base = 0;
  /** Bytes that are no record, as far as they were looked at. */
  #damage?: { readonly at: number; bytes: number; readonly damage: string };
  #ended = false;
  /** Processes whose system calls are Linux's. */
  readonly #linux = new Set<number>();

  /**
   * Nothing was read yet.
   *
   * @param file Whose file it is; told from its first bytes otherwise.
   */
  constructor(file?: FileSystemName) {
    this.#file = file;
  }

  /**
   * Makes room for what comes next in the file, of which {@linkcode took} tells how much it was. Records
   * found before, and their data, are no longer there.
   *
   * @returns So many bytes.
   */
  room(bytes: number): Uint8Array {
    const { cursor } = this;
    const left = cursor.end - this.#from;
    if (cursor.bytes.length < left + bytes) {
      const larger = new Uint8Array(Math.max(left + bytes, cursor.bytes.length * 2));
      larger.set(cursor.bytes.subarray(this.#from, cursor.end));
      cursor.bytes = larger;
      cursor.view = viewOf(larger);
    } else {
      cursor.bytes.copyWithin(0, this.#from, cursor.end);
    }
    this.#base += this.#from;
    this.#from = 0;
    cursor.end = left;
    return cursor.bytes.subarray(left, left + bytes);
  }

  /** So many of the bytes of {@linkcode room} were filled. */
  took(bytes: number): void {
    this.cursor.end += bytes;
  }

  /** The file has ended: what is left is no whole record. */
  end(): void {
    this.#ended = true;
  }

  /**
   * Finds the next record.
   *
   * @returns true if the cursor is at one; damage in its place; undefined if more bytes are needed.
   */
  next(): true | Damage | undefined {
    const { cursor } = this;
    if (this.#file === undefined) {
      if (cursor.end < MOST_HEADER_BYTES && !this.#ended) return undefined;
      this.#file = systemOf(cursor.bytes.subarray(0, cursor.end));
    }
    cursor.format = FORMATS[this.#file];
    for (;;) {
      if (this.#damage !== undefined) {
        // What was looked at is not looked at again.
        if (!this.#find(this.#damage) && !this.#ended) return undefined;
        const damage = this.#damage;
        this.#damage = undefined;
        return damage;
      }
      const at = this.#base + this.#from;
      try {
        const bytes = cursor.move(this.#from);
        if (bytes > 0) {
          this.at = at;
          this.#from += bytes;
          this.system = this.#systemOf(this.#file);
          return true;
        }
        // Cut by the end of the file, or a length that was damaged.
        if (!this.#ended || this.#from === cursor.end) return undefined;
        this.#damage = { at, bytes: 0, damage: "it is not whole" };
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        this.#damage = { at, bytes: 0, damage: error.message };
      }
    }
  }

  /**
   * Goes to the next record that makes sense, itself and what follows it; or as far as there is none, and
   * none that is cut.
   *
   * @returns true if there is one.
   */
  #find(damage: { bytes: number }): boolean {
    const { cursor } = this;
    const { bytes, end, format } = cursor;
    const go = (to: number, isFound: boolean) => {
      damage.bytes += to - this.#from;
      this.#from = to;
      return isFound;
    };
    // The first byte is where there was none.
    for (let at = this.#from + (damage.bytes === 0 ? 1 : 0); at + LEAST_BYTES <= end; at++) {
      if (!format.canStart(bytes, at)) continue;
      try {
        const size = cursor.move(at);
        if (size === 0) {
          if (this.#ended) continue;
          return go(at, false);
        }
        const { pid, seconds, nanoseconds } = cursor;
        if (pid <= 0 || seconds < 0 || seconds + nanoseconds === 0) continue;
        const behind = at + size;
        if (behind < end) cursor.move(behind);
        return go(at, true);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
    return go(this.#ended ? end : Math.max(this.#from, end - LEAST_BYTES), false);
  }

  #systemOf(file: FileSystemName): SystemName {
    if (file !== "freebsd") return file;
    const { kind, pid, view, start } = this.cursor;
    if (kind === "procctor") {
      if ((view.getUint32(start, true) & ABI_MASK) === ABI_LINUX) this.#linux.add(pid);
      else this.#linux.delete(pid);
    }
    return this.#linux.has(pid) ? "linux" : file;
  }
}

/** Takes bytes, gives records. */
export class RecordReader {
  readonly #walk: Walk;

  /**
   * Nothing was read yet.
   *
   * @param system Whose file it is; told from its first bytes otherwise.
   */
  constructor(system?: FileSystemName) {
    this.#walk = new Walk(system);
  }

  /** Takes what comes next in the file, and gives the records that are whole. */
  *push(chunk: Uint8Array): Generator<Item> {
    this.#walk.room(chunk.length).set(chunk);
    this.#walk.took(chunk.length);
    yield* this.#items();
  }

  /** The file has ended: what is left is no whole record. */
  *end(): Generator<Item> {
    this.#walk.end();
    yield* this.#items();
  }

  *#items(): Generator<Item> {
    const walk = this.#walk;
    for (let found = walk.next(); found !== undefined; found = walk.next()) {
      if (found !== true) yield found;
      // The bytes in their place make room for others.
      else yield { record: walk.cursor.record(true), system: walk.system, at: walk.at };
    }
  }
}

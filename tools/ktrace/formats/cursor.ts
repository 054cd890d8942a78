// Pure: no I/O, no FFI.
// A record where it stands among the bytes of a file. The next record overwrites the fields, so that a
// reader who wants few records, or few facts of each, makes no object for the others.

import type { KtrRecord, RecordBody, RecordKind } from "./record.ts";
import { viewOf } from "./bytes.ts";
import { FREEBSD_FILES } from "./freebsd.ts";

/** How a system lays records out in its files. */
export interface FileFormat {
  /** Bytes of the shortest header. */
  readonly least: number;
  /**
   * Reads the header of the record at `at` into the cursor.
   *
   * @returns Bytes of the record; 0 if the bytes of the cursor end before the record does.
   * @throws {RangeError} What is there is no record.
   */
  head(cursor: Cursor, at: number): number;
  /**
   * Reads the payload of the record that the cursor is at.
   *
   * @throws {RangeError} The payload is shorter than its type needs.
   */
  body(type: number, payload: Uint8Array): RecordBody;
  /** True for a payload that {@linkcode body} certainly takes, found out without reading all of it. */
  isWhole(cursor: Cursor): boolean;
  /** Rules most places out where a record cannot start, by the type's bytes. */
  canStart(bytes: Uint8Array, at: number): boolean;
  /** Reads the payload of a call or of a return into the cursor's fields for these. */
  call(cursor: Cursor): void;
}

/** The fields of a record's header, and where its payload is. */
export class Cursor {
  /** Bytes of the file, as far as they are here. */
  bytes: Uint8Array = new Uint8Array(0);
  /** View of the same bytes. */
  view: DataView = viewOf(this.bytes);
  /** Where the bytes of the file end: what is behind in {@linkcode bytes} is of no meaning. */
  end = 0;
  /** How the file is laid out. */
  format: FileFormat = FREEBSD_FILES;

  /** Number of the record's type, of the system that wrote the file. */
  type = 0;
  /** Kind of the record. */
  kind: RecordKind = "unknown";
  /** True if records of the process were lost just before this record. */
  dropped = false;
  /** Id of the process that made the record. */
  pid = 0;
  /** Thread id; 0 where the file does not tell. */
  tid = 0;
  /** CPU; undefined where the file does not tell. */
  cpu: number | undefined = undefined;
  /** Name of the process, one character a byte. */
  comm = "";
  /** Time of the record: seconds since 1970. */
  seconds = 0;
  /** The rest of the time, in nanoseconds. */
  nanoseconds = 0;
  /** Where the payload starts in {@linkcode bytes}. */
  start = 0;
  /** Bytes of the payload. */
  length = 0;
  // Fields that readCall fills, of a system call or its return.

  /** Number of the system call. */
  code = 0;
  /** Where the call's arguments start in {@linkcode bytes}, 64 bits each. */
  argsStart = 0;
  /** How many arguments there are. */
  args = 0;
  /** Error of the return. */
  error = 0;
  /** Upper 32 bits of the result, with the sign. */
  resultHigh = 0;
  /** Lower 32 bits of the result. */
  resultLow = 0;

  /**
   * Moves to the record at `at`.
   *
   * @returns Bytes of the record; 0 if it is not whole.
   * @throws {RangeError} What is there is no record.
   */
  move(at: number): number {
    const format = this.format;
    if (this.end - at < format.least) return 0;
    const bytes = format.head(this, at);
    // The body of a record that is not good says in which way.
    if (bytes > 0 && !format.isWhole(this)) format.body(this.type, this.payload());
    return bytes;
  }

  /**
   * Notes where the payload is, behind a header of so many bytes at `at`.
   *
   * @returns Bytes of the record; 0 if it is not whole.
   */
  hold(at: number, header: number, length: number): number {
    this.start = at + header;
    this.length = length;
    return this.end - this.start < length ? 0 : header + length;
  }

  /** The payload, which stays in its place. */
  payload(): Uint8Array {
    return this.bytes.subarray(this.start, this.start + this.length);
  }

  /** True for a call and for a return. */
  isCall(): boolean {
    return this.kind === "syscall" || this.kind === "sysret";
  }

  /** Reads the payload of a record of kind `syscall` or `sysret`. */
  readCall(): void {
    this.format.call(this);
  }

  /**
   * The record as an object.
   *
   * @param isKept True for data of its own; otherwise they stay in their place.
   */
  record(isKept = false): KtrRecord {
    const { dropped, pid, tid, cpu, comm } = this;
    const timeNs = BigInt(this.seconds) * 1_000_000_000n + BigInt(this.nanoseconds);
    const body = this.format.body(this.type, isKept ? this.payload().slice() : this.payload());
    return cpu === undefined
      ? { dropped, pid, tid, comm, timeNs, ...body }
      : { dropped, pid, tid, cpu, comm, timeNs, ...body };
  }
}

/** Reads 64 bits with a sign; rounded beyond 53 bits. */
export function longAt(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}

/**
 * Reads a part of a second, 64 bits.
 *
 * @throws {RangeError} The part is a whole second or more, or less than 0.
 */
export function partAt(view: DataView, at: number, limit: number): number {
  const part = view.getUint32(at, true);
  if (view.getInt32(at + 4, true) === 0 && part < limit) return part;
  throw new RangeError(`${view.getBigInt64(at, true)} as a part of a second`);
}

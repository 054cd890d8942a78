// Pure: no I/O, no FFI.
// Reads OpenBSD's ktrace.out: a header of 64 bytes (LP64, little endian), the first record being none but a
// mark. sys/sys/ktrace.h 1.23

import { type FileFormat, longAt, partAt } from "./cursor.ts";
import type { RecordBody, RecordKind } from "./record.ts";
import { genio, labelled, MOST_PAYLOAD, nameAt, needs, syscall, text, viewOf } from "./bytes.ts";

const HEADER = { bytes: 64, type: 0, pid: 4, tid: 8, time: 16, comm: 32, length: 56 } as const;
const COMM_BYTES = 24;
/** KTR_START: "KTR" in the upper bytes. */
export const KTR_START = 0x4b545200;
const LAST_TYPE = 13;

/** Kinds of records by the numbers of their types; the mark at the start of a file is one of a process. */
const KINDS: Readonly<Record<number, RecordKind>> = {
  1: "syscall",
  2: "sysret",
  3: "namei",
  4: "genio",
  5: "psig",
  8: "struct",
  9: "user",
  10: "args",
  11: "env",
  12: "pledge",
  [KTR_START]: "procctor",
};

/** Layout of the files of OpenBSD on 64-bit machines. */
export const OPENBSD_FILES: FileFormat = {
  least: HEADER.bytes,
  head(cursor, at) {
    const { view } = cursor;
    const type = view.getUint32(at + HEADER.type, true);
    const length = Number(view.getBigUint64(at + HEADER.length, true));
    if (length > MOST_PAYLOAD) throw new RangeError(`a length of ${length}`);
    if (type !== KTR_START && (type < 1 || type > LAST_TYPE)) throw new RangeError(`type ${type}`);
    cursor.comm = nameAt(view, at + HEADER.comm, COMM_BYTES);
    cursor.nanoseconds = partAt(view, at + HEADER.time + 8, 1_000_000_000);
    cursor.seconds = longAt(view, at + HEADER.time);
    cursor.dropped = false;
    cursor.pid = view.getInt32(at + HEADER.pid, true);
    cursor.tid = view.getInt32(at + HEADER.tid, true);
    cursor.cpu = undefined;
    cursor.type = type;
    cursor.kind = KINDS[type] ?? "unknown";
    return cursor.hold(at, HEADER.bytes, length);
  },
  isWhole: () => false,
  body: decodePayload,
  canStart: (bytes, at) =>
    bytes[at] > 0 && bytes[at + 1] === 0 && bytes[at + 2] === 0 && bytes[at + 3] === 0,
  call(cursor) {
    const { view, start, length } = cursor;
    cursor.code = view.getInt32(start, true);
    if (cursor.kind === "syscall") {
      cursor.args = Math.max(view.getInt32(start + 4, true), 0) >> 3;
      cursor.argsStart = start + 8;
    } else {
      // The value follows unless there was an error.
      cursor.error = view.getInt32(start + 4, true);
      const low = length >= 12 ? view.getInt32(start + 8, true) : 0;
      cursor.resultLow = low >>> 0;
      cursor.resultHigh = length >= 16 ? view.getInt32(start + 12, true) : low >> 31;
    }
  },
};

function decodePayload(type: number, data: Uint8Array): RecordBody {
  const view = viewOf(data);
  switch (type) {
    case KTR_START:
      return { kind: "procctor", flags: 0 };
    case 1:
      return syscall(data);
    case 2:
      // The value follows unless there was an error.
      needs(data, 8);
      return {
        kind: "sysret",
        code: view.getInt32(0, true),
        error: view.getInt32(4, true),
        retval: data.length >= 16
          ? view.getBigInt64(8, true)
          : data.length >= 12
          ? BigInt(view.getInt32(8, true))
          : 0n,
      };
    case 3:
      return { kind: "namei", path: data };
    case 4:
      return genio(data);
    case 5:
      // signo, action, mask of 32 bits, code, siginfo
      needs(data, 24);
      return {
        kind: "psig",
        signo: view.getInt32(0, true),
        action: view.getBigUint64(8, true),
        mask: data.subarray(16, 20),
        code: view.getInt32(20, true),
      };
    case 8: {
      const name = text(data);
      needs(data, name.length + 1);
      return { kind: "struct", name, data: data.subarray(name.length + 1) };
    }
    case 9:
      return labelled(data);
    case 10:
      return { kind: "args", data };
    case 11:
      return { kind: "env", data };
    case 12:
      needs(data, 16);
      return {
        kind: "pledge",
        error: view.getInt32(0, true),
        code: view.getInt32(4, true),
        bits: view.getBigUint64(8, true),
      };
  }
  return { kind: "unknown", type, data };
}

// Pure: no I/O, no FFI.
// Reads NetBSD's ktrace.out: a header of 56 bytes (LP64, little endian) in three versions, the last two of
// which have LWP ids. sys/sys/ktrace.h 1.66

import { type FileFormat, longAt, partAt } from "./cursor.ts";
import type { RecordBody, RecordKind } from "./record.ts";
import { genio, labelled, MOST_PAYLOAD, nameAt, needs, syscall, text, viewOf } from "./bytes.ts";

const HEADER = { bytes: 56, length: 0, type: 4, version: 6, pid: 8, comm: 12, time: 32, lid: 48 };
const COMM_BYTES = 17;
/** Version 0 and 1 have 32 bits of seconds. */
const FIRST_WITH_TIMESPEC = 2;
const LAST_VERSION = 2;
const LAST_TYPE = 15;

/** Kinds of records by the numbers of their types. */
const KINDS: Readonly<Record<number, RecordKind>> = {
  1: "syscall",
  2: "sysret",
  3: "namei",
  4: "genio",
  5: "psig",
  6: "csw",
  7: "emul",
  8: "user",
  10: "args",
  11: "env",
  14: "sysctl",
  15: "execfd",
};

/** Layout of the files of NetBSD, in all three versions. */
export const NETBSD_FILES: FileFormat = {
  least: HEADER.bytes,
  head(cursor, at) {
    const { view } = cursor;
    const length = view.getInt32(at + HEADER.length, true);
    const type = view.getInt16(at + HEADER.type, true);
    const version = view.getInt16(at + HEADER.version, true);
    if (length < 0 || length > MOST_PAYLOAD) throw new RangeError(`a length of ${length}`);
    if (type < 1 || type > LAST_TYPE) throw new RangeError(`type ${type}`);
    if (version < 0 || version > LAST_VERSION) throw new RangeError(`version ${version}`);
    cursor.comm = nameAt(view, at + HEADER.comm, COMM_BYTES);
    cursor.dropped = false;
    cursor.pid = view.getInt32(at + HEADER.pid, true);
    cursor.tid = version === 0 ? 0 : view.getInt32(at + HEADER.lid, true);
    cursor.cpu = undefined;
    cursor.seconds = version < FIRST_WITH_TIMESPEC
      ? view.getInt32(at + HEADER.time, true)
      : longAt(view, at + HEADER.time);
    cursor.nanoseconds = version === 0
      ? partAt(view, at + HEADER.time + 8, 1_000_000) * 1000
      : partAt(view, at + HEADER.time + 8, 1_000_000_000);
    cursor.type = type;
    cursor.kind = KINDS[type] ?? "unknown";
    return cursor.hold(at, HEADER.bytes, length);
  },
  isWhole: () => false,
  body: decodePayload,
  canStart: (bytes, at) => bytes[at + 4] > 0 && bytes[at + 4] <= LAST_TYPE && bytes[at + 5] === 0,
  call(cursor) {
    const { view, start } = cursor;
    if (cursor.kind === "syscall") {
      cursor.code = view.getInt32(start, true);
      cursor.args = Math.max(view.getInt32(start + 4, true), 0) >> 3;
      cursor.argsStart = start + 8;
    } else {
      cursor.code = view.getInt16(start, true);
      cursor.error = view.getInt32(start + 4, true);
      cursor.resultLow = view.getUint32(start + 8, true);
      cursor.resultHigh = view.getInt32(start + 12, true);
    }
  },
};

function decodePayload(type: number, data: Uint8Array): RecordBody {
  const view = viewOf(data);
  switch (type) {
    case 1:
      return syscall(data);
    case 2:
      needs(data, 16);
      return {
        kind: "sysret",
        code: view.getInt16(0, true),
        error: view.getInt32(4, true),
        retval: view.getBigInt64(8, true),
        ...(data.length >= 24 ? { second: view.getBigInt64(16, true) } : {}),
      };
    case 3:
      return { kind: "namei", path: data };
    case 4:
      return genio(data);
    case 5:
      // signo, action, sigset of 16 bytes, code
      needs(data, 36);
      return {
        kind: "psig",
        signo: view.getInt32(0, true),
        action: view.getBigUint64(8, true),
        mask: data.subarray(16, 32),
        code: view.getInt32(32, true),
      };
    case 6:
      needs(data, 8);
      return {
        kind: "csw",
        isOut: view.getInt32(0, true) !== 0,
        isUser: view.getInt32(4, true) !== 0,
        wmesg: "",
      };
    case 7:
      return { kind: "emul", name: text(data) };
    case 8:
      return labelled(data);
    case 10:
      return { kind: "args", data };
    case 11:
      return { kind: "env", data };
    case 14:
      return { kind: "sysctl", name: mib(data) };
    case 15:
      needs(data, 8);
      return { kind: "execfd", fd: view.getInt32(0, true), type: view.getInt32(4, true) };
  }
  return { kind: "unknown", type, data };
}

/** A name of the sysctl tree by numbers. */
function mib(data: Uint8Array): string {
  const view = viewOf(data);
  return Array.from({ length: data.length >> 2 }, (_, i) => view.getInt32(i * 4, true)).join(".");
}

// Pure: no I/O, no FFI.
// Reads FreeBSD's ktrace.out: records with a header of 64 bytes (version 1) or 56 (version 0), little endian,
// LP64. sys/sys/ktrace.h

import { type FileFormat, longAt, partAt } from "./cursor.ts";
import type { RecordBody, RecordKind } from "./record.ts";
import {
  commOf,
  genio,
  MOST_ARGUMENTS,
  MOST_PAYLOAD,
  needs,
  text,
  viewOf,
  words,
} from "./bytes.ts";
import { HEADER_BYTES, KTR, KTR_DROP, KTR_VERSIONED } from "./types.ts";

/** struct ktr_header_v0: microseconds, no CPU. */
const V0_BYTES = 56;
/** Where both versions have their fields; the CPU is version 1's. */
const HEADER = {
  length: 0,
  type: 4,
  version: 6,
  pid: 8,
  comm: 12,
  sec: 32,
  part: 40,
  tid: 48,
  cpu: 56,
};
const LAST_TYPE = 31;

/** Kinds of records by the numbers of their types. */
const KINDS: readonly RecordKind[] = Array.from(
  { length: LAST_TYPE + 1 },
  (_, type) =>
    (Object.keys(KTR) as (keyof typeof KTR)[]).find((kind) => KTR[kind] === type) ?? "unknown",
);
/** Bytes of the shortest good payload, by type; types that have none here are looked at. */
const LEAST: Readonly<Record<number, number>> = {
  [KTR.sysret]: 16,
  [KTR.namei]: 0,
  [KTR.genio]: 8,
  [KTR.psig]: 40,
  [KTR.csw]: 8,
  [KTR.user]: 0,
  [KTR.sysctl]: 0,
  [KTR.procctor]: 4,
  [KTR.procdtor]: 0,
  [KTR.capfail]: 12,
  [KTR.fault]: 12,
  [KTR.faultend]: 4,
  [KTR.args]: 0,
  [KTR.env]: 0,
};
/** By type; more than any payload has where a look is needed. */
const LEAST_BY_TYPE = Int32Array.from(KINDS, (_, type) => LEAST[type] ?? MOST_PAYLOAD + 1);

/** Files of FreeBSD, and of Linux as they are written here. */
export const FREEBSD_FILES: FileFormat = {
  least: V0_BYTES,
  head(cursor, at) {
    const { view } = cursor;
    const length = view.getInt32(at + HEADER.length, true);
    const flags = view.getUint16(at + HEADER.type, true);
    const isVersioned = (flags & KTR_VERSIONED) !== 0;
    const type = flags & ~(KTR_DROP | KTR_VERSIONED);
    if (length < 0 || length > MOST_PAYLOAD) throw new RangeError(`a length of ${length}`);
    if (type < 1 || type > LAST_TYPE) throw new RangeError(`type ${type}`);
    if (isVersioned && view.getInt16(at + HEADER.version, true) !== 1) {
      throw new RangeError(`version ${view.getInt16(at + HEADER.version, true)}`);
    }
    const bytes = isVersioned ? HEADER_BYTES : V0_BYTES;
    if (cursor.end - at < bytes) return 0;
    cursor.comm = commOf(view, at + HEADER.comm);
    cursor.nanoseconds = isVersioned
      ? partAt(view, at + HEADER.part, 1_000_000_000)
      : partAt(view, at + HEADER.part, 1_000_000) * 1000;
    cursor.seconds = longAt(view, at + HEADER.sec);
    cursor.dropped = (flags & KTR_DROP) !== 0;
    cursor.pid = view.getInt32(at + HEADER.pid, true);
    cursor.tid = longAt(view, at + HEADER.tid);
    cursor.cpu = isVersioned ? view.getInt32(at + HEADER.cpu, true) : undefined;
    if (cursor.pid < 0) throw new RangeError(`process ${cursor.pid}`);
    cursor.type = type;
    cursor.kind = KINDS[type];
    return cursor.hold(at, bytes, length);
  },
  isWhole({ view, type, start, length }) {
    if (type !== KTR.syscall) return length >= LEAST_BY_TYPE[type];
    if (length < 8) return false;
    const count = Math.max(view.getInt16(start + 2, true), 0);
    return count <= MOST_ARGUMENTS && length >= 8 + count * 8;
  },
  body: decodePayload,
  canStart: (bytes, at) =>
    bytes[at + 4] > 0 && bytes[at + 4] <= LAST_TYPE && (bytes[at + 5] & 0x3f) === 0,
  call(cursor) {
    const { view, start } = cursor;
    cursor.code = view.getInt16(start, true);
    if (cursor.kind === "syscall") {
      cursor.args = Math.max(view.getInt16(start + 2, true), 0);
      cursor.argsStart = start + 8;
    } else {
      cursor.error = view.getInt32(start + 4, true);
      cursor.resultLow = view.getUint32(start + 8, true);
      cursor.resultHigh = view.getInt32(start + 12, true);
    }
  },
};

/** Reads the payload of a record of a type. */
export function decodePayload(type: number, data: Uint8Array): RecordBody {
  switch (type) {
    case KTR.namei:
      return { kind: "namei", path: data };
    case KTR.user:
      return { kind: "user", data };
    case KTR.struct: {
      const name = text(data);
      needs(data, name.length + 1);
      return { kind: "struct", name, data: data.subarray(name.length + 1) };
    }
  }
  const view = viewOf(data);
  switch (type) {
    case KTR.syscall: {
      needs(data, 8);
      const count = Math.max(view.getInt16(2, true), 0);
      return { kind: "syscall", code: view.getInt16(0, true), args: words(view, 8, count) };
    }
    case KTR.sysret:
      needs(data, 16);
      return {
        kind: "sysret",
        code: view.getInt16(0, true),
        error: view.getInt32(4, true),
        retval: view.getBigInt64(8, true),
      };
    case KTR.genio:
      return genio(data);
    case KTR.psig:
      needs(data, 40);
      return {
        kind: "psig",
        signo: view.getInt32(0, true),
        action: view.getBigUint64(8, true),
        code: view.getInt32(16, true),
        mask: data.subarray(20, 36),
        // Behind FreeBSD's structure, and only in traces of Linux.
        ...(data.length < 48
          ? {}
          : { refused: { call: view.getInt32(40, true), arch: view.getUint32(44, true) } }),
      };
    case KTR.csw:
      needs(data, 8);
      return {
        kind: "csw",
        isOut: view.getInt32(0, true) !== 0,
        isUser: view.getInt32(4, true) !== 0,
        wmesg: data.length >= 16 ? text(data.subarray(8, 16)) : "",
      };
    case KTR.structArray: {
      needs(data, 8);
      const name = text(data.subarray(8));
      needs(data, 9 + name.length);
      return {
        kind: "structArray",
        name,
        elementBytes: Number(view.getBigUint64(0, true)),
        data: data.subarray(9 + name.length),
      };
    }
    case KTR.sysctl:
      return { kind: "sysctl", name: text(data) };
    case KTR.procctor:
      needs(data, 4);
      return {
        kind: "procctor",
        flags: view.getUint32(0, true),
        // Behind FreeBSD's structure, and only in traces of Linux.
        ...(data.length < 8 ? {} : { parent: view.getUint32(4, true) }),
      };
    case KTR.procdtor:
      return { kind: "procdtor" };
    case KTR.capfail:
      needs(data, 12);
      return {
        kind: "capfail",
        type: view.getInt32(0, true),
        code: view.getInt16(4, true),
        flags: view.getUint32(8, true),
        data: data.subarray(16),
      };
    case KTR.fault:
      needs(data, 12);
      return { kind: "fault", address: view.getBigUint64(0, true), type: view.getInt32(8, true) };
    case KTR.faultend:
      needs(data, 4);
      return { kind: "faultend", result: view.getInt32(0, true) };
    case KTR.args:
      return { kind: "args", data };
    case KTR.env:
      return { kind: "env", data };
  }
  return { kind: "unknown", type, data };
}

// Pure: no I/O, no FFI.
// Reads FreeBSD's ktrace.out: records with a header of 64 bytes (version 1) or 56 (version 0), little endian,
// LP64. sys/sys/ktrace.h

import type { RecordBody, RecordHeader } from "./record.ts";
import {
  bytesOf,
  commOf,
  type Decoded,
  genio,
  MOST_PAYLOAD,
  needs,
  text,
  viewOf,
  words,
} from "./bytes.ts";
import { HEADER_BYTES, KTR, KTR_DROP, KTR_VERSIONED } from "./types.ts";

/** struct ktr_header */
const V1 = {
  bytes: HEADER_BYTES,
  sec: 32,
  part: 40,
  tid: 48,
  cpu: 56,
  unit: 1n,
  limit: 1_000_000_000n,
};
/** struct ktr_header_v0: microseconds, no CPU. */
const V0 = { bytes: 56, sec: 32, part: 40, tid: 48, unit: 1000n, limit: 1_000_000n };

/**
 * Reads the record at the start of `bytes`.
 *
 * @returns undefined if it is not whole.
 * @throws {RangeError} What is there is no record.
 */
export function decodeFreebsd(bytes: Uint8Array): Decoded | undefined {
  if (bytes.length < V0.bytes) return undefined;
  const view = viewOf(bytes);
  const type = view.getUint16(4, true);
  const isVersioned = (type & KTR_VERSIONED) !== 0;
  const at = isVersioned ? V1 : V0;
  const length = view.getInt32(0, true);
  const number = type & ~(KTR_DROP | KTR_VERSIONED);
  if (length < 0 || length > MOST_PAYLOAD) throw new RangeError(`a length of ${length}`);
  if (number < 1 || number > 31) throw new RangeError(`type ${number}`);
  if (isVersioned && view.getInt16(6, true) !== 1) {
    throw new RangeError(`version ${view.getInt16(6, true)}`);
  }
  if (bytes.length < at.bytes) return undefined;
  const comm = commOf(view, 12);
  const part = view.getBigInt64(at.part, true);
  if (part < 0n || part >= at.limit) throw new RangeError(`${part} as a part of a second`);
  const header: RecordHeader = {
    dropped: (type & KTR_DROP) !== 0,
    pid: view.getInt32(8, true),
    tid: Number(view.getBigInt64(at.tid, true)),
    ...(isVersioned ? { cpu: view.getInt32(V1.cpu, true) } : {}),
    comm,
    timeNs: view.getBigInt64(at.sec, true) * 1_000_000_000n + part * at.unit,
  };
  if (header.pid < 0) throw new RangeError(`process ${header.pid}`);
  const payload = bytesOf(bytes, at.bytes, length);
  if (payload === undefined) return undefined;
  return { record: { ...header, ...decodePayload(number, payload) }, bytes: at.bytes + length };
}

/** What a record of a type says. */
export function decodePayload(type: number, data: Uint8Array): RecordBody {
  const view = viewOf(data);
  switch (type) {
    case KTR.syscall: {
      needs(data, 8);
      const count = Math.max(view.getInt16(2, true), 0);
      return { kind: "syscall", code: view.getInt16(0, true), args: words(data, 8, count) };
    }
    case KTR.sysret:
      needs(data, 16);
      return {
        kind: "sysret",
        code: view.getInt16(0, true),
        error: view.getInt32(4, true),
        retval: view.getBigInt64(8, true),
      };
    case KTR.namei:
      return { kind: "namei", path: data };
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
      };
    case KTR.csw:
      needs(data, 8);
      return {
        kind: "csw",
        isOut: view.getInt32(0, true) !== 0,
        isUser: view.getInt32(4, true) !== 0,
        wmesg: data.length >= 16 ? text(data.subarray(8, 16)) : "",
      };
    case KTR.user:
      return { kind: "user", data };
    case KTR.struct: {
      const name = text(data);
      needs(data, name.length + 1);
      return { kind: "struct", name, data: data.subarray(name.length + 1) };
    }
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

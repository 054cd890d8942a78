// Pure: no I/O, no FFI.
// FreeBSD's ktrace.out: records with a header of 64 bytes (version 1) or 56 (version 0), little endian, LP64.
// sys/sys/ktrace.h

import type { KtrRecord, RecordBody, RecordHeader } from "./record.ts";

/** KTR_DROP, KTR_VERSIONED: bits of the type. */
const DROP = 0x8000;
const VERSIONED = 0x4000;
/** MAXCOMLEN + 1 */
const COMM_BYTES = 20;
/** struct ktr_header */
const V1 = { bytes: 64, sec: 32, nsec: 40, tid: 48, cpu: 56 } as const;
/** struct ktr_header_v0: microseconds, no CPU. */
const V0 = { bytes: 56, sec: 32, usec: 40, tid: 48 } as const;

/** KTR_*: types of records. */
const TYPES = {
  syscall: 1,
  sysret: 2,
  namei: 3,
  genio: 4,
  psig: 5,
  csw: 6,
  user: 7,
  struct: 8,
  sysctl: 9,
  procctor: 10,
  procdtor: 11,
  capfail: 12,
  fault: 13,
  faultend: 14,
  structArray: 15,
  args: 16,
  env: 17,
} as const;

/** Longest payload that a record is believed to have. */
export const MOST_PAYLOAD = 1 << 24;

/** A record as it was read, and its bytes in the file. */
export interface Decoded {
  readonly record: KtrRecord;
  readonly bytes: number;
}

/**
 * Reads the record at the start of `bytes`.
 *
 * @returns undefined if it is not whole.
 * @throws {RangeError} What is there is no record.
 */
export function decodeFreebsd(bytes: Uint8Array): Decoded | undefined {
  if (bytes.length < V0.bytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const type = view.getUint16(4, true);
  const isVersioned = (type & VERSIONED) !== 0;
  const header = isVersioned ? V1.bytes : V0.bytes;
  const length = view.getInt32(0, true);
  const number = type & ~(DROP | VERSIONED);
  if (length < 0 || length > MOST_PAYLOAD) throw new RangeError(`a length of ${length}`);
  if (number < 1 || number > 31) throw new RangeError(`type ${number}`);
  if (isVersioned && view.getInt16(6, true) !== 1) {
    throw new RangeError(`version ${view.getInt16(6, true)}`);
  }
  if (bytes.length < header + length) return undefined;
  const sec = view.getBigInt64(V1.sec, true);
  const part = view.getBigInt64(V1.nsec, true);
  const limit = isVersioned ? 1_000_000_000n : 1_000_000n;
  if (part < 0n || part >= limit) throw new RangeError(`${part} as a part of a second`);
  const common: RecordHeader = {
    dropped: (type & DROP) !== 0,
    pid: view.getInt32(8, true),
    tid: Number(view.getBigInt64(V1.tid, true)),
    ...(isVersioned ? { cpu: view.getInt32(V1.cpu, true) } : {}),
    comm: text(bytes.subarray(12, 12 + COMM_BYTES)),
    timeNs: sec * 1_000_000_000n + (isVersioned ? part : part * 1000n),
  };
  const payload = bytes.slice(header, header + length);
  return { record: { ...common, ...decodeBody(number, payload) }, bytes: header + length };
}

/** One character a byte, up to the NUL. */
export function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  let found = "";
  for (const byte of end < 0 ? bytes : bytes.subarray(0, end)) found += String.fromCharCode(byte);
  return found;
}

function decodeBody(type: number, data: Uint8Array): RecordBody {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const needs = (bytes: number) => {
    if (data.length < bytes) throw new RangeError(`${data.length} bytes for type ${type}`);
  };
  switch (type) {
    case TYPES.syscall: {
      needs(8);
      const count = view.getInt16(2, true);
      needs(8 + count * 8);
      const args = Array.from({ length: count }, (_, i) => view.getBigInt64(8 + i * 8, true));
      return { kind: "syscall", code: view.getInt16(0, true), args };
    }
    case TYPES.sysret:
      needs(16);
      return {
        kind: "sysret",
        code: view.getInt16(0, true),
        error: view.getInt32(4, true),
        retval: view.getBigInt64(8, true),
      };
    case TYPES.namei:
      return { kind: "namei", path: data };
    case TYPES.genio:
      needs(8);
      return {
        kind: "genio",
        fd: view.getInt32(0, true),
        isWrite: view.getInt32(4, true) === 1,
        data: data.subarray(8),
      };
    case TYPES.psig:
      needs(40);
      return {
        kind: "psig",
        signo: view.getInt32(0, true),
        action: view.getBigUint64(8, true),
        code: view.getInt32(16, true),
        mask: data.subarray(20, 36),
      };
    case TYPES.csw:
      needs(8);
      return {
        kind: "csw",
        isOut: view.getInt32(0, true) !== 0,
        isUser: view.getInt32(4, true) !== 0,
        wmesg: data.length >= 16 ? text(data.subarray(8, 16)) : "",
      };
    case TYPES.user:
      return { kind: "user", data };
    case TYPES.struct: {
      const name = text(data);
      needs(name.length + 1);
      return { kind: "struct", name, data: data.subarray(name.length + 1) };
    }
    case TYPES.structArray: {
      needs(8);
      const name = text(data.subarray(8));
      needs(9 + name.length);
      return {
        kind: "structArray",
        name,
        elementBytes: Number(view.getBigUint64(0, true)),
        data: data.subarray(9 + name.length),
      };
    }
    case TYPES.sysctl:
      return { kind: "sysctl", name: text(data) };
    case TYPES.procctor:
      needs(4);
      return { kind: "procctor", flags: view.getUint32(0, true) };
    case TYPES.procdtor:
      return { kind: "procdtor" };
    case TYPES.capfail:
      needs(12);
      return {
        kind: "capfail",
        type: view.getInt32(0, true),
        code: view.getInt16(4, true),
        flags: view.getUint32(8, true),
        data: data.subarray(16),
      };
    case TYPES.fault:
      needs(12);
      return { kind: "fault", address: view.getBigUint64(0, true), type: view.getInt32(8, true) };
    case TYPES.faultend:
      needs(4);
      return { kind: "faultend", result: view.getInt32(0, true) };
    case TYPES.args:
      return { kind: "args", data };
    case TYPES.env:
      return { kind: "env", data };
  }
  return { kind: "unknown", type, data };
}

/**
 * Writes a record, version 1.
 *
 * @throws {RangeError} FreeBSD has no such record.
 */
export function encodeFreebsd(record: KtrRecord): Uint8Array<ArrayBuffer> {
  const type = record.kind in TYPES ? TYPES[record.kind as keyof typeof TYPES] : 0;
  if (type === 0) throw new RangeError(`Cannot write ${record.kind}: FreeBSD has no such record`);
  const payload = encodeBody(record);
  const bytes = new Uint8Array(V1.bytes + payload.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, payload.length, true);
  view.setUint16(4, type | VERSIONED | (record.dropped ? DROP : 0), true);
  view.setInt16(6, 1, true);
  view.setInt32(8, record.pid, true);
  for (let i = 0; i < Math.min(record.comm.length, COMM_BYTES - 1); i++) {
    bytes[12 + i] = record.comm.charCodeAt(i);
  }
  view.setBigInt64(V1.sec, record.timeNs / 1_000_000_000n, true);
  view.setBigInt64(V1.nsec, record.timeNs % 1_000_000_000n, true);
  view.setBigInt64(V1.tid, BigInt(record.tid), true);
  view.setInt32(V1.cpu, record.cpu ?? 0, true);
  bytes.set(payload, V1.bytes);
  return bytes;
}

function encodeBody(record: KtrRecord): Uint8Array {
  const make = (size: number, fill: (view: DataView, bytes: Uint8Array) => void): Uint8Array => {
    const bytes = new Uint8Array(size);
    fill(new DataView(bytes.buffer), bytes);
    return bytes;
  };
  const ascii = (bytes: Uint8Array, at: number, name: string) => {
    for (let i = 0; i < name.length; i++) bytes[at + i] = name.charCodeAt(i);
  };
  switch (record.kind) {
    case "syscall":
      return make(8 + record.args.length * 8, (view) => {
        view.setInt16(0, record.code, true);
        view.setInt16(2, record.args.length, true);
        record.args.forEach((arg, i) => view.setBigInt64(8 + i * 8, BigInt.asIntN(64, arg), true));
      });
    case "sysret":
      return make(16, (view) => {
        view.setInt16(0, record.code, true);
        view.setInt32(4, record.error, true);
        view.setBigInt64(8, record.retval, true);
      });
    case "namei":
      return record.path;
    case "genio":
      return make(8 + record.data.length, (view, bytes) => {
        view.setInt32(0, record.fd, true);
        view.setInt32(4, record.isWrite ? 1 : 0, true);
        bytes.set(record.data, 8);
      });
    case "psig":
      return make(40, (view, bytes) => {
        view.setInt32(0, record.signo, true);
        view.setBigUint64(8, record.action, true);
        view.setInt32(16, record.code, true);
        bytes.set(record.mask.subarray(0, 16), 20);
      });
    case "csw":
      return make(16, (view, bytes) => {
        view.setInt32(0, record.isOut ? 1 : 0, true);
        view.setInt32(4, record.isUser ? 1 : 0, true);
        ascii(bytes, 8, record.wmesg.slice(0, 7));
      });
    case "struct":
      return make(record.name.length + 1 + record.data.length, (_, bytes) => {
        ascii(bytes, 0, record.name);
        bytes.set(record.data, record.name.length + 1);
      });
    case "structArray":
      return make(9 + record.name.length + record.data.length, (view, bytes) => {
        view.setBigUint64(0, BigInt(record.elementBytes), true);
        ascii(bytes, 8, record.name);
        bytes.set(record.data, 9 + record.name.length);
      });
    case "sysctl":
      return make(record.name.length + 1, (_, bytes) => ascii(bytes, 0, record.name));
    case "procctor":
      return make(4, (view) => view.setUint32(0, record.flags, true));
    case "capfail":
      return make(16 + record.data.length, (view, bytes) => {
        view.setInt32(0, record.type, true);
        view.setInt16(4, record.code, true);
        view.setUint32(8, record.flags, true);
        bytes.set(record.data, 16);
      });
    case "fault":
      return make(16, (view) => {
        view.setBigUint64(0, record.address, true);
        view.setInt32(8, record.type, true);
      });
    case "faultend":
      return make(4, (view) => view.setInt32(0, record.result, true));
    case "user":
    case "args":
    case "env":
      return record.data;
    default:
      return new Uint8Array();
  }
}

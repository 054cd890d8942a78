// Pure: no I/O, no FFI.
// Reads NetBSD's ktrace.out: a header of 56 bytes (LP64, little endian) in three versions, the last two of
// which have LWP ids. sys/sys/ktrace.h 1.66

import type { RecordBody, RecordHeader } from "./record.ts";
import {
  bytesOf,
  type Decoded,
  genio,
  isComm,
  labelled,
  MOST_PAYLOAD,
  needs,
  syscall,
  text,
  viewOf,
} from "./bytes.ts";

const HEADER = { bytes: 56, length: 0, type: 4, version: 6, pid: 8, comm: 12, time: 32, lid: 48 };
const COMM_BYTES = 17;
/** Version 0 and 1 have 32 bits of seconds. */
const FIRST_WITH_TIMESPEC = 2;
const LAST_VERSION = 2;
const LAST_TYPE = 15;

/**
 * Reads the record at the start of `bytes`.
 *
 * @returns undefined if it is not whole.
 * @throws {RangeError} What is there is no record.
 */
export function decodeNetbsd(bytes: Uint8Array): Decoded | undefined {
  if (bytes.length < HEADER.bytes) return undefined;
  const view = viewOf(bytes);
  const length = view.getInt32(HEADER.length, true);
  const type = view.getInt16(HEADER.type, true);
  const version = view.getInt16(HEADER.version, true);
  if (length < 0 || length > MOST_PAYLOAD) throw new RangeError(`a length of ${length}`);
  if (type < 1 || type > LAST_TYPE) throw new RangeError(`type ${type}`);
  if (version < 0 || version > LAST_VERSION) throw new RangeError(`version ${version}`);
  const comm = bytes.subarray(HEADER.comm, HEADER.comm + COMM_BYTES);
  if (!isComm(comm)) throw new RangeError("a command name that is none");
  const header: RecordHeader = {
    dropped: false,
    pid: view.getInt32(HEADER.pid, true),
    tid: version === 0 ? 0 : view.getInt32(HEADER.lid, true),
    comm: text(comm),
    timeNs: timeOf(view, version),
  };
  const payload = bytesOf(bytes, HEADER.bytes, length);
  if (payload === undefined) return undefined;
  return { record: { ...header, ...decodePayload(type, payload) }, bytes: HEADER.bytes + length };
}

function timeOf(view: DataView, version: number): bigint {
  const seconds = version < FIRST_WITH_TIMESPEC
    ? BigInt(view.getInt32(HEADER.time, true))
    : view.getBigInt64(HEADER.time, true);
  const part = view.getBigInt64(HEADER.time + 8, true);
  const [limit, unit] = version === 0 ? [1_000_000n, 1000n] : [1_000_000_000n, 1n];
  if (part < 0n || part >= limit) throw new RangeError(`${part} as a part of a second`);
  return seconds * 1_000_000_000n + part * unit;
}

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

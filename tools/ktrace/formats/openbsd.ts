// Pure: no I/O, no FFI.
// Reads OpenBSD's ktrace.out: a header of 64 bytes (LP64, little endian), the first record being none but a
// mark. sys/sys/ktrace.h 1.23

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

const HEADER = { bytes: 64, type: 0, pid: 4, tid: 8, time: 16, comm: 32, length: 56 } as const;
const COMM_BYTES = 24;
/** KTR_START: "KTR" in the upper bytes. */
export const KTR_START = 0x4b545200;
const LAST_TYPE = 13;

/**
 * Reads the record at the start of `bytes`; the mark at the start of a file is one of kind "procctor".
 *
 * @returns undefined if it is not whole.
 * @throws {RangeError} What is there is no record.
 */
export function decodeOpenbsd(bytes: Uint8Array): Decoded | undefined {
  if (bytes.length < HEADER.bytes) return undefined;
  const view = viewOf(bytes);
  const type = view.getUint32(HEADER.type, true);
  const length = Number(view.getBigUint64(HEADER.length, true));
  if (length > MOST_PAYLOAD) throw new RangeError(`a length of ${length}`);
  if (type !== KTR_START && (type < 1 || type > LAST_TYPE)) throw new RangeError(`type ${type}`);
  const comm = bytes.subarray(HEADER.comm, HEADER.comm + COMM_BYTES);
  if (!isComm(comm)) throw new RangeError("a command name that is none");
  const nanoseconds = view.getBigInt64(HEADER.time + 8, true);
  if (nanoseconds < 0n || nanoseconds >= 1_000_000_000n) {
    throw new RangeError(`${nanoseconds} as a part of a second`);
  }
  const header: RecordHeader = {
    dropped: false,
    pid: view.getInt32(HEADER.pid, true),
    tid: view.getInt32(HEADER.tid, true),
    comm: text(comm),
    timeNs: view.getBigInt64(HEADER.time, true) * 1_000_000_000n + nanoseconds,
  };
  const payload = bytesOf(bytes, HEADER.bytes, length);
  if (payload === undefined) return undefined;
  return { record: { ...header, ...decodePayload(type, payload) }, bytes: HEADER.bytes + length };
}

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

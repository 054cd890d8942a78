// Pure: no I/O, no FFI.
// Lays a record out as it stands in a file. A format writes into a buffer of the file's and allocates nothing
// that FreeBSD's does not need.

import type { Request } from "../recorder/request.ts";
import { COMM_BYTES, HEADER_BYTES, KTR_DROP, KTR_VERSIONED } from "./types.ts";

/** How records stand in a file. */
export interface Format {
  /** Most bytes that the record takes. */
  size(request: Request): number;
  /** Where the record that starts at `at` ends. */
  endOf(bytes: Uint8Array, view: DataView, at: number): number;
  /** Writes it at `at`; returns where it ends. */
  write(request: Request, bytes: Uint8Array, view: DataView, at: number): number;
}

/** ktrace.out of FreeBSD, headers of version 1. */
export const FREEBSD: Format = {
  size: (request) => HEADER_BYTES + request.length,
  endOf: (_bytes, view, at) => at + HEADER_BYTES + view.getInt32(at, true),
  write(request, bytes, view, at) {
    const { length } = request;
    view.setInt32(at, length, true);
    view.setUint16(at + 4, request.type | KTR_VERSIONED | (request.dropped ? KTR_DROP : 0), true);
    view.setInt16(at + 6, 1, true);
    view.setInt32(at + 8, request.pid, true);
    for (let i = 0; i < COMM_BYTES; i++) bytes[at + 12 + i] = request.comm[i];
    setLong(view, at + 32, request.seconds);
    setLong(view, at + 40, request.nanoseconds);
    setLong(view, at + 48, request.tid);
    view.setInt32(at + 56, request.cpu, true);
    view.setInt32(at + 60, 0, true);
    const start = at + HEADER_BYTES;
    const payload = request.bytes;
    if (length <= 64) {
      for (let i = 0; i < length; i++) bytes[start + i] = payload[i];
    } else {
      bytes.set(payload.subarray(0, length), start);
    }
    return start + length;
  },
};

/** A number of up to 53 bits as 64. */
function setLong(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

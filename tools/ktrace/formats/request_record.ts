// A request as a record, for formats that do not write FreeBSD's bytes as they are.

import type { Request } from "../recorder/request.ts";
import { text } from "./bytes.ts";
import { decodePayload } from "./freebsd.ts";
import type { KtrRecord } from "./record.ts";

/** Decodes a request. What the record has of the request is a copy: requests are used again. */
export function recordOf(request: Request): KtrRecord {
  return {
    dropped: request.dropped,
    pid: request.pid,
    tid: request.tid,
    cpu: request.cpu,
    comm: text(request.comm),
    timeNs: BigInt(request.seconds) * 1_000_000_000n + BigInt(request.nanoseconds),
    ...decodePayload(request.type, request.bytes.slice(0, request.length)),
  };
}

/**
 * ktrace as a library: a recorder of FreeBSD's make, what fills it, and a reader of trace files.
 *
 * @example Records that a program makes itself, in a file that kdump reads
 * ```ts
 * import { DEFAULT_POINTS, Recorder } from "./mod.ts";
 *
 * const path = await Deno.makeTempFile();
 * using recorder = new Recorder({ pool: 10, warn: console.error });
 * const file = recorder.open(path);
 * const process = recorder.set(4711, 0, DEFAULT_POINTS, file);
 * const lwp = { tid: 4711, startNs: 0, comm: new TextEncoder().encode("example") };
 * const request = recorder.request(process, lwp)!;
 * request.raw(7, new TextEncoder().encode("hello")); // KTR_USER
 * recorder.submit(process, request);
 * ```
 *
 * @example Reads a file
 * ```ts
 * import { RecordReader, recordJson } from "./mod.ts";
 *
 * const reader = new RecordReader();
 * for (const item of [...reader.push(new Uint8Array()), ...reader.end()]) {
 *   if ("record" in item) console.log(recordJson(item.record, item.system));
 * }
 * ```
 *
 * @module
 */

export {
  DEFAULT_POOL,
  Recorder,
  type RecorderOptions,
  type TracedProcess,
} from "./recorder/recorder.ts";
export {
  type Lwp,
  Request,
  RequestPool,
  type RequestState,
  type SignalRecord,
} from "./recorder/request.ts";
export type { Rotation } from "./recorder/rotation.ts";
export { TraceFile, type TraceFileOptions } from "./recorder/trace_file.ts";
export { type Credentials } from "./recorder/credentials.ts";
export {
  ALL_POINTS,
  DEFAULT_POINTS,
  INHERIT,
  parsePoints,
  pointOf,
  ROOT,
} from "./formats/points.ts";
export { KTR, type KtrType } from "./formats/types.ts";
export { type Format, FREEBSD } from "./formats/write.ts";
export { JSON_LINES, recordJson } from "./formats/json.ts";
export { type FileSystemName, type Item, RecordReader, systemOf } from "./formats/reader.ts";
export type {
  KtrRecord,
  RecordBody,
  RecordHeader,
  RecordKind,
  SystemName,
} from "./formats/record.ts";
export { Tracing, type TracingOptions } from "./trace_session.ts";

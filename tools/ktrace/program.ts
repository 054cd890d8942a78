// The records of a program that has just been executed: its path, its arguments, its environment.

import { wallTimeNs } from "../../core/sys/clock.ts";
import { commandLine, environment, programOf } from "./process_files.ts";
import { KTR, type KtrType } from "./formats/types.ts";
import { pointOf } from "./formats/points.ts";
import type { Recorder, TracedProcess } from "./recorder/recorder.ts";
import type { Lwp, Request } from "./recorder/request.ts";

/** A record is made now. */
export function stamp(request: Request): void {
  const now = wallTimeNs();
  request.seconds = Number(now / 1_000_000_000n);
  request.nanoseconds = Number(now % 1_000_000_000n);
}

/**
 * Records what a process is executing, as /proc tells it.
 *
 * @param path As the program was named, if that is known.
 */
export function recordProgram(
  recorder: Recorder,
  process: TracedProcess,
  lwp: Lwp,
  path?: Uint8Array,
): void {
  const record = (type: KtrType, data: Uint8Array) => {
    if ((process.points & pointOf(type)) === 0 || data.length === 0) return;
    const request = recorder.request(process, lwp);
    if (request === undefined) return;
    stamp(request);
    request.raw(type, data);
    recorder.submit(process, request);
  };
  record(KTR.namei, path ?? new TextEncoder().encode(programOf(process.pid)));
  record(KTR.args, commandLine(process.pid));
  record(KTR.env, environment(process.pid));
}

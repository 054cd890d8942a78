// What a function makes the system do: a script runs while the function does.

import { kernelPlaneRefusal } from "../core/bpf/permission.ts";
import type { SessionStats } from "../core/contract/stats.ts";
import { start, type StartOptions, type Trace, type TraceRecord } from "../language/mod.ts";
import type { TraceMaps } from "../language/mod.ts";
import { traceFromOutside } from "./outside.ts";

/** How a function is traced. */
export interface TraceOptions extends
  Pick<
    StartOptions,
    "plane" | "params" | "named" | "config" | "unsafe" | "includeFolders" | "includes" | "warnings"
  > {
}

/** What a function did. */
export interface Traced<T> {
  /** What the function returned. */
  readonly result: T;
  /** All records of the script, in order; at the end a map each. */
  readonly records: readonly TraceRecord[];
  /** Maps of the script, as they were when the function had ended. */
  readonly maps: TraceMaps;
  /** Counters of events and losses. */
  readonly stats: SessionStats;
}

/**
 * Runs a function while a script traces this process and all that it starts. What other code of the process
 * does at that time is seen, too: Deno's own threads, other tests.
 *
 * Where bpf(2) is not permitted, another process traces this one by ptrace(2), which needs no privilege; the
 * function then runs slower, and no debugger may be attached.
 *
 * @param fn Function to run; its promise is awaited.
 * @param script Text of the script; `$1`, `$2`, … are `options.params`.
 * @throws Whatever the function throws.
 * @throws {ScriptError} The script has errors.
 */
export async function trace<T>(
  fn: () => T | PromiseLike<T>,
  script: string,
  options: TraceOptions = {},
): Promise<Traced<T>> {
  const { plane = "auto" } = options;
  const outside = plane === "user" || (plane === "auto" && kernelPlaneRefusal() !== undefined);
  if (outside) return await traceFromOutside(fn, script, options);
  await using running = await start(script, {
    ...options,
    pid: Deno.pid,
    highWaterMark: Infinity,
  });
  const result = await fn();
  return { result, ...await collect(running) };
}

/** Ends a trace, and gathers what it has. */
export async function collect(running: Trace): Promise<Omit<Traced<unknown>, "result">> {
  const { stats } = await running.stop();
  const records = await Array.fromAsync(running);
  return { records, maps: running.maps, stats };
}

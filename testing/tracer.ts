// The other process of outside.ts: traces the process that started it until standard input ends.

import { serialize } from "node:v8";
import { errorCode } from "../core/errors.ts";
import type { SessionStats } from "../core/contract/stats.ts";
import { start, type TraceRecord, type Value } from "../language/mod.ts";
import { collect, type TraceOptions } from "./trace.ts";

/** What is to be traced; one line of JSON. */
export interface OutsideRequest {
  /** Process to trace. */
  readonly pid: number;
  /** Text of the script. */
  readonly script: string;
  /** Options of the trace, named parameters as a list. */
  readonly options: Omit<TraceOptions, "named"> & {
    readonly named?: readonly (readonly [string, string | true])[];
  };
}

/** What was gathered, or why nothing was. */
export type OutsideReply =
  | { readonly error: { readonly message: string; readonly code?: string } }
  | {
    readonly records: readonly TraceRecord[];
    readonly maps: readonly (readonly [
      name: string,
      entries: readonly (readonly [readonly Value[], Value])[],
    ])[];
    readonly stats: SessionStats;
  };

const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();

/** The request, which is one line. */
async function request(): Promise<OutsideRequest> {
  let text = "";
  while (!text.endsWith("\n")) {
    const { value, done } = await lines.read();
    if (done) break;
    text += value;
  }
  return JSON.parse(text);
}

function write(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

async function run(): Promise<OutsideReply> {
  const { pid, script, options } = await request();
  await using trace = await start(script, {
    ...options,
    named: options.named && new Map(options.named),
    ...{ pid, plane: "user", highWaterMark: Infinity },
  });
  write(new TextEncoder().encode("+"));
  while (!(await lines.read()).done);
  const { records, maps, stats } = await collect(trace);
  return { records, maps: [...maps].map((map) => [map.name, [...map]]), stats };
}

let reply: OutsideReply;
try {
  reply = await run();
} catch (error) {
  reply = { error: { message: (error as Error).message, code: errorCode(error) } };
}
write(serialize(reply));
Deno.exit(0);

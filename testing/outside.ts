// This process, traced by another one of it: ptrace(2) cannot trace the caller. The other process says when
// it has attached, and hands over what it has gathered when it has let go: while it traces, it writes
// nothing that this process would have to read.

import { deserialize } from "node:v8";
import { allowTracer } from "../core/sys/traced_by.ts";
import { DtError } from "../core/errors.ts";
import { TraceMaps } from "../language/mod.ts";
import type { Traced, TraceOptions } from "./trace.ts";
import type { OutsideReply, OutsideRequest } from "./tracer.ts";

/** Runs a function while another process traces this one. */
export async function traceFromOutside<T>(
  fn: () => T | PromiseLike<T>,
  script: string,
  options: TraceOptions,
): Promise<Traced<T>> {
  const tracer = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", import.meta.resolve("./tracer.ts")],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  allowTracer(tracer.pid);
  const writer = tracer.stdin.getWriter();
  const request: OutsideRequest = { pid: Deno.pid, script, options: plain(options) };
  await writer.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
  const reader = tracer.stdout.getReader();
  let result: T;
  const ended = (async () => {
    // The first byte says whether it has attached.
    const { value: first = new Uint8Array() } = await reader.read();
    return first;
  })();
  const head = await ended;
  const failed = head[0] !== ATTACHED;
  try {
    if (!failed) result = await fn();
  } finally {
    await writer.close();
    allowTracer(0);
  }
  const rest = await readAll(reader, failed ? head : head.subarray(1));
  await tracer.status;
  const reply = deserialize(rest) as OutsideReply;
  if ("error" in reply) {
    const { message, code } = reply.error;
    throw code === undefined ? new Error(message) : new DtError(code, message, {
      operation: "trace",
    });
  }
  const { records, maps, stats } = reply;
  return { result: result!, records, maps: TraceMaps.of(maps), stats };
}

/** First byte of the answer of a tracer that has attached; no serialized value begins so. */
const ATTACHED = 0x2b;

/** Options that JSON keeps. */
function plain(options: TraceOptions): OutsideRequest["options"] {
  const { named, ...rest } = options;
  return { ...rest, named: named && [...named] };
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  first: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = [first];
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

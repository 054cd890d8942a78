// Runs btrace's command line on many cases in one process, which saves each the start of Deno. Called with
// a file of cases and a file for what they print, a line of JSON each.

import { main } from "../../tools/btrace.ts";

/** What batch.ts prints for a case. */
export interface BatchResult {
  /** Exit status. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A case as batch.ts reads it. */
export interface BatchCase {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Keeps what is written to a stream until it is taken. */
function capture(stream: { writeSync(bytes: Uint8Array): number }): () => string {
  let chunks: Uint8Array[] = [];
  stream.writeSync = (bytes) => {
    chunks.push(bytes.slice());
    return bytes.length;
  };
  return () => {
    const decoder = new TextDecoder();
    const text = chunks.map((bytes) => decoder.decode(bytes, { stream: true })).join("");
    chunks = [];
    return text + decoder.decode();
  };
}

const [input, output] = Deno.args;
const cases: BatchCase[] = JSON.parse(Deno.readTextFileSync(input));
const takeOut = capture(Deno.stdout);
const takeErr = capture(Deno.stderr);
for (const { args, env } of cases) {
  for (const [key, value] of Object.entries(env)) Deno.env.set(key, value);
  let code: number;
  let crash = "";
  try {
    code = await main(args);
  } catch (error) {
    code = 1;
    crash = `error: Uncaught ${error instanceof Error ? error.stack : error}\n`;
  }
  for (const key of Object.keys(env)) Deno.env.delete(key);
  const result: BatchResult = { code, stdout: takeOut(), stderr: takeErr() + crash };
  Deno.writeTextFileSync(output, `${JSON.stringify(result)}\n`, { append: true });
}
Deno.exit(0);

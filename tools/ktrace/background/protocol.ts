// Messages on the sockets: a request and a reply, each a JSON object on a line.

import type { Rotation } from "../recorder/rotation.ts";

/** Operations on running traces. */
export type ControlRequest =
  | {
    readonly op: "set";
    readonly pids: readonly number[];
    readonly points: number;
    readonly file: string;
    readonly append: boolean;
    readonly rotation?: Rotation;
    readonly format: "freebsd" | "json";
    readonly noWait: boolean;
    /** Sizes that the recorder must have; undefined accepts any. */
    readonly genioBytes?: number;
    readonly ringBytes?: number;
    readonly pool?: number;
  }
  | { readonly op: "clear"; readonly pids: readonly number[]; readonly points: number }
  | { readonly op: "clear-file"; readonly file: string }
  | { readonly op: "clear-all" }
  /** Changes the number of requests in the pool. */
  | { readonly op: "pool"; readonly size: number };

/** Reply to a request: success with a count, or an error. */
export type ControlReply =
  /** Number of processes concerned, and the recorder's messages since the last reply. */
  | { readonly count: number; readonly messages?: readonly string[] }
  | { readonly error: string; readonly code: string };

const MOST_LINE = 1 << 20;
/** Messages of a reply that are shown, and characters of each. */
const MOST_MESSAGES = 20;
const MOST_CHARACTERS = 1000;

/** Reads a reply, which may be anything; undefined if it is none. */
export function replyOf(line: string): ControlReply | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { count, messages = [], error, code } = Object(value) as Record<string, unknown>;
  if (typeof error === "string" && typeof code === "string") {
    return /^E[A-Z0-9]+$/.test(code) ? { error: error.slice(0, MOST_CHARACTERS), code } : undefined;
  }
  const isCount = Number.isSafeInteger(count) && (count as number) >= 0;
  if (!isCount || !Array.isArray(messages)) return undefined;
  const texts = messages.filter((one) => typeof one === "string").slice(0, MOST_MESSAGES)
    .map((text) => text.slice(0, MOST_CHARACTERS));
  return { count: count as number, messages: texts };
}

/** Reads a line from a connection; empty at the end. */
export async function readLine(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(65536);
  let line = "";
  while (!line.endsWith("\n") && line.length < MOST_LINE) {
    const count = await connection.read(chunk);
    if (count === null) break;
    line += decoder.decode(chunk.subarray(0, count), { stream: true });
  }
  return line.trimEnd();
}

/** Writes a value to a connection as a line of JSON. */
export async function writeLine(connection: Deno.Conn, value: unknown): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

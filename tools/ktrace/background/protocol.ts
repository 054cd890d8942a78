// What is said over the sockets: one JSON object each way, a line each.

/** Operations on running traces. */
export type ControlRequest =
  | {
    readonly op: "set";
    readonly pids: readonly number[];
    readonly points: number;
    readonly file: string;
    readonly append: boolean;
    readonly format: "freebsd" | "json";
    readonly noWait: boolean;
    /** What was asked for of the recorder; undefined: whatever it has. */
    readonly genioBytes?: number;
    readonly ringBytes?: number;
    readonly pool?: number;
  }
  | { readonly op: "clear"; readonly pids: readonly number[]; readonly points: number }
  | { readonly op: "clear-file"; readonly file: string }
  | { readonly op: "clear-all" }
  /** Requests of the pool. */
  | { readonly op: "pool"; readonly size: number };

/** What came of it. */
export type ControlReply =
  /** How many processes it was about, and what the recorder has had to say since it was asked last. */
  | { readonly count: number; readonly messages?: readonly string[] }
  | { readonly error: string; readonly code: string };

const MOST_LINE = 1 << 20;

/** Reads a line; empty at the end. */
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

/** Writes a line. */
export async function writeLine(connection: Deno.Conn, value: unknown): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

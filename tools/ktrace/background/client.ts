// Asks recorders: all that run, or the one in the background, which is started if there is none.

import { DtError } from "../../../core/errors.ts";
import { type ControlReply, type ControlRequest, readLine, writeLine } from "./protocol.ts";
import { BACKGROUND, ownFolder, sockets } from "./sockets.ts";

const START_MS = 10_000;

/** Its answer, or undefined if nobody listens there. */
async function ask(path: string, request: ControlRequest): Promise<ControlReply | undefined> {
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    // Of one that was killed.
    if (error instanceof Deno.errors.ConnectionRefused) removeSocket(path);
    return undefined;
  }
  using _ = connection;
  await writeLine(connection, request);
  const line = await readLine(connection);
  return line === "" ? undefined : JSON.parse(line);
}

function removeSocket(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It has gone.
  }
}

function countOf(reply: ControlReply): number {
  if ("error" in reply) throw new DtError(reply.code, reply.error, { operation: "ktrace" });
  return reply.count;
}

/**
 * Asks all recorders of this user, or of all users for root.
 *
 * @returns How many processes it was about.
 * @throws {DtError} What one of them has answered.
 */
export async function askAll(request: ControlRequest): Promise<number> {
  let count = 0;
  for (const path of sockets()) {
    const reply = await ask(path, request);
    if (reply !== undefined) count += countOf(reply);
  }
  return count;
}

/**
 * Asks the recorder in the background.
 *
 * @param start Arguments of ktrace that start it.
 * @throws {DtError} What it has answered; ETIMEDOUT it does not start.
 */
export async function askBackground(
  request: ControlRequest,
  start: readonly string[],
): Promise<number> {
  const path = `${ownFolder()}/${BACKGROUND}`;
  const running = await ask(path, request);
  if (running !== undefined) return countOf(running);
  const main = new URL("../../ktrace.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", main, ...start],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  child.unref();
  for (const until = performance.now() + START_MS; performance.now() < until;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const reply = await ask(path, request);
    if (reply !== undefined) return countOf(reply);
  }
  throw new DtError("ETIMEDOUT", `Cannot reach a recorder at ${path}`, { operation: "ktrace" });
}

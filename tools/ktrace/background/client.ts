// Asks recorders: all that run, or the one in the background, which is started if there is none.

import { DtError } from "../../../core/errors.ts";
import { safeText } from "../../../core/safe_text.ts";
import { warn } from "../warn.ts";
import {
  type ControlReply,
  type ControlRequest,
  readLine,
  replyOf,
  writeLine,
} from "./protocol.ts";
import { backgroundSocket, ownFolder, remove, sockets } from "./sockets.ts";

const START_MS = 10_000;
const ANSWER_MS = 3000;

/** The answer of a recorder; undefined if nobody listens there. Takes {@linkcode ANSWER_MS} at most. */
async function ask(path: string, request: ControlRequest): Promise<ControlReply | undefined> {
  const { promise: tooLate, resolve } = Promise.withResolvers<ControlReply>();
  const error = `The recorder at ${path} does not answer: its file's reader may be too slow`;
  const timer = setTimeout(() => resolve({ error, code: "ETIMEDOUT" }), ANSWER_MS);
  try {
    return await Promise.race([converse(path, request), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** Sends a request and reads the reply; another user's recorder may say anything, or nothing. */
async function converse(path: string, request: ControlRequest): Promise<ControlReply | undefined> {
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    // Of one that was killed. Only one's own is removed.
    if (error instanceof Deno.errors.ConnectionRefused && path.startsWith(ownFolder())) {
      remove(path);
    }
    return undefined;
  }
  using _connection = connection;
  let line: string;
  try {
    await writeLine(connection, request);
    line = await readLine(connection);
  } catch {
    return undefined; // it has ended meanwhile
  }
  if (line === "") return undefined;
  return replyOf(line) ?? { error: `The answer of ${path} is not a recorder's`, code: "EPROTO" };
}

function countOf(reply: ControlReply): number {
  if ("error" in reply) {
    throw new DtError(reply.code, safeText(reply.error), { operation: "ktrace" });
  }
  for (const message of reply.messages ?? []) warn(message); // an older recorder has none
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
  const failures: ControlReply[] = [];
  // All at once, so that those who are silent cost one limit together.
  for (const reply of await Promise.all(sockets().map((path) => ask(path, request)))) {
    if (reply === undefined) continue;
    if ("error" in reply) failures.push(reply);
    else count += countOf(reply);
  }
  // Whoever could be asked was.
  if (failures.length > 0) countOf(failures[0]);
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
  const path = `${ownFolder()}/${backgroundSocket(start.includes("--sync"))}`;
  const running = await ask(path, request);
  if (running !== undefined) return countOf(running);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...ownCommand(), ...start],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  let ended = false;
  child.status.then(() => ended = true);
  child.unref();
  const until = performance.now() + START_MS;
  while (performance.now() < until && !ended) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const reply = await ask(path, request);
    if (reply !== undefined) return countOf(reply);
  }
  throw new DtError(
    "ETIMEDOUT",
    `Cannot reach a recorder at ${path}${ended ? ": it has ended" : ""}`,
    { operation: "ktrace" },
  );
}

/** Arguments of Deno that run ktrace: this program, if it is ktrace; a compiled one is Deno and ktrace. */
function ownCommand(): string[] {
  if (Deno.build.standalone) return [];
  const { mainModule } = Deno;
  const own = /\/ktrace\.[jt]s$/.test(mainModule)
    ? mainModule
    : new URL("../../ktrace.ts", import.meta.url).href;
  return ["run", "-A", "--quiet", own];
}

// The processes that a command line names: the child of -c, held until all probes are attached, and the
// target of -p.

import { errorCode } from "../../core/errors.ts";
import { firstWord, needsShell } from "../../core/sys/shell_words.ts";
import { HeldProcess } from "../../core/sys/spawn.ts";
import { statusField } from "../../core/sys/thread.ts";
import { UsageError } from "./command_line.ts";

/**
 * Starts a command and holds it before its first instruction.
 *
 * @param command A command with arguments, split as a shell does. A command that only a shell understands is
 * run by `sh -c`, and the shell is the process.
 * @throws {UsageError} The program cannot be found, or cannot be executed.
 */
export function holdChild(command: string): HeldProcess {
  const name = needsShell(command) ? "/bin/sh" : firstWord(command);
  const found = find(name);
  if (typeof found === "string") throw new UsageError(`Failed to run '${name}': ${found}`);
  const interpreter = interpreterOf(found.path);
  if (interpreter !== undefined && typeof find(interpreter) === "string") {
    throw new UsageError(
      `Failed to run '${name}': its interpreter '${interpreter}': ${find(interpreter)}`,
    );
  }
  try {
    return new HeldProcess(command);
  } catch (error) {
    if (errorCode(error) !== "ENOEXEC") throw error;
    throw new UsageError(`Failed to run '${name}': Exec format error`);
  }
}

/** The file that a command executes, or undefined if there is none. */
export function programOf(command: string): string | undefined {
  const found = find(needsShell(command) ? "/bin/sh" : firstWord(command));
  return typeof found === "string" ? undefined : found.path;
}

/** The file of a program, or why there is none. */
function find(name: string): { readonly path: string } | string {
  const places = name.includes("/")
    ? [name]
    : (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/${name}`);
  let reason = "No such file or directory";
  for (const path of places) {
    try {
      const { isFile, mode } = Deno.statSync(path);
      if (isFile && ((mode ?? 0) & 0o111) !== 0) return { path };
      // As a shell, look on: another folder may have a program of that name.
      reason = "Permission denied";
    } catch (error) {
      if (error instanceof Deno.errors.PermissionDenied) reason = "Permission denied";
    }
  }
  return reason;
}

/** The program that the first line of a script names; undefined if the file is no script. */
function interpreterOf(path: string): string | undefined {
  try {
    using file = Deno.openSync(path);
    const head = new Uint8Array(256);
    const line = new TextDecoder().decode(head.subarray(0, file.readSync(head) ?? 0));
    return /^#![ \t]*([^ \t\n]+)/.exec(line)?.[1];
  } catch {
    return undefined; // It may be executed, and not be read.
  }
}

/**
 * Returns `pid` if a process has the number, not another of its threads.
 *
 * @throws {UsageError} The number belongs to a thread.
 */
export function processOf(pid: number): number {
  const leader = Number(statusField(pid, "Tgid") ?? pid); // without a process, opening it fails later
  if (leader !== pid) {
    throw new UsageError(`${pid} is a thread of process ${leader}: use -p ${leader}`);
  }
  return pid;
}

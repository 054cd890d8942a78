// Processes that end a run with their own end: the child of -c, held until all probes are attached, and the
// target of -p.

import { pidfdOpen } from "../../core/sys/pidfd.ts";
import { Poller } from "../../core/sys/poller.ts";
import { firstWord, needsShell } from "../../core/sys/shell_words.ts";
import { HeldProcess } from "../../core/sys/spawn.ts";
import { statusField } from "../../core/sys/thread.ts";
import { UsageError } from "./command_line.ts";

/**
 * Starts a command and holds it before its first instruction.
 *
 * @param command A command with arguments, split as a shell does. A command that only a shell understands is
 * run by `sh -c`, and the shell is the process.
 * @throws {UsageError} The program cannot be found.
 */
export function holdChild(command: string): HeldProcess {
  if (programOf(command) === undefined) {
    throw new UsageError(
      `Failed to run '${firstWord(command)}': No such file or directory`,
    );
  }
  return new HeldProcess(command);
}

/** The file that a command executes, or undefined if there is none. */
export function programOf(command: string): string | undefined {
  const name = needsShell(command) ? "/bin/sh" : firstWord(command);
  const places = name.includes("/")
    ? [name]
    : (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/${name}`);
  return places.find((place) => {
    try {
      const { isFile, mode } = Deno.statSync(place);
      return isFile && ((mode ?? 0) & 0o111) !== 0;
    } catch {
      return false;
    }
  });
}

/**
 * Aborts `controller` when a process ends.
 *
 * @throws {DtError} ESRCH: no process has the pid.
 */
export function abortWithProcess(pid: number, controller: AbortController): Disposable {
  const stack = new DisposableStack();
  const pidfd = stack.use(pidfdOpen(pid));
  const poller = stack.use(new Poller());
  poller.add(pidfd.value, { level: true });
  const watch = async () => {
    // A wait may end without an event: after the tool itself was stopped and continued.
    while (!stack.disposed) {
      if ((await poller.wait(-1)).length > 0) controller.abort();
      if (controller.signal.aborted) return;
    }
  };
  watch();
  return stack;
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

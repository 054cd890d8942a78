// Processes that a run belongs to: the child of -c, held back until everything is attached, and the
// target of -p.

import { pidfdOpen } from "../../core/sys/pidfd.ts";
import { Poller } from "../../core/sys/poller.ts";

/** A child that has not started its command yet. */
export class HeldChild implements Disposable {
  /** Process id: of the shell first, of the command from {@linkcode release} on. */
  readonly pid: number;
  /** Settles when it has ended. */
  readonly ended: Promise<unknown>;
  #running = true;

  private constructor(child: Deno.ChildProcess) {
    this.pid = child.pid;
    this.ended = child.status.then(() => this.#running = false);
  }

  /**
   * Starts a shell that stops itself and will then become the command, under the same process id.
   *
   * @param command A simple command with arguments, split as a shell does.
   * @throws {Error} The program cannot be found.
   */
  static async spawn(command: string): Promise<HeldChild> {
    const program = command.trim().split(/\s/)[0];
    if (!isProgram(program)) {
      throw new Deno.errors.NotFound(`Failed to run '${program}': No such file or directory`);
    }
    const child = new Deno.Command("sh", {
      args: ["-c", `kill -STOP $$; exec ${command}`],
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
    const held = new HeldChild(child);
    while (held.#running && processState(held.pid) !== "T") {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return held;
  }

  /** Lets the command start. */
  release(): void {
    this.#kill("SIGCONT");
  }

  /** Ends it if it still runs. */
  [Symbol.dispose](): void {
    this.#kill("SIGTERM");
    this.#kill("SIGCONT");
  }

  #kill(signal: Deno.Signal): void {
    if (!this.#running) return;
    try {
      Deno.kill(this.pid, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

function isProgram(name: string): boolean {
  const places = name.includes("/")
    ? [name]
    : (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/${name}`);
  return places.some((place) => {
    try {
      const { isFile, mode } = Deno.statSync(place);
      return isFile && ((mode ?? 0) & 0o111) !== 0;
    } catch {
      return false;
    }
  });
}

/** "T" for a stopped process; undefined if there is none. */
function processState(pid: number): string | undefined {
  try {
    return /\) (\w)/.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))?.[1];
  } catch {
    return undefined;
  }
}

/**
 * Aborts `controller` when a process ends.
 *
 * @throws {DtError} ESRCH no such process.
 */
export function abortWithProcess(pid: number, controller: AbortController): Disposable {
  const stack = new DisposableStack();
  const pidfd = stack.use(pidfdOpen(pid));
  const poller = stack.use(new Poller());
  poller.add(pidfd.value, { level: true });
  poller.wait(-1).then((ready) => {
    if (ready.length > 0) controller.abort();
  });
  return stack;
}

// Records a command while it runs.

import { kernelPlaneRefusal } from "../../core/bpf/permission.ts";
import type { HeldProcess } from "../../core/sys/spawn.ts";
import { whenRead } from "../../core/sys/output_file.ts";
import { holdChild } from "../cli/child.ts";
import { onEndSignals, statusOfSignal } from "../cli/signals.ts";
import { JSON_LINES } from "./formats/json.ts";
import type { KtraceOptions } from "./options.ts";
import { type Format, FREEBSD } from "./formats/write.ts";
import type { TraceFile, TraceFileOptions } from "./recorder/trace_file.ts";
import { tryListen } from "./background/listen.ts";
import { Tracing, type TracingOptions } from "./trace_session.ts";
import { warn } from "./warn.ts";

/**
 * Milliseconds after SIGINT that the command has for its own end, since a terminal sends the signal
 * to the command, too; and milliseconds after SIGTERM that its end has to be recorded in.
 */
const PATIENCE_MS = 300;

/** Whether recorded programs wait for their records: by --sync, and where only ptrace(2) is permitted. */
export function isSync(options: { readonly sync: boolean }): boolean {
  return options.sync || kernelPlaneRefusal() !== undefined;
}

/** What a recording of a command needs of the options of ktrace. */
export type CommandRecording =
  & Pick<KtraceOptions, "command" | "file" | "points" | "append" | "sync" | "noWait">
  & Pick<KtraceOptions, "genioBytes" | "verbose">
  & Partial<Pick<KtraceOptions, "rotation" | "pool" | "ringBytes">>
  & Pick<TraceFileOptions, "descriptor">
  & Pick<TracingOptions, "calls">;

/** How a recording is shown instead of being kept. */
export interface CommandView {
  /** Tells the user something beside the records. */
  readonly warn: (message: string) => void;
  /** Makes text of records. */
  readonly format: Format;
  /** Called when the command is about to run; what it returns is disposed at the end. */
  begin(file: TraceFile, pid: number): Disposable;
  /** Called when nothing is recorded any more, and the file is still open. */
  end(file: TraceFile): void;
}

/**
 * Runs a command and records it.
 *
 * @param view Shows the records; without one they go to the file in the format of the options.
 * @returns The command's status; 128 and the number of the signal that has ended it, or this.
 */
export async function recordCommand(
  options: CommandRecording & Partial<Pick<KtraceOptions, "format">>,
  view?: CommandView,
): Promise<number> {
  using stack = new DisposableStack();
  const ending = stack.use(new Ending());
  const sync = isSync(options);
  const say = view?.warn ?? warn;
  const tracing = stack.use(new Tracing({ ...options, sync, warn: say, alone: true }));
  const open = () =>
    tracing.recorder.open(options.file, {
      append: options.append,
      rotation: options.rotation,
      descriptor: options.descriptor,
      format: view?.format ?? (options.format === "json" ? JSON_LINES : FREEBSD),
      whenFull: sync ? (options.noWait ? "stop" : "wait") : "later",
    });
  const file = await whenRead(open, ending.signal);
  let child: HeldProcess;
  try {
    child = stack.use(holdChild(options.command.map(quote).join(" ")));
    tracing.set(child, options.points, file);
    const listener = view === undefined ? tryListen(tracing) : NOBODY;
    if (typeof listener !== "string") stack.use(listener);
    else if (options.verbose) warn(`ktrace -c cannot change this trace: ${listener}`);
  } catch (error) {
    // A trace that has not begun leaves no file and no empty one.
    tracing.clearAll();
    tracing.recorder.discard(file);
    throw error;
  }
  file.begin();
  ending.begin(tracing, child);
  if (view !== undefined) stack.use(view.begin(file, child.pid));
  if (!sync) child.release();
  await tracing.run();
  tracing.clearAll();
  if (file.isOpen) view?.end(file);
  const status = await statusOf(child, tracing, ending);
  tracing[Symbol.dispose]();
  report(tracing, file.records, { verbose: options.verbose, say });
  return status;
}

/** What was lost is said whether it is asked for or not. */
export function report(
  tracing: Tracing,
  records: number,
  { verbose, say }: { readonly verbose: boolean; readonly say: (message: string) => void },
): void {
  for (const line of tracing.takeLoss()) say(line);
  if (verbose) say(`${records} records`);
}

/** Listens to nobody: what is shown at once cannot be changed by another ktrace. */
const NOBODY: Disposable = { [Symbol.dispose]() {} };

/** As a shell takes it for one word. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The command's end, as a shell tells it. It may run on when it is not recorded any more. */
async function statusOf(child: HeldProcess, tracing: Tracing, ending: Ending): Promise<number> {
  for (let ms = 1; !tracing.stopped; ms = Math.min(ms * 2, 50)) {
    child.reap();
    const status = child.status ?? tracing.status;
    if (status !== undefined) {
      return ending.status ?? ((status & 0x7f) > 0 ? 128 + (status & 0x7f) : status >> 8);
    }
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
  return ending.status ?? 0;
}

/** Ends the command and its trace when a signal comes, also one that came before the command. */
class Ending implements Disposable {
  /** Exit status after a signal; undefined before one. */
  status: number | undefined;
  readonly #stack = new DisposableStack();
  readonly #controller = new AbortController();
  #end: ((patience: number) => void) | undefined;

  constructor() {
    this.#stack.use(onEndSignals((signal) => {
      if (this.status !== undefined) return;
      this.status = statusOfSignal(signal);
      this.#controller.abort();
      this.#end?.(signal === "SIGINT" ? PATIENCE_MS : 0);
    }));
  }

  /** Aborted when a signal has come. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From now on, or at once if a signal has come, a signal ends the command, then the trace. */
  begin(tracing: Tracing, child: HeldProcess): void {
    this.#end = (patience) => {
      this.#after(patience, () => {
        child.terminate();
        this.#after(PATIENCE_MS, () => tracing.stop());
      });
    };
    if (this.status !== undefined) this.#end(0);
  }

  #after(ms: number, then: () => void): void {
    const timer = setTimeout(then, ms);
    Deno.unrefTimer(timer);
    this.#stack.defer(() => clearTimeout(timer));
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}

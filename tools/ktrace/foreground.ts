// Records a command while it runs.

import { kernelPlaneRefusal } from "../../core/bpf/permission.ts";
import type { HeldProcess } from "../../core/sys/spawn.ts";
import { holdChild } from "../cli/child.ts";
import { onSignals, statusOfSignal } from "../cli/signals.ts";
import { JSON_LINES } from "./formats/json.ts";
import type { KtraceOptions } from "./options.ts";
import { FREEBSD } from "./formats/write.ts";
import { listen } from "./background/listen.ts";
import { Tracing } from "./trace_session.ts";
import { warn } from "./warn.ts";

/** How long after SIGINT the command may take for its own end. */
const PATIENCE_MS = 300;

/** Whether recorded programs wait for their records: by --sync, and where only ptrace(2) is permitted. */
export function isSync(options: { readonly sync: boolean }): boolean {
  return options.sync || kernelPlaneRefusal() !== undefined;
}

/**
 * Runs a command and records it.
 *
 * @returns The command's status; 128 and the number of the signal that has ended it, or this.
 */
export async function recordCommand(options: KtraceOptions): Promise<number> {
  using stack = new DisposableStack();
  const sync = isSync(options);
  const tracing = stack.use(new Tracing({ ...options, sync, warn, alone: true }));
  const file = tracing.recorder.open(options.file, {
    append: options.append,
    format: options.format === "json" ? JSON_LINES : FREEBSD,
    whenFull: sync ? (options.noWait ? "stop" : "wait") : "later",
  });
  let child: HeldProcess;
  try {
    child = stack.use(holdChild(options.command.map(quote).join(" ")));
    tracing.set(child, options.points, file);
    stack.use(listen(tracing, { background: false }));
  } catch (error) {
    // A trace that has not begun leaves no file and no empty one.
    tracing.clearAll();
    tracing.recorder.discard(file);
    throw error;
  }
  file.begin();
  const cut = { status: 0, forced: false };
  stack.use(stopOnSignals(tracing, cut));
  if (!sync) child.release();
  await tracing.run();
  const status = await statusOf(child, tracing, cut);
  tracing[Symbol.dispose]();
  report(tracing, file.records, options.verbose);
  return status;
}

/** What was lost is said whether it is asked for or not. */
export function report(tracing: Tracing, records: number, verbose: boolean): void {
  for (const line of tracing.takeLoss()) warn(line);
  if (verbose) warn(`${records} records`);
}

/** As a shell takes it for one word. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The command's end, as a shell tells it. It may run on when it is not recorded any more. */
async function statusOf(
  child: HeldProcess,
  tracing: Tracing,
  cut: { readonly status: number; readonly forced: boolean },
): Promise<number> {
  for (let ms = 1;; ms = Math.min(ms * 2, 50)) {
    if (cut.forced) {
      child.abandon();
      return cut.status;
    }
    child.reap();
    const status = child.status ?? tracing.status;
    if (status !== undefined) return (status & 0x7f) > 0 ? 128 + (status & 0x7f) : status >> 8;
    if (cut.status > 0) {
      child.abandon();
      return cut.status;
    }
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

/** SIGINT leaves the command some time for its own end; others do not. */
function stopOnSignals(tracing: Tracing, cut: { status: number; forced: boolean }): Disposable {
  const stack = new DisposableStack();
  stack.use(onSignals(["SIGINT", "SIGTERM", "SIGHUP"], (signal) => {
    cut.status = statusOfSignal(signal);
    // From a terminal the command has it, too: its end is part of the trace.
    cut.forced = signal !== "SIGINT";
    if (cut.forced) return tracing.stop();
    const timer = setTimeout(() => tracing.stop(), PATIENCE_MS);
    Deno.unrefTimer(timer);
    stack.defer(() => clearTimeout(timer));
  }));
  return stack;
}

// The command line of kmonitor.

import denoJson from "../../deno.json" with { type: "json" };
import { bootTimeNs, wallTimeNs } from "../../core/sys/clock.ts";
import {
  descendantsOf,
  EVENT_NAMES,
  type EventName,
  type Monitor,
  openMonitor,
  type ProcessEvent,
} from "../../providers/proc-events/mod.ts";
import { holdChild, processOf } from "../cli/child.ts";
import { openTimelineFile, Timeline } from "../cli/timeline.ts";
import type { OutputFile } from "../../core/sys/output_file.ts";
import { coloured, reportError, write } from "../cli/terminal.ts";
import { type KmonitorOptions, parseKmonitorOptions, USAGE } from "./options.ts";
import { ProcessTimeline } from "./timeline.ts";
import { formatEvent, formatJson, HEADER } from "./print.ts";
import { Totals } from "./totals.ts";
import { lineFitter } from "../cli/looks.ts";
import { onEndSignals, statusOfSignal } from "../cli/signals.ts";

/**
 * Runs kmonitor: shows events of processes on standard output.
 *
 * @param args Command line arguments, without the program's name.
 * @returns Exit status: with --wait that of the process, else 0, or 1 after an error.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseKmonitorOptions(args);
    if (options.mode === "help") return write(Deno.stdout, USAGE);
    if (options.mode === "version") return write(Deno.stdout, `kmonitor v${denoJson.version}\n`);
    return await run(options);
  } catch (error) {
    return reportError(error, "kmonitor");
  }
}

/** Events that keep the tree of processes up to date, registered even if they are not shown. */
const TREE: readonly EventName[] = ["process:fork", "process:exit"];

async function run(options: KmonitorOptions): Promise<number> {
  using stack = new DisposableStack();
  // The exit status of --wait if kmonitor ends before the process.
  const cut = { status: TIMED_OUT };
  const ending = new AbortController();
  stack.use(onEndSignals((signal) => {
    cut.status = statusOfSignal(signal);
    ending.abort();
  }));
  const child = options.command === undefined ? undefined : stack.use(holdChild(options.command));
  const pid = child?.pid ?? (options.pid === undefined ? undefined : processOf(options.pid));
  const { source, bufferBytes } = options;
  const timeline = options.timeline === undefined
    ? undefined
    : timelineOf(stack.use(openTimelineFile(options.timeline)));
  const monitor = stack.use(openMonitor({ source, child, bufferBytes }));
  const { cgroup, future, signal } = options;
  const target = cgroup !== undefined
    ? { cgroup }
    : pid === undefined
    ? "all"
    : options.follow
    ? { subtree: pid }
    : pid;
  const needed = timeline !== undefined
    ? EVENT_NAMES
    : pid === undefined
    ? []
    : TREE.filter((one) => options.follow || one === TREE[1]);
  monitor.register(target, [...new Set([...options.events, ...needed])], signal, { future });
  ending.signal.addEventListener("abort", () => monitor.close());
  if (options.seconds !== undefined) {
    const timer = setTimeout(() => monitor.close(), options.seconds * 1000);
    stack.defer(() => clearTimeout(timer));
  }
  const view = new View(options, pid, timeline);
  view.start();
  const status = await view.follow(monitor);
  view.end(monitor);
  return status ?? (options.wait ? cut.status : 0);
}

function timelineOf(file: OutputFile): ProcessTimeline {
  return new ProcessTimeline((startMs) => new Timeline(file, startMs));
}

/** The exit status after --seconds, the same as that of timeout(1). */
const TIMED_OUT = 124;

function statusOf({ pid, signal = 0, code }: ProcessEvent): number {
  if (code === undefined) {
    write(Deno.stderr, `WARNING: ${pid} has ended; how, this kernel does not tell\n`);
  }
  return signal > 0 ? 128 + signal : code ?? 0;
}

/** Gives the kind of an event a colour, and the death by a signal that of a failure. */
function paint(line: string): string {
  if (/ signal \d+/.test(line)) {
    return line.replace(/ signal \d+.*/, (how) => coloured(how, "failed"));
  }
  return line.replace(
    /^(\S+ )([\w:]+)/,
    (_, time, kind) =>
      time + coloured(kind, kind === "exit" ? "gone" : kind === "TIME" ? "kind" : "born"),
  );
}

/** Shows and counts events, and keeps the tree of processes. */
class View {
  readonly #fit = lineFitter(paint);
  readonly #options: KmonitorOptions;
  readonly #root: number | undefined;
  readonly #timeline: ProcessTimeline | undefined;
  readonly #totals = new Totals();
  /** Depths of the living processes in the tree, by pid; 0 is the root. */
  readonly #depths = new Map<number, number>();
  readonly #bootMs = Number(wallTimeNs() - bootTimeNs()) / 1e6;

  constructor(
    options: KmonitorOptions,
    root: number | undefined,
    timeline: ProcessTimeline | undefined,
  ) {
    this.#options = options;
    this.#timeline = timeline;
    this.#root = root;
    if (root === undefined) return;
    this.#depths.set(root, 0);
    if (!options.follow) return;
    for (const [pid, depth] of descendantsOf(root)) this.#depths.set(pid, depth);
  }

  start(): void {
    const { quiet, json } = this.#options;
    if (!quiet && !json) write(Deno.stdout, this.#fit(HEADER));
  }

  /**
   * Shows events until the monitor is closed or all watched processes have ended.
   *
   * @returns With --wait the exit status of the process; undefined if its end was not seen.
   */
  async follow(monitor: Monitor): Promise<number | undefined> {
    const { wait, follow } = this.#options;
    let status: number | undefined;
    for await (const event of monitor) {
      this.#show(event);
      if (event.name !== "process:exit") continue;
      const isRoot = event.pid === this.#root;
      if (isRoot && wait && status === undefined) {
        // The loop still shows the events that the monitor holds.
        status = statusOf(event);
        monitor.close();
      }
      // Without -f no other process is watched.
      if (this.#root !== undefined && this.#depths.size === 0) monitor.close();
      else if (isRoot && !follow) monitor.close();
    }
    return status;
  }

  end(monitor: Monitor): void {
    this.#timeline?.end();
    const { lost } = monitor.stats();
    if (this.#options.stats) write(Deno.stdout, this.#totals.format());
    if (lost > 0n) write(Deno.stderr, `WARNING: ${lost} events lost\n`);
  }

  #show(event: ProcessEvent): void {
    const { name, pid, parentPid } = event;
    const parent = this.#depths.get(parentPid);
    if (name === "process:fork" && this.#root !== undefined) {
      this.#depths.set(pid, parent === undefined ? 0 : parent + 1);
    }
    const depth = this.#options.follow ? this.#depths.get(pid) ?? 0 : 0;
    if (name === "process:exit") this.#depths.delete(pid);
    const { events, quiet, json } = this.#options;
    const wallMs = Number(event.timestampNs) / 1e6 + this.#bootMs;
    this.#timeline?.add(event, wallMs);
    if (!events.includes(name)) return;
    this.#totals.add(event);
    if (quiet) return;
    write(
      Deno.stdout,
      json ? formatJson(event, wallMs) : this.#fit(formatEvent(event, wallMs, depth)),
    );
  }
}

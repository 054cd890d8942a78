// Options of the command line.

import { SIGNALS_HELP } from "../cli/signals.ts";
import { PID_MAX_LIMIT } from "../../core/sys/pid.ts";
import {
  EVENT_NAMES,
  type EventName,
  type MonitorSource,
} from "../../providers/proc-events/mod.ts";
import { readOptions, UsageError } from "../cli/command_line.ts";

/** The help text that --help prints. */
export const USAGE = `USAGE:
    kmonitor [options] [-a]
    kmonitor [options] -p PID
    kmonitor [options] -c 'CMD'

Tells of processes as they are born, execute a program and end, one line for
each event.

OPTIONS:
    -a, --all            all processes (the default)
    -p, --pid PID        this process; ends with it
        --future         -p may name a process that does not live yet: waits for
                         its birth
        --cgroup PATH    processes of this cgroup of version 2, as
                         /system.slice/cron.service
    -c, --cmd 'CMD'      run CMD and tell of it; ends with it
    -f, --follow         and of all that it starts, as an indented tree
    -e, --events LIST    of these alone, comma separated [default:
                         fork,exec,exit]: fork, exec, abort (death by a signal),
                         exit of processes; thread:create, thread:abort,
                         thread:exit, thread (all three); all
    -w, --wait           end when the process of -p or -c ends, with its exit
                         status (128 and the signal's number if it died by one)
    -s, --seconds S      end after so many seconds
    -j, --json           a JSON object for each event
        --stats          totals by event and by command at the end
    -q, --quiet          no lines, only totals
        --signal SIG:PID sends process PID a signal for each event, as
                         SIGRTMIN+1:4321; si_int is the event's bit, si_pid the
                         process of the event
        --timeline FILE  writes a timeline that ui.perfetto.dev and
                           chrome://tracing open:
                         a row for each thread, with the programs that it ran
        --source NAME    kernel (tracepoints: CAP_BPF and CAP_PERFMON), ptrace
                         (of -c: no permission), connector (netlink: Linux 6.6
                         or CAP_NET_ADMIN), pidfd (ends alone: none), auto (the
                         default: the first of these that can be had)
        --ring-size N    bytes of the buffer for events that have not been
                         shown, a power of two [default: 33554432]
    -h, --help           show this help
    -V, --version        show the version

Run by: deno run -A tools/kmonitor.ts …

${SIGNALS_HELP}

EXAMPLES:
    kmonitor -e exec                     what is executed, by whom, how
    kmonitor -f -c 'make -j8'            the tree of a build
    kmonitor -fq --timeline build.json -c 'make -j8'
    kmonitor --wait -p 1234              waits for any process to end
`;

/** The options of a command line of kmonitor. */
export interface KmonitorOptions {
  /** What kmonitor does: watches processes, or prints its help or version. */
  readonly mode: "run" | "help" | "version";
  /** The process to watch (-p); undefined if there is none. */
  readonly pid?: number;
  /** True if the process of -p need not live yet. */
  readonly future: boolean;
  /** Path of the cgroup to watch; undefined if there is none. */
  readonly cgroup?: string;
  /** The signal to send for each event, and the process that gets it; undefined for none. */
  readonly signal?: { readonly signal: string; readonly pid: number };
  /** The command to start and watch (-c); undefined if there is none. */
  readonly command?: string;
  /** True if descendants of the process are watched, too, and shown as a tree. */
  readonly follow: boolean;
  /** Events that are shown and counted. */
  readonly events: readonly EventName[];
  /** True if kmonitor ends with the process of -p or -c, and with its status. */
  readonly wait: boolean;
  /** Seconds after which kmonitor ends; undefined for no limit. */
  readonly seconds?: number;
  /** True if each event is a line of JSON. */
  readonly json: boolean;
  /** True if totals are shown at the end. */
  readonly stats: boolean;
  /** True if no events are shown, only totals. */
  readonly quiet: boolean;
  /** Path of the timeline to write; undefined if there is none. */
  readonly timeline?: string;
  /** Where events come from; `auto` takes the first source that is permitted. */
  readonly source: MonitorSource | "auto";
  /** Bytes of the buffer for events that wait to be shown; undefined for the default. */
  readonly bufferBytes?: number;
}

/** The most that a timer can wait: 24 days, in seconds. */
const MOST_SECONDS = 2_147_483;
const LEAST_BUFFER = 1 << 16;
const MOST_BUFFER = 1 << 30;
const SOURCES = ["auto", "kernel", "connector", "ptrace", "pidfd"] as const;

/**
 * Reads a command line of kmonitor.
 *
 * @throws {UsageError} The command line is wrong.
 */
export function parseKmonitorOptions(args: readonly string[]): KmonitorOptions {
  const { text, flag } = readOptions(args, {
    string: [
      "pid",
      "cmd",
      "events",
      "seconds",
      "source",
      "ring-size",
      "timeline",
      "cgroup",
      "signal",
    ],
    boolean: ["all", "future", "follow", "wait", "json", "stats", "quiet", "help", "version"],
    alias: {
      all: "a",
      pid: "p",
      cmd: "c",
      follow: "f",
      events: "e",
      wait: "w",
      seconds: "s",
      json: "j",
      quiet: "q",
      help: "h",
      version: "V",
    },
  });
  const [pid, command, cgroup] = [text("pid"), text("cmd"), text("cgroup")];
  const targets = [pid, command, cgroup, flag("all") ? "" : undefined];
  if (targets.filter((one) => one !== undefined).length > 1) {
    throw new UsageError("-a, -p, -c and --cgroup cannot be used together", true);
  }
  if (flag("future") && pid === undefined) throw new UsageError("--future needs -p", true);
  const one = pid ?? command;
  if (one === undefined && (flag("follow") || flag("wait"))) {
    throw new UsageError(`${flag("wait") ? "--wait" : "-f"} needs -p or -c`, true);
  }
  const source = text("source") ?? "auto";
  if (!(SOURCES as readonly string[]).includes(source)) {
    throw new UsageError(`Invalid value '${source}': expected ${SOURCES.join(" or ")}`, true);
  }
  if (source === "ptrace" && command === undefined) {
    throw new UsageError("--source ptrace needs -c", true);
  }
  const events = eventNames(text("events") ?? "fork,exec,exit");
  const signal = text("signal");
  if (signal !== undefined && one !== undefined && !events.includes("process:exit")) {
    throw new UsageError("--signal with -p or -c tells of the end, too: name exit in -e", true);
  }
  return {
    mode: flag("help") ? "help" : flag("version") ? "version" : "run",
    pid: pid === undefined ? undefined : wholeNumber("pid", pid, PID_MAX_LIMIT),
    command,
    follow: flag("follow"),
    events,
    future: flag("future"),
    cgroup,
    signal: signal === undefined ? undefined : signalTo(signal),
    wait: flag("wait"),
    seconds: text("seconds") === undefined
      ? undefined
      : wholeNumber("number of seconds", text("seconds")!, MOST_SECONDS),
    json: flag("json"),
    stats: flag("stats") || flag("quiet"),
    quiet: flag("quiet"),
    timeline: text("timeline"),
    source: source as KmonitorOptions["source"],
    bufferBytes: text("ring-size") === undefined ? undefined : bufferBytes(text("ring-size")!),
  };
}

function signalTo(value: string): { signal: string; pid: number } {
  const [, signal, pid] = /^([^:]+):(.*)$/.exec(value) ?? [];
  if (signal === undefined) {
    throw new UsageError(
      `Invalid --signal: '${value}': expected a signal and a process, SIGUSR1:4321`,
    );
  }
  return { signal, pid: wholeNumber("pid", pid, PID_MAX_LIMIT) };
}

function wholeNumber(what: string, value: string, most: number): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= 1 && number <= most) return number;
  throw new UsageError(`Invalid ${what}: '${value}'`);
}

function bufferBytes(value: string): number {
  const bytes = wholeNumber("--ring-size", value, MOST_BUFFER);
  if (bytes >= LEAST_BUFFER && Number.isInteger(Math.log2(bytes))) return bytes;
  throw new UsageError(`Invalid --ring-size: '${value}': a power of two from 64 KiB to 1 GiB`);
}

function eventNames(list: string): EventName[] {
  const names = list.split(",").map((one) => one.trim()).filter((one) => one !== "");
  const found = names.flatMap((name) => {
    const all = EVENT_NAMES.filter((event) =>
      name === "all" || event === name || event === `process:${name}` ||
      event.startsWith(`${name}:`)
    );
    if (all.length > 0) return all;
    throw new UsageError(
      `Unknown event: ${name}: expected fork, exec, abort, exit, thread, all`,
      true,
    );
  });
  if (found.length === 0) throw new UsageError("no event is named", true);
  return [...new Set(found)];
}

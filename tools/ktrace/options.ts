// Options of the command line.

import { SIGNALS_HELP } from "../cli/signals.ts";
import { PID_MAX_LIMIT } from "../../core/sys/pid.ts";
import { readOptions, UsageError } from "../cli/command_line.ts";
import { parseRotation, type Rotation } from "./recorder/rotation.ts";
import { DEFAULT_POINTS, INHERIT, parsePoints } from "./formats/points.ts";

/** Help text that --help prints. */
export const USAGE = `USAGE:
    ktrace [-adins] [-f FILE] [-t POINTS] command [argument …]
    ktrace [-adins] [-f FILE] [-t POINTS] -p PID | -g PGRP
    ktrace -c [-d] [-t POINTS] [-p PID | -g PGRP | -f FILE]
    ktrace -C

Records what a command or a running process does: system calls, paths, data,
signals and more. kdump shows it.

OPTIONS:
    -f, --file FILE      where records go [default: ktrace.out]; - is standard
                         output
    -a, --append         keep what is in the file
        --rotate SIZE[,N] at SIZE bytes (k, m, g) rename FILE to FILE.1, that to
                         FILE.2, up to N [default: 1]
    -t, --points LETTERS what is recorded [default: +]; after a - what is not
                         c system calls, n paths, i data read and written,
                         s signals, t structures, u user records, w context
                         switches, f page faults, x arguments of programs,
                         v their environment, p calls that were refused,
                         + the default set cinstu, A all
    -i, --inherit        what is recorded makes children: record them as well
    -p, --pid PID        a running process; a recorder in the background does it
    -g, --pgrp PGRP      all processes of a group
    -d, --descendants    and all descendants that they have now
    -c, --clear          record no more of these points; of -f FILE: nothing
                         more into it
    -C, --clear-all      stop all traces of this user; of all users for root
    -s, --sync           the program waits until its record is written: nothing
                         is ever lost, whatever the speed of the disk. Without
                         privilege it is always so.
    -n, --no-wait        with -s: rather stop tracing than let the program wait
                         for the file's reader
        --format FORMAT  freebsd (ktrace.out of FreeBSD, the default) or json
                         (lines)
        --genio-size N   most bytes of data of a call [default: 4096]
        --request-pool N requests of the recorder [default: 100]; alone: of
                         those that run
        --ring-size N    bytes of the kernel's ring, a power of two [default:
                         33554432]
    -v, --verbose        say at the end how many records there are; and details
                         of errors
    -h, --help           show this help
    -V, --version        show the version

Run by: deno run -A tools/ktrace.ts …

${SIGNALS_HELP}

EXAMPLES:
    ktrace -i make                       a build; then: kdump
    ktrace -t cn -p 1234                 calls and paths of a process, until
    ktrace -c -p 1234                    it shall be no more
    ktrace -f - --format json ls         JSON lines to standard output
`;

/** A parsed command line. */
export interface KtraceOptions {
  /** Task of the whole run; "command" starts and records a command. */
  readonly mode:
    | "command"
    | "set"
    | "clear"
    | "clear-file"
    | "clear-all"
    | "pool"
    | "help"
    | "version";
  /** Command with its arguments; empty if none is started. */
  readonly command: readonly string[];
  /** Id of the running process that -p names. */
  readonly pid?: number;
  /** Id of the process group that -g names. */
  readonly pgrp?: number;
  /** Path of the trace file; `-` for standard output. */
  readonly file: string;
  /** True if -a keeps the present content of the file. */
  readonly append: boolean;
  /** When the file is renamed and a new one is begun. */
  readonly rotation?: Rotation;
  /** True if -d includes the present descendants of a process. */
  readonly descend: boolean;
  /** Bits of the trace points, with INHERIT if -i was given. */
  readonly points: number;
  /** True if -s makes processes wait until their records are written. */
  readonly sync: boolean;
  /** True if -n stops tracing rather than wait for a slow reader of the file. */
  readonly noWait: boolean;
  /** Format of the trace file. */
  readonly format: "freebsd" | "json";
  /** Most bytes of data that a call's record holds. */
  readonly genioBytes: number;
  /** True if the command line gives --genio-size. */
  readonly explicitGenio: boolean;
  /** Number of requests in the recorder's pool. */
  readonly pool?: number;
  /** Bytes of the kernel's ring, a power of two. */
  readonly ringBytes?: number;
  /** True if -v asks for counts of records and details of errors. */
  readonly verbose: boolean;
}

const DEFAULT_GENIO = 4096;
const MOST_GENIO = 1 << 20;
const LEAST_RING = 65536;
const MOST_RING = 1 << 30;

/**
 * Reads a command line.
 *
 * @throws {UsageError} An option is unknown or has a wrong value, or options contradict each other.
 */
export function parseKtraceOptions(args: readonly string[]): KtraceOptions {
  const { text, flag, command } = readOptions(args, {
    string: [
      "file",
      "points",
      "pid",
      "pgrp",
      "format",
      "genio-size",
      "request-pool",
      "ring-size",
      "rotate",
    ],
    boolean: [
      ...["append", "inherit", "descendants", "clear", "clear-all", "sync", "no-wait", "verbose"],
      ...["help", "version"],
    ],
    alias: {
      file: "f",
      append: "a",
      points: "t",
      inherit: "i",
      pid: "p",
      pgrp: "g",
      descendants: "d",
      clear: "c",
      "clear-all": "C",
      sync: "s",
      "no-wait": "n",
      verbose: "v",
      help: "h",
      version: "V",
    },
    others: "command",
  });
  const number = (name: string, most: number, least = 1) => {
    const value = text(name);
    if (value === undefined) return undefined;
    if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= most) {
      return Number(value);
    }
    throw new UsageError(`--${name} wants a number from ${least} to ${most}: ${value}`);
  };
  const letters = text("points");
  const points = letters === undefined ? DEFAULT_POINTS : parsePoints(letters);
  if (points === undefined || points === 0) {
    throw new UsageError(`no trace points: ${letters} (letters: cinstuwfxvp + A)`);
  }
  const rotate = text("rotate");
  const rotation = rotate === undefined ? undefined : parseRotation(rotate);
  if (rotate !== undefined && rotation === undefined) {
    throw new UsageError(`--rotate wants SIZE[k|m|g][,N], 4096 or more and 1 to 1000: ${rotate}`);
  }
  const format = text("format") ?? "freebsd";
  if (format !== "freebsd" && format !== "json") {
    throw new UsageError(`--format is freebsd or json: ${format}`);
  }
  const [pid, pgrp] = [number("pid", PID_MAX_LIMIT), number("pgrp", PID_MAX_LIMIT)];
  const options: KtraceOptions = {
    mode: "command",
    command,
    pid,
    pgrp,
    file: text("file") ?? "ktrace.out",
    append: flag("append"),
    rotation,
    descend: flag("descendants"),
    points: points | (flag("inherit") ? INHERIT : 0),
    sync: flag("sync"),
    noWait: flag("no-wait"),
    format,
    genioBytes: number("genio-size", MOST_GENIO) ?? DEFAULT_GENIO,
    explicitGenio: text("genio-size") !== undefined,
    pool: number("request-pool", 1e6),
    ringBytes: powerOfTwo(number("ring-size", MOST_RING, LEAST_RING)),
    verbose: flag("verbose"),
  };
  return { ...options, mode: modeOf(options, flag, letters !== undefined, text("file")) };
}

function modeOf(
  { command, pid, pgrp, pool }: KtraceOptions,
  flag: (name: string) => boolean,
  hasPoints: boolean,
  file: string | undefined,
): KtraceOptions["mode"] {
  if (flag("help")) return "help";
  if (flag("version")) return "version";
  const targets = [command.length > 0, pid !== undefined, pgrp !== undefined].filter((one) => one);
  if (targets.length > 1) throw new UsageError("a command, -p or -g: one of them", true);
  if (flag("clear-all")) {
    if (targets.length > 0 || flag("clear") || hasPoints) {
      throw new UsageError("-C stops everything: nothing else goes with it", true);
    }
    return "clear-all";
  }
  if (flag("clear")) {
    if (command.length > 0) throw new UsageError("-c is for running traces: -p, -g or -f", true);
    if (targets.length === 1) return "clear";
    if (file === undefined) throw new UsageError("-c wants -p, -g or -f", true);
    return "clear-file";
  }
  if (targets.length === 0 && pool !== undefined) return "pool";
  if (targets.length === 0) throw new UsageError("a command, -p or -g is wanted", true);
  return command.length > 0 ? "command" : "set";
}

function powerOfTwo(size: number | undefined): number | undefined {
  if (size !== undefined && !Number.isInteger(Math.log2(size))) {
    throw new UsageError(`--ring-size wants a power of two: ${size}`);
  }
  return size;
}

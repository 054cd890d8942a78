// Options of the command line, which are strace's.

import { signalByName } from "../../core/signal_names.ts";
import { PID_MAX_LIMIT } from "../../core/sys/pid.ts";
import { readOptions, UsageError } from "../cli/command_line.ts";
import { type CallFilter, CLASSES, parseTrace } from "./filter.ts";

/** The help text that --help prints. */
export const USAGE = `USAGE:
    systrace [-fcCTrtvyqzZ] [-e EXPR] [-o FILE] [-s N] command [argument …]
    systrace [-fcCTrtvyqzZ] [-e EXPR] [-o FILE] [-s N] -p PID

Shows the system calls of a command or of running processes, a line for each, as
strace does. Programs are not stopped: calls are recorded in the kernel; where
that is not permitted, by ptrace(2).

WHOSE CALLS:
    -p, --attach PID     of a running process; several: -p 1,2 or -p 1 -p 2
    -f, --follow-forks   of all threads, and of all children

WHICH CALLS:
    -e trace=CALL,…      these alone; also -e CALL,…; !CALL,… for all others;
                         %CLASS for a class; /REGEX for names that match
    -e signal=SIG,…      lines of these signals alone; none for no signals
    -e status=HOW        successful, failed or unfinished calls
    -z, --successful-only  calls without error
    -Z, --failed-only      calls with an error
    -P, --trace-path PATH  calls that name the file, or use a descriptor of it

HOW THEY ARE SHOWN:
    -o, --output FILE    into a file [default: standard error]
    -A, --output-append  behind what is in the file
    -s, --string-limit N bytes of data that are shown [default: 32]
    -v, --no-abbrev      whole structures and lists
    -y, --decode-fds     what descriptors stand for: 3</etc/passwd>
    -t                   time of day; -tt with microseconds; -ttt since 1970
    -r, --relative-timestamps  seconds since the line before
    -T, --syscall-times  seconds that the call took
    -c, --summary-only   a table of calls, errors and times instead of lines
    -C, --summary        the table behind the lines
        --lossless       by ptrace(2): the program waits for its lines
    -q, --quiet          no notes on attaching; -qq no signals and ends either
    -h, --help           show this help
    -V, --version        show the version

CLASSES:
${wrapped(CLASSES.map((name) => `%${name}`))}

A call is shown when it returns. One that takes long is shown after 0.2 s as
<unfinished ...>, and again when it returns. -c adds up the time that passes, as
strace -cw. -e and the process choose in the kernel. What comes faster than it
can be shown is lost, counted, and told at the end; --lossless loses nothing.

Run by: deno run -A tools/systrace.ts …

EXAMPLES:
    systrace ls                          everything that ls asks the kernel for
    systrace -f -e openat,execve make    which files a build opens
    systrace -Z -e %file -p 1234         what a process does not find
    systrace -c -f -p 1234               what a process is busy with; end by ^C
`;

function wrapped(words: readonly string[]): string {
  const lines = ["   "];
  for (const word of words) {
    if (lines.at(-1)!.length + word.length > 78) lines.push("   ");
    lines.push(`${lines.pop()} ${word}`);
  }
  return lines.join("\n");
}

/** A parsed command line. */
export interface SystraceOptions {
  /** What the run is for. */
  readonly mode: "command" | "attach" | "help" | "version";
  /** Command with its arguments; empty without one. */
  readonly command: readonly string[];
  /** Ids of running processes, or of threads of them. */
  readonly pids: readonly number[];
  /** True if all threads and children are shown. */
  readonly follow: boolean;
  /** Which calls are shown, by their usual names. */
  readonly trace: CallFilter;
  /** Which signals are shown, by their names with SIG. */
  readonly signals: (name: string) => boolean;
  /** Calls with this end alone; undefined for all. */
  readonly status?: "successful" | "failed" | "unfinished";
  /** Calls that touch one of these paths alone; empty for all. */
  readonly paths: readonly string[];
  /** File that gets the lines; undefined for standard error. */
  readonly file?: string;
  /** True to keep what is in the file. */
  readonly append: boolean;
  /** Bytes of data that a line shows. */
  readonly mostData: number;
  /** True for whole structures. */
  readonly full: boolean;
  /** True if descriptors are shown with what they stand for. */
  readonly descriptors: boolean;
  /** Time at the beginning of lines. */
  readonly times?: "clock" | "micro" | "epoch" | "relative";
  /** True if lines end with the time that the call took. */
  readonly duration: boolean;
  /** A table of all calls: instead of lines, or behind them. */
  readonly count?: "only" | "also";
  /** True if programs wait until their lines are written. */
  readonly lossless: boolean;
  /** How often -q was given: 1 leaves out notes, 2 signals and ends, too. */
  readonly quiet: number;
}

const MOST_DATA = 1 << 20;

/** Options of strace that have no counterpart here, and why. */
const MISSING: Readonly<Record<string, string>> = {
  inject: "programs are not stopped, so that nothing can be changed",
  fault: "programs are not stopped, so that nothing can be changed",
  kvm: "exits of virtual machines are not recorded",
};

/**
 * Reads a command line.
 *
 * @throws {UsageError} An option is unknown or has a wrong value, or options contradict each other.
 */
export function parseSystraceOptions(args: readonly string[]): SystraceOptions {
  const { all, text, flag, command } = readOptions(args, {
    string: ["attach", "expression", "output", "string-limit", "trace-path"],
    boolean: [
      ...["follow-forks", "successful-only", "failed-only", "output-append", "no-abbrev"],
      ...["decode-fds", "t", "relative-timestamps", "syscall-times", "summary-only", "summary"],
      ...["quiet", "lossless", "help", "version"],
    ],
    collect: ["attach", "expression", "trace-path"],
    alias: {
      attach: "p",
      "follow-forks": "f",
      expression: "e",
      "successful-only": "z",
      "failed-only": "Z",
      "trace-path": "P",
      output: "o",
      "output-append": "A",
      "string-limit": "s",
      "no-abbrev": "v",
      "decode-fds": "y",
      "relative-timestamps": "r",
      "syscall-times": "T",
      "summary-only": "c",
      summary: "C",
      quiet: "q",
      help: "h",
      version: "V",
    },
    others: "command",
  });
  const before = args.slice(0, args.length - command.length);
  const pids = all("attach").flatMap((value) => value.split(/[\s,]+/)).map((value) => {
    if (/^\d+$/.test(value) && Number(value) > 0 && Number(value) <= PID_MAX_LIMIT) {
      return Number(value);
    }
    throw new UsageError(`-p wants numbers of processes: ${value}`);
  });
  const limit = text("string-limit") ?? "32";
  if (!/^\d+$/.test(limit) || Number(limit) > MOST_DATA) {
    throw new UsageError(`-s wants a number from 0 to ${MOST_DATA}: ${limit}`);
  }
  const rules = expressions(all("expression"));
  const isOnly = flag("summary-only");
  const times = flag("relative-timestamps")
    ? "relative"
    : ([undefined, "clock", "micro", "epoch"] as const)[Math.min(3, count(before, "t"))];
  const options: SystraceOptions = {
    mode: "command",
    command,
    pids,
    follow: flag("follow-forks"),
    ...rules,
    status: flag("failed-only") ? "failed" : flag("successful-only") ? "successful" : rules.status,
    paths: all("trace-path"),
    file: text("output"),
    append: flag("output-append"),
    mostData: Number(limit),
    full: flag("no-abbrev"),
    descriptors: flag("decode-fds"),
    times,
    duration: flag("syscall-times"),
    count: isOnly ? "only" : flag("summary") ? "also" : undefined,
    lossless: flag("lossless"),
    quiet: count(before, "q"),
  };
  if (flag("help")) return { ...options, mode: "help" };
  if (flag("version")) return { ...options, mode: "version" };
  if (flag("successful-only") && flag("failed-only")) {
    throw new UsageError("-z or -Z: one of them", true);
  }
  if (command.length > 0 && pids.length > 0) {
    throw new UsageError("a command or -p: one of them", true);
  }
  if (command.length === 0 && pids.length === 0) {
    throw new UsageError("a command or -p is wanted", true);
  }
  return { ...options, mode: pids.length > 0 ? "attach" : "command" };
}

/** How often a letter stands in options without values. */
function count(args: readonly string[], letter: string): number {
  return args.filter((arg) => /^-[fzZAvytrTcCqhV]+$/.test(arg))
    .reduce((sum, arg) => sum + arg.split(letter).length - 1, 0);
}

function expressions(
  all: readonly string[],
): Pick<SystraceOptions, "trace" | "signals" | "status"> {
  let trace: CallFilter = () => true;
  let signals = (_name: string) => true;
  let status: SystraceOptions["status"];
  for (const one of all) {
    const [, key = "trace", value] = /^(?:([a-z]+)=)?(.*)$/.exec(one)!;
    switch (key) {
      case "trace":
      case "t":
        trace = parseTrace(value);
        break;
      case "signal":
      case "signals":
      case "s":
        signals = parseSignals(value);
        break;
      case "status":
        if (value !== "successful" && value !== "failed" && value !== "unfinished") {
          throw new UsageError(`-e status= is successful, failed or unfinished: ${value}`);
        }
        status = value;
        break;
      default:
        throw new UsageError(
          `-e ${key}= is not possible${MISSING[key] === undefined ? "" : `: ${MISSING[key]}`}`,
        );
    }
  }
  return { trace, signals, status };
}

function parseSignals(value: string): (name: string) => boolean {
  if (value === "all") return () => true;
  if (value === "none" || value === "!all") return () => false;
  const inverted = value.startsWith("!");
  const names = new Set(
    (inverted ? value.slice(1) : value).split(",").map((word) => {
      const name = word.toUpperCase().replace(/^(?!SIG)/, "SIG");
      if (signalByName(name) === undefined) throw new UsageError(`no signal is named ${word}`);
      return name;
    }),
  );
  return (name) => names.has(name) !== inverted;
}

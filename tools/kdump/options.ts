// Options of the command line.

import type { FileSystemName } from "../ktrace/formats/reader.ts";
import { ALL_POINTS, parsePoints } from "../ktrace/formats/points.ts";
import { readOptions, UsageError } from "../cli/command_line.ts";

/** The help text that --help prints. */
export const USAGE = `USAGE:
    kdump [-AcdEHlnRrSsT] [-f FILE] [-m N] [-p PID] [-t POINTS] [FILE]
          [--json | --summary | --tree | --perfetto FILE]

Shows what ktrace has recorded, of Linux, FreeBSD, NetBSD or OpenBSD.

OPTIONS:
    -f, --file FILE      [default: ktrace.out]; - is standard input
    -p, --pid ID         of this process or thread alone
    -t, --points LETTERS of these points alone, by ktrace's letters
    -m, --most N         at most N bytes of data
    -s, --no-data        no data
    -d, --decimal        numbers are decimal
    -n, --numbers        no decoding: arguments are numbers
    -S, --call-numbers   numbers of system calls beside their names
    -A, --abi            whose system calls they are: L64 Linux, F64 FreeBSD
    -H, --threads        thread ids
    -c, --cpu            CPUs
    -T, --absolute       times since 1970
    -E, --elapsed        times since the first record
    -R, --relative       times since the record before
    -r, --resolve        names of users, groups, modes and times instead of
                         numbers
    -l, --follow         go on when the file grows
        --json           a JSON object for each record
        --summary        calls, errors and time of each system call
        --tree           processes, who was made by whom, and what they have
                         executed
        --perfetto FILE  writes a timeline that ui.perfetto.dev and
                         chrome://tracing open: threads with their programs,
                         calls and signals
        --from SYSTEM    whose file it is: freebsd, netbsd, openbsd [default: as
                         it looks]
    -h, --help           show this help
    -V, --version        show the version

Run by: deno run -A tools/kdump.ts …
`;

/** The options of a command line of kdump. */
export interface KdumpOptions {
  /** What kdump does: shows records in a format, or prints its help or version. */
  readonly mode: "lines" | "json" | "summary" | "tree" | "timeline" | "help" | "version";
  /** Path of the trace; `-` is standard input. */
  readonly file: string;
  /** Path of the timeline to write; undefined if there is none. */
  readonly timeline?: string;
  /** The process or thread whose records are shown; undefined for all. */
  readonly id?: number;
  /** Bits of the trace points to show; -1 shows kinds of records without a letter, too. */
  readonly points: number;
  /** Bytes of data to show for each record; Infinity by default. */
  readonly mostData: number;
  /** True if data of reads and writes is left out. */
  readonly noData: boolean;
  /** True if numbers are decimal, not hexadecimal. */
  readonly decimal: boolean;
  /** True if arguments, results and structures are shown without names. */
  readonly plain: boolean;
  /** True if the number of a system call follows its name. */
  readonly callNumbers: boolean;
  /** True if lines say which system the call belongs to. */
  readonly abi: boolean;
  /** True if lines have thread ids. */
  readonly threads: boolean;
  /** True if lines have the number of the CPU. */
  readonly cpu: boolean;
  /** True if lines have the time since 1970, in seconds. */
  readonly absolute: boolean;
  /** True if lines have the seconds since the first record. */
  readonly elapsed: boolean;
  /** True if lines have the seconds since the record before. */
  readonly relative: boolean;
  /** True for names of users, groups, modes and times instead of numbers. */
  readonly resolve: boolean;
  /** True if kdump waits for more when the file ends. */
  readonly follow: boolean;
  /** The system that wrote the file; undefined if the file's look decides. */
  readonly from?: FileSystemName;
}

const SYSTEMS: readonly string[] = ["freebsd", "netbsd", "openbsd"] satisfies FileSystemName[];

/**
 * Reads a command line of kdump.
 *
 * @throws {UsageError} The command line is wrong.
 */
export function parseKdumpOptions(args: readonly string[]): KdumpOptions {
  const { text, flag, command } = readOptions(args, {
    string: ["file", "pid", "points", "most", "from", "perfetto"],
    boolean: [
      ...["no-data", "decimal", "numbers", "call-numbers", "abi", "threads", "cpu", "absolute"],
      ...["elapsed", "relative", "resolve", "follow", "json", "summary", "tree", "help", "version"],
    ],
    alias: {
      file: "f",
      pid: "p",
      points: "t",
      most: "m",
      "no-data": "s",
      decimal: "d",
      numbers: "n",
      "call-numbers": "S",
      abi: "A",
      threads: "H",
      cpu: "c",
      absolute: "T",
      elapsed: "E",
      relative: "R",
      resolve: "r",
      follow: "l",
      help: "h",
      version: "V",
    },
    others: "operands",
  });
  const [positional, another] = command;
  if (another !== undefined || (positional !== undefined && text("file") !== undefined)) {
    throw new UsageError(`one file at a time: ${another ?? positional}`, true);
  }
  const number = (name: string) => {
    const value = text(name);
    if (value === undefined || /^\d+$/.test(value)) return value && Number(value);
    throw new UsageError(`--${name} wants a number: ${value}`);
  };
  const letters = text("points");
  const points = letters === undefined ? ALL_POINTS : parsePoints(letters);
  if (points === undefined || points === 0) {
    throw new UsageError(`no trace points: ${letters} (letters: cinstuwfxvp + A)`);
  }
  const from = text("from");
  if (from !== undefined && !SYSTEMS.includes(from)) {
    throw new UsageError(`--from is one of ${SYSTEMS.join(", ")}: ${from}`);
  }
  const modes = (["help", "version", "json", "summary", "tree"] as const).filter(flag);
  const timeline = text("perfetto");
  if (modes.length + (timeline === undefined ? 0 : 1) > 1) {
    throw new UsageError("--json, --summary, --tree or --perfetto: one of them", true);
  }
  return {
    mode: modes[0] ?? (timeline === undefined ? "lines" : "timeline"),
    timeline,
    file: text("file") ?? positional ?? "ktrace.out",
    id: number("pid") as number | undefined,
    points: letters === undefined ? -1 : points,
    mostData: (number("most") as number | undefined) ?? Infinity,
    noData: flag("no-data"),
    decimal: flag("decimal"),
    plain: flag("numbers"),
    callNumbers: flag("call-numbers"),
    abi: flag("abi"),
    threads: flag("threads"),
    cpu: flag("cpu"),
    absolute: flag("absolute"),
    elapsed: flag("elapsed"),
    relative: flag("relative"),
    resolve: flag("resolve"),
    follow: flag("follow"),
    from: from as FileSystemName | undefined,
  };
}

// Options of the command line.

import { SIGNALS_HELP } from "../cli/signals.ts";
import { PID_MAX_LIMIT } from "../../core/sys/pid.ts";
import type { PlaneName } from "../../core/contract/provider.ts";
import { readOptions, UsageError } from "../cli/command_line.ts";

/** Help text that --help prints. */
export const USAGE = `USAGE:
    profile [options] -c 'CMD'
    profile [options] -p PID
    profile [options] -a

Samples the stacks of what runs, kernel, native and JavaScript, and draws a
flame graph.

OPTIONS:
    -c, --cmd 'CMD'      run CMD; it and all that it starts are sampled until it
                         ends
    -p, --pid PID        sample this process and what it starts
    -a, --all            sample all processes
    -F, --frequency HZ   samples a second and CPU [default: 99]
    -d, --duration S     end after so many seconds; otherwise at Ctrl-C or with
                         the process
    -o, --output FILE    may be given more than once; by its ending it is
                           .svg              a flame graph: open it in a
                             browser, click, search
                           .txt, .folded     collapsed stacks
                           .json             for https://www.speedscope.app
                           .pb.gz            for pprof
                         without it the top functions are printed
        --export pprof=URL  send it to a server: Pyroscope (…/ingest), Parca
                         (…/profiles/writeraw), or any that takes pprof files
        --offcpu         time that threads wait, instead of samples of those
                         that run
        --plane PLANE    kernel (BPF), user (no privilege, own processes), auto
                         (the default)
    -q, --quiet          no progress
    -h, --help           show this help
    -V, --version        show the version

Programs that run JavaScript by V8 must write a map of it. With -c profile sees
to that, by DENO_V8_FLAGS and NODE_OPTIONS, and removes the maps at the end.

Run by: deno run -A tools/profile.ts …

${SIGNALS_HELP}

EXAMPLES:
    profile -c 'deno run -A server.ts' -d 30 -o flame.svg
    profile -p 1234 -d 10
    profile -a --offcpu -d 5 -o waits.svg
`;

/** Formats in which a profile can be written. */
export type Format = "svg" | "folded" | "speedscope" | "pprof";

/** A file that gets the profile. */
export interface OutputFile {
  /** Path of the file. */
  readonly path: string;
  /** Format of the file, from the ending of its name. */
  readonly format: Format;
}

/** A parsed command line. */
export interface ProfileOptions {
  /** Task of the whole run; "run" measures. */
  readonly mode: "run" | "help" | "version";
  /** Command line that -c starts and samples. */
  readonly command?: string;
  /** Id of the process that -p samples. */
  readonly pid?: number;
  /** Samples a second on each CPU, from -F. */
  readonly rateHz: number;
  /** Seconds after which -d ends sampling; undefined without a limit. */
  readonly durationS?: number;
  /** Files that get the profile; if empty, the top functions are printed. */
  readonly outputs: readonly OutputFile[];
  /** True if --offcpu measures time off the CPU instead of samples on it. */
  readonly offCpu: boolean;
  /** Plane of --plane; "auto" takes the kernel plane where permitted. */
  readonly plane: PlaneName | "auto";
  /** True if -q shows neither progress nor summary. */
  readonly quiet: boolean;
  /** Server that gets the profile, `pprof=URL`; undefined for none. */
  readonly export?: string;
}

/** Highest sampling rate in Hz: a period of 50 µs; the kernel takes no less than 10 µs. */
const MOST_HZ = 20_000;
/** Longest delay that setTimeout accepts, in seconds: 24 days. */
const MOST_SECONDS = 2_147_483;

const ENDINGS: readonly (readonly [ending: string, format: Format])[] = [
  [".svg", "svg"],
  [".txt", "folded"],
  [".folded", "folded"],
  [".json", "speedscope"],
  [".pb.gz", "pprof"],
];

/**
 * Reads a command line.
 *
 * @throws {UsageError} An option is unknown or has a wrong value, or no subject or more than one is named.
 */
export function parseProfileOptions(args: readonly string[]): ProfileOptions {
  const { text, all, flag } = readOptions(args, {
    string: ["pid", "cmd", "frequency", "duration", "output", "plane", "export"],
    boolean: ["all", "offcpu", "quiet", "help", "version"],
    collect: ["output"],
    alias: {
      pid: "p",
      cmd: "c",
      all: "a",
      frequency: "F",
      duration: "d",
      output: "o",
      quiet: "q",
      help: "h",
      version: "V",
    },
  });
  const mode = flag("help") ? "help" : flag("version") ? "version" : "run";
  const [pid, command] = [text("pid"), text("cmd")];
  const subjects = [pid, command, flag("all") ? "" : undefined]
    .filter((one) => one !== undefined);
  if (mode === "run" && subjects.length !== 1) {
    throw new UsageError("say what to sample: one of -c CMD, -p PID and -a", true);
  }
  const plane = text("plane") ?? "auto";
  if (plane !== "auto" && plane !== "kernel" && plane !== "user") {
    throw new UsageError(`Invalid value '${plane}': expected auto or kernel or user`, true);
  }
  return {
    mode,
    command,
    pid: pid === undefined ? undefined : number(pid, "pid", 1, PID_MAX_LIMIT, true),
    rateHz: number(text("frequency") ?? "99", "frequency", 1, MOST_HZ, true),
    durationS: text("duration") === undefined
      ? undefined
      : number(text("duration")!, "duration", 0.01, MOST_SECONDS, false),
    outputs: all("output").map(outputFile),
    export: text("export"),
    offCpu: flag("offcpu"),
    plane,
    quiet: flag("quiet"),
  };
}

function number(text: string, what: string, least: number, most: number, whole: boolean): number {
  const value = Number(text);
  if (
    text.trim() !== "" && value >= least && value <= most && (!whole || Number.isInteger(value))
  ) {
    return value;
  }
  throw new UsageError(
    `Invalid ${what} '${text}': expected a number from ${least} to ${most}`,
    true,
  );
}

function outputFile(path: string): OutputFile {
  const found = ENDINGS.find(([ending]) => path.endsWith(ending));
  if (found !== undefined) return { path, format: found[1] };
  const endings = ENDINGS.map(([ending]) => ending).join(", ");
  throw new UsageError(`Cannot tell what to write to '${path}': its name may end with ${endings}`);
}

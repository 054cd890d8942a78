// Options of the command line, which are bpftrace's and some more.

import { SIGNALS_HELP } from "../cli/signals.ts";
import { PID_MAX_LIMIT } from "../../core/sys/pid.ts";
import { OUTPUT_FORMATS, type OutputFormat } from "../../language/output/printers.ts";
import type { PlaneName } from "../../core/contract/provider.ts";
import { UsageError } from "../cli/command_line.ts";
import { parseArgs } from "../cli/deps.ts";

/** Help text that --help prints. */
export const USAGE = `USAGE:
    btrace TOOL [options of the tool]
    btrace [options] FILE [PARAMETERS] [-- --NAME=VALUE ...]
    btrace [options] - [PARAMETERS]
    btrace [options] -e 'PROGRAM' [PARAMETERS]
    btrace -l [PATTERN | FILE]

OPTIONS:
    -e 'PROGRAM'         run this program
    --tools [TEXT]       list tools: opensnoop, execsnoop, …; btrace TOOL --help
                         explains one
    --duration SECONDS   end after so many seconds
    --export TARGET      maps as metrics: prometheus=[HOST]:PORT is scraped at
                         /metrics; otlp=http://HOST:4318 gets OTLP/HTTP every
                         --export-interval seconds [10]; --export-series is the
                         number of keys of a map [1000]: what is beyond is added
                         up with the label "other"
    -l, --list [SEARCH]  list probes; * stands for any characters; with -v their
                         arguments
    -p, --pid PID        only events of this process and of what it starts; end
                         with it
    -c, --cmd 'CMD'      run CMD, only its events and of what it starts; end
                         with it
        --cgroup PATH    only events of threads in a cgroup, or below it; also
        --unit NAME      of a unit of systemd: nginx, user.slice
        --container NAME of a container: its name, or its id from 4 digits on
        --plane PLANE    kernel (BPF), user (no privilege), auto (the default:
                         what is permitted)
        --seccomp-bpf    user plane with -c: only calls that the program asks
                         for stop CMD. The filter cannot be taken off and its
                         calls fail without a tracer, so CMD and what it started
                         end with btrace, and gain no privileges (no_new_privs)
    -o, --output FILE    output goes to FILE
        --raw            a terminal gets text of traced programs as it is,
                         control characters included
    -f, --format FORMAT  text or json
        --json           -f json, and errors are objects on standard error
    -B MODE              write output: line (each round, the default), none
                         (each record), full
    -q, --quiet          do not say how many probes are attached
    -k, --warnings       report failed reads and lookups at run time
    --no-warnings        no output of warnf()
    -I DIR               look for headers in DIR
    --include FILE       include FILE before the program
    --provider MODULE    probes of another provider: a module by URL or path;
                         see README
    --unsafe             allow system(), signal() and the like
    --probe-filter REGEX only probes that match
    --no-feature LIST    do without kprobe, kprobe_multi, uprobe_multi (comma
                         separated)
    --dry-run            attach, then end
    -n                   check the program only
    -d, --debug STAGE    show ast, types, dis or all, and end
    --fmt                print the program in its canonical form
    --test, --bench      run its test: or bench: probes
    --info               what this system supports
    --completions SHELL  print completions for bash, zsh or fish
    -v, --verbose        say more: plane, counters; verifier logs
    -h, --help [NAME]    show this help, or what NAME of the language is: hist,
                         str, tracepoint, …
    -V, --version        show the version

Run by: deno run -A tools/btrace.ts …
-A because tracing calls the C library, which Deno cannot confine, and reads
/proc and /sys.

ENVIRONMENT:
    BPFTRACE_MAX_STRLEN      [default: 1024] most bytes of a string
    BPFTRACE_MAX_MAP_KEYS    [default: 4096] most keys of a map
    BPFTRACE_MAX_CAT_BYTES   [default: 10240] most bytes of cat()
    BPFTRACE_MAX_PROBES      [default: 1024] most probes
    BPFTRACE_MISSING_PROBES  [default: error] error, warn or ignore
    BPFTRACE_STACK_MODE      [default: bpftrace] bpftrace, perf or raw
    and the other keys of a config block

${SIGNALS_HELP}

EXAMPLES:
    btrace -l 'syscall:*'
        list the probes of all system calls
    btrace -e 'syscall:openat:entry { print((comm, str(args.filename))); }'
        files that are opened, with the process's name
    btrace -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'
        system calls by process name
`;

/** A parsed command line. */
export interface Options {
  /** Text of the script after -e; undefined if a file holds the script. */
  readonly program?: string;
  /** Script of the package that runs as a tool. */
  readonly source?: { readonly name: string; readonly text: string };
  /** Where maps go as metrics; undefined for nowhere. */
  readonly export?: string;
  /** Seconds between two exports to a collector. */
  readonly exportIntervalS: number;
  /** Series of a map that are exported, beside one of all others. */
  readonly exportSeries: number;
  /** Seconds after which the script ends in order; undefined for no limit. */
  readonly durationS?: number;
  /** True if -l asks for a list of probes. */
  readonly list: boolean;
  /** Id of the process that -p traces. */
  readonly pid?: number;
  /** Command line that -c starts and traces. */
  readonly command?: string;
  /** Cgroup whose events count: by its path, by a unit of systemd, or by a container. */
  readonly within: {
    readonly cgroup?: string;
    readonly unit?: string;
    readonly container?: string;
  };
  /** Plane of --plane; "auto" takes the kernel plane where permitted. */
  readonly plane: PlaneName | "auto";
  /** True if --seccomp-bpf lets a filter stop only the calls that the script traces. */
  readonly seccomp: boolean;
  /** Path of the file that gets the output; undefined for standard output. */
  readonly output?: string;
  /** True if --raw lets a terminal have text of traced programs as it is. */
  readonly raw: boolean;
  /** Format of the output, from -f. */
  readonly format: OutputFormat;
  /** True if errors are objects of JSON, too: --json. */
  readonly jsonErrors: boolean;
  /** Output is written after each record (none), each round (line) or when a buffer fills (full). */
  readonly buffer: "none" | "line" | "full";
  /** True if -q omits the number of attached probes. */
  readonly quiet: boolean;
  /** True if -k reports failed reads and lookups at run time. */
  readonly warnings: boolean;
  /** True if --no-warnings drops the output of warnf(). */
  readonly noWarnings: boolean;
  /** Folders that -I adds to the search for headers. */
  readonly includeFolders: readonly string[];
  /** Header files that --include puts before the program. */
  readonly includes: readonly string[];
  /** Paths or URLs of modules with further providers, from --provider. */
  readonly providers: readonly string[];
  /** True if --unsafe permits system(), signal() and the like. */
  readonly unsafe: boolean;
  /** Only probes whose names match this expression are attached or listed. */
  readonly probeFilter?: RegExp;
  /** Features of the kernel that --no-feature forbids to use. */
  readonly withoutFeatures: readonly SwitchableFeature[];
  /** True if --dry-run ends the script as soon as its probes are attached. */
  readonly dryRun: boolean;
  /** True if -n compiles the program without running it. */
  readonly checkOnly: boolean;
  /** Stages of the compiler that -d prints; "all" stands for several. */
  readonly debug: readonly string[];
  /** Task of the whole run; "run" if no option names another. */
  readonly mode: "run" | "fmt" | "test" | "bench" | "info" | "tools" | "help" | "version";
  /** Shell that --completions names; undefined without the option. */
  readonly completions?: string;
  /** True if -v asks for the plane, counters and verifier logs. */
  readonly verbose: boolean;
  /** FILE, where the command line names a script's file, then positional parameters. */
  readonly positional: readonly string[];
  /** Values of the script's named parameters, which follow `--`, by name; true without a value. */
  readonly named: ReadonlyMap<string, string | true>;
}

/** Options of bpftrace that are accepted and have no effect. */
const IGNORED = ["dwarf-pid", "debuginfo", "traceable-functions"];
/** Features that --no-feature accepts. */
const SWITCHABLE = ["kprobe", "kprobe_multi", "uprobe_multi"] as const;
/** A feature of the kernel that --no-feature can turn off. */
export type SwitchableFeature = typeof SWITCHABLE[number];
/** Features that bpftrace's --no-feature knows and dt never uses. */
const UNUSED = ["kprobe_session"];
const STRINGS = [
  ...[
    "e",
    "pid",
    "cmd",
    "output",
    "format",
    "B",
    "I",
    "include",
    "probe-filter",
    "no-feature",
    "provider",
    "debug",
    "mode",
    "plane",
    "cgroup",
    "unit",
    "container",
    "duration",
    "export",
    "export-interval",
    "export-series",
    "completions",
  ],
  ...IGNORED,
];
const FLAGS = [
  ...["list", "quiet", "warnings", "unsafe", "dry-run", "n", "fmt", "test", "bench"],
  ...[
    "info",
    "tools",
    "json",
    "verbose",
    "help",
    "version",
    "btf",
    "usdt-file-activation",
    "no-warnings",
    "raw",
    "seccomp-bpf",
  ],
];
const MODES: Readonly<Record<string, Options["mode"]>> = {
  bench: "bench",
  test: "test",
  format: "fmt",
};
/** Stages of the compiler that -d can show; "all" stands for each that differs from the others. */
export const STAGES = ["ast", "types", "codegen", "dis"] as const;
/** Stages of bpftrace that dt lacks: a parser's log, LLVM, libbpf. */
const FOREIGN_STAGES = ["parse", "codegen-opt", "libbpf", "verifier"];

/**
 * Reads a command line.
 *
 * @throws {UsageError} An option is unknown or has a wrong value, or options contradict each other.
 */
export function parseOptions(args: readonly string[]): Options {
  const unknown: string[] = [];
  const parsed = parseArgs(args, {
    string: [...STRINGS, "_"],
    boolean: FLAGS,
    collect: ["I", "include", "debug", "provider"],
    alias: {
      list: "l",
      pid: "p",
      cmd: "c",
      output: "o",
      format: "f",
      quiet: "q",
      warnings: "k",
      debug: "d",
      verbose: "v",
      help: "h",
      version: "V",
      btf: "b",
    },
    "--": true,
    unknown: (arg, key) => {
      if (key === undefined) return true;
      unknown.push(arg);
      return false;
    },
  }) as Record<string, unknown>;
  if (unknown.length > 0) throw new UsageError(`unknown option ${unknown[0]}`, true);
  const text = (name: string): string | undefined => {
    const value = parsed[name];
    if (value === undefined) return undefined;
    const last = Array.isArray(value) ? value.at(-1) : value;
    return String(last);
  };
  const flag = (name: string) => parsed[name] === true;
  const oneOf = <T extends string>(name: string, words: readonly T[], fallback: T): T => {
    const value = text(name);
    if (value === undefined) return fallback;
    if ((words as readonly string[]).includes(value)) return value as T;
    throw new UsageError(`Invalid value '${value}': expected ${words.join(" or ")}`, true);
  };
  const pid = text("pid");
  // An empty command is none.
  const command = text("cmd") || undefined;
  if (pid !== undefined && command !== undefined) {
    throw new UsageError("-c and -p cannot be used together", true);
  }
  const within = ["cgroup", "unit", "container"].find((name) => text(name) !== undefined);
  if (within !== undefined && (pid !== undefined || command !== undefined)) {
    throw new UsageError(`--${within} and -${pid === undefined ? "c" : "p"}: one of them`, true);
  }
  if (within !== undefined && (flag("seccomp-bpf") || text("plane") === "user")) {
    throw new UsageError(`--${within} needs the kernel plane`, true);
  }
  if (flag("warnings") && flag("no-warnings")) {
    throw new UsageError("-k and --no-warnings cannot be used together", true);
  }
  if (flag("seccomp-bpf") && command === undefined) {
    throw new UsageError(
      "--seccomp-bpf needs -c: a filter is put into a command that starts",
      true,
    );
  }
  if (flag("seccomp-bpf") && text("plane") === "kernel") {
    throw new UsageError("--seccomp-bpf is for the user plane", true);
  }
  const debug = (parsed.debug as string[] | undefined) ?? [];
  for (const stage of debug) {
    checkStage(stage);
  }
  const { positional, named } = programParams((parsed["--"] as string[] | undefined) ?? []);
  return {
    program: text("e"),
    durationS: seconds("duration", text("duration")),
    export: text("export"),
    exportIntervalS: seconds("export-interval", text("export-interval")) ?? 10,
    exportSeries: series(text("export-series") ?? "1000"),
    completions: text("completions"),
    list: flag("list"),
    pid: pid === undefined ? undefined : parsePid(pid),
    command,
    within: { cgroup: text("cgroup"), unit: text("unit"), container: text("container") },
    plane: oneOf("plane", ["auto", "kernel", "user"], "auto"),
    seccomp: flag("seccomp-bpf"),
    output: text("output"),
    format: flag("json") ? "json" : oneOf("format", OUTPUT_FORMATS, "text"),
    jsonErrors: flag("json"),
    buffer: oneOf("B", ["line", "none", "full"], "line"),
    raw: flag("raw"),
    quiet: flag("quiet"),
    warnings: flag("warnings"),
    noWarnings: flag("no-warnings"),
    includeFolders: (parsed.I as string[] | undefined) ?? [],
    includes: (parsed.include as string[] | undefined) ?? [],
    providers: (parsed.provider as string[] | undefined) ?? [],
    unsafe: flag("unsafe"),
    probeFilter: filter(text("probe-filter")),
    withoutFeatures: features(text("no-feature")),
    dryRun: flag("dry-run"),
    checkOnly: flag("n"),
    debug,
    mode: modeOf(flag, text("mode")),
    verbose: flag("verbose"),
    positional: [...(parsed._ as unknown[]).map(String), ...positional],
    named,
  };
}

function checkStage(stage: string): void {
  const known: readonly string[] = [...STAGES, "all"];
  if (known.includes(stage)) return;
  const list = known.join(", ");
  if (FOREIGN_STAGES.includes(stage)) {
    throw new UsageError(`Debug stage ${stage} does not exist here; there are: ${list}`);
  }
  throw new UsageError(`Unknown debug stage: ${stage}: expected ${list}`, true);
}

function modeOf(flag: (name: string) => boolean, mode: string | undefined): Options["mode"] {
  for (const one of ["help", "version", "tools", "info", "fmt", "test", "bench"] as const) {
    if (flag(one)) return one;
  }
  if (mode === undefined) return "run";
  if (MODES[mode] === undefined) throw new UsageError(`Unknown mode: ${mode}`, true);
  return MODES[mode];
}

function filter(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text);
  } catch {
    throw new UsageError(`Invalid regular expression: ${text}`);
  }
}

function features(list: string | undefined): SwitchableFeature[] {
  const wanted = list?.split(",").filter((name) => name !== "") ?? [];
  const known: readonly string[] = [...SWITCHABLE, ...UNUSED];
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`Unknown feature: ${unknown}: expected ${SWITCHABLE.join(", ")}`, true);
  }
  return SWITCHABLE.filter((name) => wanted.includes(name));
}

/** Parameters behind `--`: named ones are `--name=value` and `--name`, all others count as $1, $2, …. */
function programParams(
  args: readonly string[],
): { positional: string[]; named: Map<string, string | true> } {
  const named = new Map<string, string | true>();
  const positional: string[] = [];
  for (const arg of args) {
    const match = /^--([^=]+)(?:=([\s\S]*))?$/.exec(arg);
    if (match === null) positional.push(arg);
    else named.set(match[1], match[2] ?? true);
  }
  return { positional, named };
}

/** Longest time that --duration takes, in seconds: a timer has 31 bits of milliseconds. */
const MOST_SECONDS = 2_000_000;

function seconds(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value > 0 && value <= MOST_SECONDS) return value;
  throw new UsageError(`--${name} wants seconds, up to ${MOST_SECONDS}: ${text}`);
}

function series(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError(`--export-series wants a number from 1 to 999999: ${text}`);
}

function parsePid(text: string): number {
  const digits = /^\d+/.exec(text)?.[0];
  if (digits === undefined) throw new UsageError(`Failed to parse pid: invalid integer: ${text}`);
  if (digits !== text) throw new UsageError(`Failed to parse pid: invalid trailing bytes: ${text}`);
  const pid = Number(digits);
  if (pid < 1 || pid > PID_MAX_LIMIT) throw new UsageError(`Pid out of range: ${text}`);
  return pid;
}

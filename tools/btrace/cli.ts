// The command line of btrace.

import { missingCapabilities, VerifierError } from "../../core/bpf/mod.ts";
import { type Device, openDevice } from "../../core/device.ts";
import { DtError } from "../../core/errors.ts";
import type { SessionStats } from "../../core/stats.ts";
import { allProviders } from "../../providers/mod.ts";
import { parseArgs } from "../deps.ts";
import denoJson from "../../deno.json" with { type: "json" };
import { abortWithProcess, HeldChild } from "./child.ts";
import { compile, type Config } from "./compile.ts";
import { formatDiagnostic, ScriptError, type Source } from "./lang/diagnostics.ts";
import { fullName } from "./passes/expand.ts";
import { run } from "./run.ts";

const USAGE = `USAGE:
    btrace [options] FILE
    btrace [options] -
    btrace [options] -e 'PROGRAM'
    btrace -l [PATTERN]

OPTIONS:
    -e 'PROGRAM'   run this program
    -l [PATTERN]   list probes; * stands for any characters
    -p PID         only events of this process; end with it
    -c 'CMD'       run CMD, only its events; end with it
    -v             say more: plane, programs, counters; verifier logs
    -h, --help     show this help
    -V, --version  show the version

Run by: deno run -A tools/btrace.ts …
-A because tracing calls the C library, which Deno cannot confine, and reads /proc and /sys.

ENVIRONMENT:
    BPFTRACE_MAX_STRLEN     [default: 1024] most bytes of a string
    BPFTRACE_MAX_MAP_KEYS   [default: 4096] most keys of a map

EXAMPLES:
    btrace -l 'syscall:*'
        list the probes of all system calls
    btrace -e 'tracepoint:syscalls:sys_enter_openat { printf("%s %s\\n", comm, str(args.filename)); }'
        files that are opened, by process name
    btrace -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'
        system calls by process name
`;

/** What goes wrong by the user's doing: one line, status 1. */
class UsageError extends Error {
  constructor(message: string, readonly usage = false) {
    super(message);
  }
}

/** Highest pid that any kernel gives: PID_MAX_LIMIT. */
const PID_MAX = 4194304;

/**
 * Runs btrace.
 *
 * @param args Command line arguments.
 * @returns Exit status.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await dispatch(args);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return 128 + 13; // as SIGPIPE would
    if (error instanceof ScriptError) {
      write(Deno.stderr, error.message);
    } else if (error instanceof UsageError) {
      write(Deno.stderr, `ERROR: ${error.message}\n${error.usage ? USAGE : ""}`);
    } else if (error instanceof Deno.errors.NotCapable) {
      write(Deno.stderr, `ERROR: ${error.message}: run it as deno run -A\n`);
    } else if (error instanceof DtError) {
      write(Deno.stderr, `ERROR: ${error.message}\n`);
      if (error instanceof VerifierError && args.includes("-v")) write(Deno.stderr, error.log);
    } else {
      throw error;
    }
    return 1;
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const unknown: string[] = [];
  const options = parseArgs(args, {
    string: ["e", "p", "c", "_"],
    boolean: ["l", "v", "h", "V"],
    alias: { help: "h", version: "V" },
    unknown: (arg, key) => {
      if (key === undefined) return true;
      unknown.push(arg);
      return false;
    },
  });
  const positional = options._.map(String);
  if (unknown.length > 0) throw new UsageError(`unknown option ${unknown[0]}`, true);
  if (options.h) return write(Deno.stdout, USAGE);
  if (options.V) return write(Deno.stdout, `btrace v${denoJson.version}\n`);
  const device = openDevice({ providers: allProviders() });
  if (options.l) return list(device, positional[0] ?? "*");
  const source = readSource(options.e as string | undefined, positional);
  if (options.p !== undefined && options.c !== undefined) {
    throw new UsageError("-c and -p cannot be used together", true);
  }
  return await trace(device, source, {
    pid: options.p === undefined ? undefined : parsePid(String(options.p)),
    command: options.c as string | undefined,
    verbose: options.v === true,
  });
}

function list(device: Device, pattern: string): number {
  // Without a colon any provider is meant.
  const full = pattern.includes(":") ? fullName(pattern) : pattern === "*" ? "*" : `*:*${pattern}*`;
  let names = "";
  for (const { name } of device.probes(full)) names += `${name}\n`;
  return write(Deno.stdout, names);
}

function readSource(program: string | undefined, positional: readonly string[]): Source {
  if (program !== undefined) return { name: "stdin", text: program };
  const [file] = positional;
  if (file === undefined) throw new UsageError("no program: use -e or name a file", true);
  try {
    return file === "-"
      ? { name: "stdin", text: Deno.readTextFileSync("/dev/stdin") }
      : { name: file, text: Deno.readTextFileSync(file) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new UsageError(`failed to open file '${file}': No such file or directory`);
    }
    if (error instanceof Deno.errors.IsADirectory) {
      throw new UsageError(`failed to open file '${file}': Is a directory`);
    }
    throw new UsageError(`failed to open file '${file}': ${(error as Error).message}`);
  }
}

function parsePid(text: string): number {
  const digits = /^\d+/.exec(text)?.[0];
  if (digits === undefined) throw new UsageError(`Failed to parse pid: invalid integer: ${text}`);
  if (digits !== text) throw new UsageError(`Failed to parse pid: invalid trailing bytes: ${text}`);
  const pid = Number(digits);
  if (pid < 1 || pid > PID_MAX) throw new UsageError(`Pid out of range: ${text}`);
  return pid;
}

/** The same pid, if it is a process and not one of its threads. */
function processOf(pid: number): number {
  let status: string;
  try {
    status = Deno.readTextFileSync(`/proc/${pid}/status`);
  } catch {
    return pid; // there is none: opening it will say so
  }
  const leader = Number(/^Tgid:\t(\d+)$/m.exec(status)?.[1]);
  if (leader !== pid) {
    throw new UsageError(`${pid} is a thread of process ${leader}: use -p ${leader}`);
  }
  return pid;
}

interface TraceOptions {
  readonly pid?: number;
  readonly command?: string;
  readonly verbose: boolean;
}

async function trace(device: Device, source: Source, options: TraceOptions): Promise<number> {
  const compiled = compile(source, device, configFromEnvironment());
  for (const warning of compiled.warnings) write(Deno.stdout, formatDiagnostic(warning, source));
  checkPrivileges();
  using stack = new DisposableStack();
  const ending = new AbortController();
  stack.use(abortOnSignals(ending));
  let child: HeldChild | undefined;
  if (options.command !== undefined) {
    try {
      child = stack.use(await HeldChild.spawn(options.command));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) throw new UsageError(error.message);
      throw error;
    }
    child.ended.then(() => ending.abort());
  }
  if (options.pid !== undefined) stack.use(abortWithProcess(processOf(options.pid), ending));
  if (options.verbose) write(Deno.stderr, "Plane: kernel (CAP_BPF and CAP_PERFMON are there)\n");
  const { exitCode, stats } = await run(compiled, device, {
    stdout: (bytes) => writeAll(Deno.stdout, bytes),
    stderr: (bytes) => writeAll(Deno.stderr, bytes),
    signal: ending.signal,
    pid: options.pid ?? child?.pid,
    onAttached: () => child?.release(),
  });
  if (options.verbose) write(Deno.stderr, formatStats(stats));
  return exitCode;
}

function formatStats(stats: SessionStats): string {
  return `${stats.fired} events fired: ${stats.recorded} recorded, ${stats.aggregated} aggregated, ` +
    `${stats.filtered} filtered, ${stats.dropped} dropped, ${stats.recursed} recursed\n` +
    `${stats.skippedTicks} ticks skipped, ${stats.recursionMisses} skipped by the kernel\n`;
}

function configFromEnvironment(): Config {
  const number = (name: string, maximum: number): number | undefined => {
    const text = Deno.env.get(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > maximum) {
      throw new UsageError(`${name}: expected an integer from 1 to ${maximum}, found '${text}'`);
    }
    return value;
  };
  return {
    maxStrlen: number("BPFTRACE_MAX_STRLEN", 1 << 16),
    maxMapKeys: number("BPFTRACE_MAX_MAP_KEYS", 1 << 24),
  };
}

/** One sentence for what is missing, before anything is touched. */
function checkPrivileges(): void {
  const missing = missingCapabilities();
  if (missing.length === 0) return;
  throw new UsageError(
    `tracing needs ${
      missing.join(" and ")
    }, which this process lacks: run it as root, or give it ` +
      `the capabilities with 'setpriv --inh-caps +bpf,+perfmon --ambient-caps +bpf,+perfmon'`,
  );
}

function abortOnSignals(controller: AbortController): Disposable {
  const abort = () => controller.abort();
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, abort);
  return {
    [Symbol.dispose]() {
      for (const signal of signals) Deno.removeSignalListener(signal, abort);
    },
  };
}

interface SyncWriter {
  writeSync(bytes: Uint8Array): number;
}

function writeAll(writer: SyncWriter, bytes: Uint8Array): void {
  try {
    while (bytes.length > 0) bytes = bytes.subarray(writer.writeSync(bytes));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    throw new UsageError(`cannot write output: ${(error as Error).message}`);
  }
}

/** Returns 0, the exit status of having nothing else to do. */
function write(writer: SyncWriter, text: string): 0 {
  writeAll(writer, new TextEncoder().encode(text));
  return 0;
}

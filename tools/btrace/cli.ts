// The command line of btrace.

import { missingCapabilities, VerifierError } from "../../core/bpf/mod.ts";
import { type Device, openDevice } from "../../core/device.ts";
import { DtError } from "../../core/errors.ts";
import type { SessionStats } from "../../core/stats.ts";
import { allProviders } from "../../providers/mod.ts";
import denoJson from "../../deno.json" with { type: "json" };
import { abortWithProcess, HeldChild } from "./child.ts";
import {
  compile,
  type Compiled,
  type CompileOptions,
  type Script,
  type SourceText,
} from "./compile.ts";
import { formatDiagnostic, ScriptError } from "./lang/diagnostics.ts";
import { type Options, parseOptions, USAGE, UsageError } from "./options.ts";
import { CONFIG_KEYS, DEFAULT_CONFIG, set } from "./passes/config.ts";
import { run } from "./run.ts";

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
  const options = parseOptions(args);
  if (options.mode === "help") return write(Deno.stdout, USAGE);
  if (options.mode === "version") return write(Deno.stdout, `btrace v${denoJson.version}\n`);
  if (options.mode === "info") {
    const { systemInfo } = await import("./info.ts");
    return write(Deno.stdout, systemInfo());
  }
  const device = openDevice({ providers: allProviders() });
  if (options.list) {
    const { list } = await import("./list.ts");
    const program = options.program ?? readIfFile(options.positional[0]);
    return write(Deno.stdout, list(device, options, program));
  }
  const source = readSource(options);
  if (options.mode === "fmt") {
    const [{ parse }, { formatProgram }, { Source }] = await Promise.all([
      import("./lang/parser.ts"),
      import("./lang/printer.ts"),
      import("./lang/diagnostics.ts"),
    ]);
    const program = parse(new Source(source.name, source.text), true);
    return write(Deno.stdout, formatProgram(program, source.text));
  }
  const script = compileScript(source, device, options);
  if (options.debug.length > 0) {
    const { dump, STAGES } = await import("./dump.ts");
    for (const stage of STAGES) {
      const shown = options.debug.includes("all")
        ? stage !== "codegen"
        : options.debug.includes(stage);
      if (shown) write(Deno.stdout, dump(script as Compiled, stage));
    }
    return 0;
  }
  if (options.checkOnly) return 0;
  checkPrivileges();
  if (options.mode === "test" || options.mode === "bench") {
    const { runTests } = await import("./tests.ts");
    return runTests(script, device, options, (bytes) => writeAll(Deno.stdout, bytes));
  }
  return await trace(device, script, options);
}

function compileScript(source: SourceText, device: Device, options: Options): Script {
  const { mode } = options;
  const known: CompileOptions["named"] = { given: options.named, known: new Map() };
  const positional = options.program === undefined
    ? options.positional.slice(1)
    : options.positional;
  const script = compile(source, device, {
    variables: configFromEnvironment(),
    params: positional,
    named: known,
    unsafe: options.unsafe,
    includeFolders: options.includeFolders,
    includes: options.includes,
    warnings: options.warnings,
    special: mode === "test" || mode === "bench" ? ["self", mode] : ["self"],
    probeFilter: options.probeFilter,
  });
  checkNamed(known);
  for (const warning of script.warnings) {
    write(Deno.stdout, formatDiagnostic(warning, script.source));
  }
  return script;
}

/** Parameters that the script does not ask for; `-- --help` lists those that it does. */
function checkNamed({ given, known }: NonNullable<CompileOptions["named"]>): void {
  const list = [...known].map(([name, { description, fallback }]) =>
    `    --${name}${description === undefined ? "" : `  ${description}`} [default: ${fallback}]\n`
  ).join("");
  if (given.has("help") && !known.has("help")) {
    throw new UsageError(`program command line options:\n${list}`);
  }
  const unexpected = [...given.keys()].filter((name) => !known.has(name));
  if (unexpected.length === 0) return;
  const names = (all: Iterable<string>) => [...all].map((name) => `--${name}`).join(", ");
  throw new UsageError(
    `unexpected program command line options: ${names(unexpected)}` +
      (known.size === 0 ? "" : `\nHINT: expected program options: ${names(known.keys())}`),
  );
}

function readIfFile(path: string | undefined): string | undefined {
  if (path === undefined || !/[./]/.test(path)) return undefined;
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

function readSource({ program, positional }: Options): SourceText {
  if (program !== undefined) return { name: "stdin", text: program };
  const [file] = positional;
  if (file === undefined) throw new UsageError("no program: use -e or name a file", true);
  try {
    return file === "-"
      ? { name: "stdin", text: readUtf8("/dev/stdin") }
      : { name: file, text: readUtf8(file) };
  } catch (error) {
    if (error instanceof TypeError) {
      throw new UsageError(`failed to read file '${file}': it is not valid UTF-8`);
    }
    if (error instanceof Deno.errors.NotFound) {
      throw new UsageError(`failed to open file '${file}': No such file or directory`);
    }
    if (error instanceof Deno.errors.IsADirectory) {
      throw new UsageError(`failed to open file '${file}': Is a directory`);
    }
    throw new UsageError(`failed to open file '${file}': ${(error as Error).message}`);
  }
}

/** Text of a file; bytes that are none must not be replaced silently. */
function readUtf8(path: string): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(Deno.readFileSync(path));
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

async function trace(device: Device, script: Script, options: Options): Promise<number> {
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
  const output = options.output === undefined ? Deno.stdout : stack.use(openOutput(options.output));
  const { exitCode, stats } = await run(script, device, {
    stdout: (bytes) => writeAll(output, bytes),
    stderr: (bytes) => writeAll(Deno.stderr, bytes),
    signal: ending.signal,
    pid: options.pid ?? child?.pid,
    childPid: child?.pid,
    format: options.format,
    quiet: options.quiet,
    noWarnings: options.noWarnings,
    buffer: options.buffer,
    dryRun: options.dryRun,
    onAttached: () => {
      if (Deno.env.has("__BPFTRACE_NOTIFY_PROBES_ATTACHED")) {
        write(Deno.stdout, "__BPFTRACE_NOTIFY_PROBES_ATTACHED\n");
      }
      child?.release();
    },
  });
  if (options.verbose) write(Deno.stderr, formatStats(stats));
  return exitCode;
}

function openOutput(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, create: true, truncate: true });
  } catch (error) {
    throw new UsageError(`Failed to open output file: "${path}": ${(error as Error).message}`);
  }
}

function formatStats(stats: SessionStats): string {
  return `${stats.fired} events fired: ${stats.recorded} recorded, ${stats.aggregated} aggregated, ` +
    `${stats.filtered} filtered, ${stats.dropped} dropped, ${stats.recursed} recursed\n` +
    `${stats.skippedTicks} ticks skipped, ${stats.recursionMisses} skipped by the kernel\n`;
}

/** BPFTRACE_* of every key that a config block knows. */
function configFromEnvironment(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const key of CONFIG_KEYS) {
    const name = `BPFTRACE_${key.toUpperCase()}`;
    const value = Deno.env.get(name);
    if (value === undefined) continue;
    try {
      set({ ...DEFAULT_CONFIG }, key, value);
    } catch (error) {
      throw new UsageError(`${name}: ${(error as Error).message}, found '${value}'`);
    }
    found[key] = value;
  }
  return found;
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

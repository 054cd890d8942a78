// Compiles a script and runs it as the command line says, on either plane, in the thread that calls.

import type { Device } from "../../core/device/device.ts";
import type { PlaneName } from "../../core/contract/provider.ts";
import type { SessionStats } from "../../core/contract/stats.ts";
import { withParts } from "../../core/lazy_part.ts";
import { openOutput, type OutputFile, whenRead } from "../../core/sys/output_file.ts";
import { statusField } from "../../core/sys/thread.ts";
import { abortWithProcess } from "../../core/sys/pidfd.ts";
import { holdChild, processOf, programOf } from "../cli/child.ts";
import {
  asksPrograms,
  compile,
  type CompileOptions,
  type Script,
  type SourceText,
} from "../../language/compile.ts";
import { formatDiagnostic } from "../../language/syntax/diagnostics.ts";
import { openFor } from "./open_device.ts";
import { UsageError } from "../cli/command_line.ts";
import type { Options } from "./options.ts";
import type { TargetFiles } from "../../language/check/expand.ts";
import { CONFIG_KEYS, configMessage, DEFAULT_CONFIG, set } from "../../language/check/config.ts";
import { symbols } from "../../language/lazy_parts.ts";
import { runWith } from "../../language/run.ts";
import { tell, write, writeAll } from "../cli/terminal.ts";

/** A compiled script with the device that its probes come from. */
export interface Prepared {
  /** Device whose providers know the script's probes. */
  readonly device: Device;
  /** Script, compiled for one plane. */
  readonly script: Script;
}

/**
 * Reads and compiles the script that the command line names.
 *
 * @throws {UsageError} The script cannot be read.
 * @throws {ScriptError} The script has errors.
 */
export async function prepare(options: Options, plane: PlaneName): Promise<Prepared> {
  const source = readSource(options);
  const device = await openFor(options, source.text);
  const programs = asksPrograms(source.text) ? await loadPrograms() : undefined;
  const all = { ...options, programs };
  return { device, script: await withParts(() => compileScript(source, device, all, plane)) };
}

async function loadPrograms(): Promise<CompileOptions["programs"]> {
  const { programs } = await import("../../language/programs.ts");
  return programs();
}

function compileScript(
  source: SourceText,
  device: Device,
  options: Options & Pick<CompileOptions, "programs">,
  plane: PlaneName,
): Script {
  const { mode } = options;
  const positional = options.program === undefined
    ? options.positional.slice(1)
    : options.positional;
  const script = compile(source, device, {
    plane,
    variables: configFromEnvironment(),
    config: { seriesClock: Deno.env.get("BPFTRACE_DUMMY_TS_MAP") },
    params: positional,
    named: options.named,
    unsafe: options.unsafe,
    includeFolders: options.includeFolders,
    includes: options.includes,
    kernelSource: Deno.env.get("BPFTRACE_KERNEL_SOURCE"),
    kernelBuild: Deno.env.get("BPFTRACE_KERNEL_BUILD"),
    warnings: options.warnings,
    special: mode === "test" || mode === "bench" ? ["self", mode] : ["self"],
    probeFilter: options.probeFilter,
    target: targetFiles(options),
    programs: options.programs,
    userAddress: options.pid === undefined ? undefined : (name) => {
      using symbolizer = new (symbols.get().Symbolizer)();
      return symbolizer.address(options.pid!, name);
    },
  });
  checkNamed(options.named, script.parameters);
  if (options.verbose) writeNotes(device, script);
  for (const warning of options.noWarnings ? [] : script.warnings) {
    tell(formatDiagnostic(warning, script.source));
  }
  return script;
}

/** Files of the process of -p, or of the command of -c that is to be started; undefined without both. */
export function targetFiles({ pid, command }: Options): TargetFiles | undefined {
  if (pid !== undefined) {
    return {
      mapped() {
        if (statusField(pid, "Tgid") === undefined) throw new UsageError(`No such process: ${pid}`);
        return symbols.get().seenFiles(pid).mapped();
      },
      reach: (type, file) => symbols.get().seenFiles(pid).reach(type, file),
    };
  }
  if (command === undefined) return undefined;
  return {
    mapped() {
      const path = programOf(command);
      return path === undefined ? [] : [Deno.realPathSync(path)];
    },
    reach: (_, file) => file,
  };
}

/** Writes a note (-v) for each probe that is attached in another way than its name says. */
function writeNotes(device: Device, { probes }: Script): void {
  for (const { pbn } of probes) {
    const note = device.registry.number(pbn)?.note;
    if (note !== undefined) write(Deno.stderr, `${note}\n`);
  }
}

/** Refuses named parameters that the script does not read; `-- --help` lists those that the script reads. */
function checkNamed(
  given: ReadonlyMap<string, string | true>,
  known: Script["parameters"],
): void {
  const hint = (list: string) =>
    known.size === 0
      ? "HINT: no custom program options defined."
      : `HINT: expected program options:${list}`;
  if (given.has("help") && !known.has("help")) {
    const lines = [...known].reverse().map(([name, { description }]) =>
      `\n--${name}${description === undefined ? "" : `: ${description}`}`
    );
    throw new OptionsAsked(hint(lines.join("")));
  }
  const unexpected = [...given.keys()].filter((name) => !known.has(name));
  if (unexpected.length === 0) return;
  const names = (all: Iterable<string>) => [...all].map((name) => `--${name}`).join(", ");
  throw new UsageError(
    `unexpected program command line options: ${names(unexpected)}\n` +
      hint(` ${names(known.keys())}`),
  );
}

/** Reads the script from -e, from a file or from standard input. */
export function readSource({ program, positional, source }: Options): SourceText {
  if (source !== undefined) return source;
  if (program === "") throw new UsageError("USAGE: filename or -e 'program' required.");
  if (program !== undefined) return { name: "stdin", text: program };
  const [file] = positional;
  if (file === undefined) throw new UsageError("USAGE: filename or -e 'program' required.", true);
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

/** Most bytes of a script: a device has no end. */
const MAX_SCRIPT = 16 << 20;

/**
 * Text of a file or a pipe. Throws TypeError on bytes that are not UTF-8, rather than replacing them
 * silently, and RangeError on more than {@linkcode MAX_SCRIPT}.
 */
function readUtf8(path: string): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  using file = Deno.openSync(path);
  const chunk = new Uint8Array(1 << 16);
  let text = "";
  let bytes = 0;
  for (let count = file.readSync(chunk); count !== null; count = file.readSync(chunk)) {
    bytes += count;
    if (bytes > MAX_SCRIPT) throw new RangeError(`it has more than ${MAX_SCRIPT} bytes`);
    text += decoder.decode(chunk.subarray(0, count), { stream: true });
  }
  return text + decoder.decode();
}

/**
 * Runs a script until it ends; returns the exit status.
 *
 * @param ending Ends the script when aborted, in order: END runs, maps are printed.
 */
export async function trace(
  { device, script }: Prepared,
  options: Options,
  ending: AbortController,
): Promise<number> {
  using stack = new DisposableStack();
  const child = options.command === undefined ? undefined : stack.use(holdChild(options.command));
  const pid = child?.pid ?? (options.pid === undefined ? undefined : processOf(options.pid));
  if (pid !== undefined) stack.use(abortWithProcess(pid, ending));
  const output = options.output === undefined
    ? Deno.stdout
    : stack.use(await openFileOf(options.output, ending.signal));
  const exporting = options.export === undefined ? undefined : await import("./export/exporter.ts");
  const exportTarget = exporting?.parseExportTarget(options.export!);
  const isWithin = Object.values(options.within).some((one) => one !== undefined);
  if (isWithin && script.plane !== "kernel") {
    throw new UsageError("--cgroup, --unit and --container need the kernel plane");
  }
  const cgroup = isWithin
    ? (await import("./cgroup_target.ts")).findCgroup(options.within)
    : undefined;
  const { exitCode, stats } = await runWith(script, device, {
    stdout: (bytes) => writeAll(output, bytes),
    stderr: (bytes) => writeAll(Deno.stderr, bytes),
    signal: ending.signal,
    pid,
    cgroup,
    childPid: child?.pid,
    take: child && (() => child.take()),
    seccomp: options.seccomp,
    format: options.format,
    terminal: output === Deno.stdout && Deno.stdout.isTerminal() && !options.raw,
    quiet: options.quiet,
    noWarnings: options.noWarnings,
    buffer: options.buffer,
    dryRun: options.dryRun,
    onAttached: () => {
      if (Deno.env.has("__BPFTRACE_NOTIFY_PROBES_ATTACHED")) {
        write(Deno.stdout, "__BPFTRACE_NOTIFY_PROBES_ATTACHED\n");
      }
      child?.release();
      if (options.durationS !== undefined) {
        const timer = setTimeout(() => ending.abort(), options.durationS * 1000);
        stack.defer(() => clearTimeout(timer));
      }
    },
  }, {
    observe: exporting && ((live, script) =>
      exporting.openExporter(live, script, {
        target: exportTarget!,
        mostSeries: options.exportSeries,
        intervalS: options.exportIntervalS,
      })),
  });
  if (options.verbose) write(Deno.stderr, formatStats(stats));
  return exitCode;
}

/** Opens the file of -o, empty; waits for a FIFO's reader. */
async function openFileOf(path: string, signal: AbortSignal): Promise<OutputFile> {
  try {
    const file = await whenRead(() => openOutput(path), signal);
    file.truncate();
    return file;
  } catch (error) {
    throw new UsageError(`Failed to open output file: "${path}": ${(error as Error).message}`);
  }
}

function formatStats(stats: SessionStats): string {
  return `${stats.fired} events fired: ${stats.recorded} recorded, ${stats.aggregated} aggregated, ` +
    `${stats.filtered} filtered, ${stats.dropped} dropped, ${stats.recursed} recursed\n` +
    `${stats.skippedTicks} ticks skipped, ${stats.recursionMisses} skipped by the kernel\n`;
}

/** Not a mistake: `-- --help` asks for the named parameters of the script, which the message lists. */
class OptionsAsked extends Error {
  /** Name by which the command line knows the error. */
  override readonly name = "OptionsAsked";
}

/** An environment variable has a value that its key does not take: btrace exits with status 2. */
export class EnvironmentError extends Error {
  /** Name of the class, by which errors are told without loading this module. */
  override readonly name = "EnvironmentError";
}

/** Values of the environment variables BPFTRACE_*, by the key of a config block. */
function configFromEnvironment(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const key of CONFIG_KEYS) {
    const name = `BPFTRACE_${key.toUpperCase()}`;
    const value = Deno.env.get(name);
    if (value === undefined) continue;
    try {
      set({ ...DEFAULT_CONFIG }, key, value, true);
    } catch (error) {
      throw new EnvironmentError(configMessage(key, error as Error));
    }
    found[key] = value;
  }
  return found;
}

// Scripts in a program: started by a tagged template, read as records and maps.

import { kernelPlaneRefusal } from "../core/bpf/permission.ts";
import type { PlaneName, Provider } from "../core/contract/provider.ts";
import { NO_STATS, type SessionStats } from "../core/contract/stats.ts";
import type { HeldChild } from "../core/contract/target.ts";
import { type Device, openDevice } from "../core/device/device.ts";
import { DtError } from "../core/errors.ts";
import { seenFiles, Symbolizer } from "../core/symbols/mod.ts";
import { abortWithProcess } from "../core/sys/pidfd.ts";
import { allProviders } from "../providers/mod.ts";
import { asksPrograms, compile, type CompileOptions, type Script } from "./compile.ts";
import type { Loaded } from "./model/loaded_script.ts";
import type { Names } from "./output/names.ts";
import { RecordPrinter, type TraceRecord } from "./output/record_printer.ts";
import { RecordQueue } from "./record_queue.ts";
import { type RunResult, runWith } from "./run.ts";
import type { Diagnostic } from "./syntax/diagnostics.ts";
import { type ScriptValue, ScriptValues } from "./syntax/script_value.ts";
import { TraceMaps } from "./trace_maps.ts";

/** How a script is started. */
export interface StartOptions extends
  Pick<
    CompileOptions,
    "config" | "params" | "named" | "unsafe" | "includeFolders" | "includes" | "probeFilter"
  > {
  /** Where the script runs. "auto", the default, is the kernel plane where bpf(2) is permitted. */
  readonly plane?: PlaneName | "auto";
  /** Ends the trace when aborted: END runs, maps stay readable. */
  readonly signal?: AbortSignal;
  /**
   * Process whose events count, with all that descend from it from now on. The trace ends with it. The user
   * plane, which needs a process, cannot trace the program's own.
   */
  readonly pid?: number;
  /** Command to start and trace, as `pid`; it begins when everything is attached. */
  readonly command?: string;
  /** Name of the script in messages; imports are looked for beside it. Default "script". */
  readonly name?: string;
  /** Records that may wait for their reader. Default 16384. */
  readonly highWaterMark?: number;
  /** Reports failed reads and lookups of the script as records. Default false. */
  readonly warnings?: boolean;
  /** Looks at the compiled script before anything is loaded; what it throws, {@linkcode start} throws. */
  readonly accept?: (script: Script) => void;
  /** Providers beside those that come with dt. */
  readonly providers?: Iterable<Provider>;
  /** Device with the probes; then {@linkcode providers} is not used. Default: one of its own. */
  readonly device?: Device;
}

/** Starts the script of a template; its values are never read as text of the script. */
export type StartTag = (
  strings: TemplateStringsArray,
  ...values: ScriptValue[]
) => Promise<Trace>;

/**
 * Compiles and starts a script; resolves when all its probes are attached.
 *
 * As a template, `start` takes values as expressions (`pid == ${pid}`) or as parts of probes' names
 * (`uprobe:${path}:f`): a text is one string, whatever stands in it, and a number or bigint one integer of up
 * to 64 bits. With options, `` start({ pid })`…` ``; as a function, `start(text, options)`.
 *
 * @example Which processes open most files
 * ```ts ignore
 * import { start } from "./mod.ts";
 *
 * await using trace = await start`syscall:openat:entry { @opens[comm] = count(); }`;
 * await new Promise((resolve) => setTimeout(resolve, 1000));
 * console.table(trace.maps.get("opens").snapshot());
 * ```
 *
 * @throws {ScriptError} The script has errors, with their places; or asks for what the plane has not.
 * @throws {DtError} EPERM the plane is not permitted; ESRCH no such process; errors of loading and attaching.
 * @throws {TypeError} A value is no text, integer or boolean.
 * @throws {RangeError} A number is no safe integer; text has a NUL.
 */
export function start(strings: TemplateStringsArray, ...values: ScriptValue[]): Promise<Trace>;
/** Makes a tag with options. */
export function start(options: StartOptions): StartTag;
/** Starts a script that is a text; `$1`, `$2`, … are `options.params`, as on the command line. */
export function start(text: string, options?: StartOptions): Promise<Trace>;
export function start(
  first: TemplateStringsArray | StartOptions | string,
  ...rest: unknown[]
): Promise<Trace> | StartTag {
  if (typeof first === "string") return begin(first, undefined, (rest[0] ?? {}) as StartOptions);
  if (isTemplate(first)) return beginTemplate(first, rest, {});
  return (strings, ...values) => beginTemplate(strings, values, first);
}

async function beginTemplate(
  strings: TemplateStringsArray,
  values: readonly unknown[],
  options: StartOptions,
): Promise<Trace> {
  // Escapes are the script's own, so the raw text counts.
  const placed = values.length === 0 ? undefined : new ScriptValues(strings.raw, values);
  return await begin(placed?.text ?? strings.raw[0], placed, options);
}

function isTemplate(value: object): value is TemplateStringsArray {
  return Array.isArray(value) && "raw" in value;
}

/** Where a trace's process comes from, and what ends with the trace. */
interface Process extends Disposable {
  readonly pid?: number;
  readonly child?: HeldChild;
}

async function begin(
  text: string,
  values: ScriptValues | undefined,
  options: StartOptions,
): Promise<Trace> {
  const { plane: wish = "auto", signal } = options;
  signal?.throwIfAborted();
  const refusal = wish === "user" ? undefined : kernelPlaneRefusal();
  const plane = wish === "auto" ? refusal === undefined ? "kernel" : "user" : wish;
  if (plane === "kernel" && refusal !== undefined) {
    throw new DtError("EPERM", `Cannot start on the kernel plane: it ${refusal}`, {
      operation: "start",
    });
  }
  const device = options.device ?? await deviceFor(text, options);
  const script = compile({ name: options.name ?? "script", text, values }, device, {
    ...compileOptions(options),
    plane,
    programs: asksPrograms(text) ? (await import("./programs.ts")).programs() : undefined,
  });
  options.accept?.(script);
  const trace = new Trace(script, options);
  await trace.run(device, options, () => hold(device, plane, options, trace));
  return trace;
}

async function deviceFor(text: string, { providers = [] }: StartOptions): Promise<Device> {
  const demangle = text.includes(":cpp:")
    ? await (await import("./names/packages.ts")).loadDemangler().catch(() => undefined)
    : undefined;
  return openDevice({ providers: [...allProviders({ demangle }), ...providers] });
}

function compileOptions(options: StartOptions): CompileOptions {
  const { config, params, named, unsafe, includeFolders, includes, probeFilter, warnings, pid } =
    options;
  return {
    ...{ config, params, named, unsafe, includeFolders, includes, probeFilter, warnings },
    target: pid === undefined ? undefined : seenFiles(pid),
    userAddress: pid === undefined ? undefined : (name) => {
      using symbolizer = new Symbolizer();
      return symbolizer.address(pid, name);
    },
  };
}

/** The process that the options name, whose end ends the trace. */
function hold(
  device: Device,
  plane: PlaneName,
  { pid, command }: StartOptions,
  trace: Trace,
): Process {
  if (pid !== undefined && command !== undefined) {
    throw new DtError("EINVAL", "Cannot start: pid and command exclude each other", {
      operation: "start",
    });
  }
  if (pid === Deno.pid && plane === "user") {
    throw new DtError(
      "EPERM",
      "Cannot trace this process on the user plane: ptrace(2) takes another process to do it. " +
        "./testing does that for a function; the kernel plane needs CAP_BPF and CAP_PERFMON",
      { operation: "start" },
    );
  }
  using stack = new DisposableStack();
  const child = command === undefined ? undefined : stack.use(device.hold(command));
  const process = child?.pid ?? pid;
  if (process !== undefined && process !== Deno.pid) {
    stack.use(abortWithProcess(process, trace.ending));
  }
  const owned = stack.move();
  return { pid: process, child, [Symbol.dispose]: () => owned.dispose() };
}

/**
 * A running script. Read its records by `for await`, its maps at any time; it ends by exit(), by
 * {@linkcode stop}, by its signal, with its process, or where `await using` leaves the scope.
 *
 * Records wait for their reader: while a loop reads, nothing is left out, and what finds no room in the
 * kernel's ring is counted; a traced process on the user plane waits. While no loop reads, the first
 * `highWaterMark` records are kept.
 */
export class Trace implements AsyncIterable<TraceRecord>, AsyncDisposable {
  /** Plane on which the script runs. */
  readonly plane: PlaneName;
  /** What the compiler warns of. */
  readonly warnings: readonly Diagnostic[];
  /** Settles when the script has ended; rejects with what broke it. */
  readonly done: Promise<RunResult>;
  /**
   * Ends the trace when aborted.
   *
   * @internal
   */
  readonly ending: AbortController = new AbortController();
  readonly #script: Script;
  readonly #queue: RecordQueue;
  readonly #result = Promise.withResolvers<RunResult>();
  #maps?: TraceMaps;
  #loaded?: Loaded;
  #stats: SessionStats = NO_STATS;
  /** True once somebody was told of the failure. */
  #told = false;

  /** Made by {@linkcode start} only. */
  constructor(script: Script, { highWaterMark = 16384 }: StartOptions) {
    if (!(highWaterMark >= 1)) {
      throw new RangeError(`Cannot keep ${highWaterMark} records: at least 1`);
    }
    this.#script = script;
    this.plane = script.plane;
    this.warnings = script.warnings;
    this.#queue = new RecordQueue(highWaterMark);
    this.ending.signal.addEventListener("abort", () => this.#queue.release());
    this.done = this.#result.promise;
    this.done.catch(() => {});
  }

  /** The maps of the script, by name; at the end they keep what they had then. */
  get maps(): TraceMaps {
    // Without a probe that could be attached nothing is loaded.
    if (this.#maps === undefined) throw new RangeError("The script has no probe that was attached");
    return this.#maps;
  }

  /** Counters of events, losses and failures so far. */
  get stats(): SessionStats {
    return this.#loaded?.session.stats() ?? this.#stats;
  }

  /**
   * Time that the programs have taken so far, in ns, while the kernel's statistics of programs are on.
   *
   * @internal
   */
  get programTimeNs(): bigint {
    const programs = this.#loaded?.session.programs ?? [];
    return programs.reduce((sum, program) => sum + program.info().runTimeNs, 0n);
  }

  /** Records that found no room because no loop read them. */
  get unread(): number {
    return this.#queue.unread;
  }

  /** Records from the first that was not read yet, until the script ends; one record goes to one loop. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TraceRecord, void> {
    try {
      yield* this.#queue.read();
    } catch (error) {
      this.#told = true;
      throw error;
    }
  }

  /**
   * Ends the script: probes are detached, END runs, all records are there to be read. Idempotent.
   *
   * @returns Exit code and counters.
   */
  async stop(): Promise<RunResult> {
    this.ending.abort();
    this.#told = true;
    return await this.done;
  }

  /** The same as {@linkcode stop}; an error that was not told before is thrown. */
  async [Symbol.asyncDispose](): Promise<void> {
    const told = this.#told;
    try {
      await this.stop();
    } catch (error) {
      if (!told) throw error;
    }
  }

  /**
   * Runs the script; resolves when its probes are attached.
   *
   * @param hold Finds the process to trace.
   * @internal
   */
  async run(device: Device, { signal }: StartOptions, hold: () => Process): Promise<void> {
    const attached = Promise.withResolvers<void>();
    const finish = async () => {
      const end = () => this.ending.abort();
      using process = hold();
      const { pid, child } = process;
      signal?.addEventListener("abort", end);
      try {
        return await runWith(this.#script, device, {
          stdout: () => {},
          stderr: (bytes) => {
            const message = new TextDecoder().decode(bytes).trimEnd();
            const file = this.#script.source.name;
            this.#queue.put({ type: "warning", message, file, line: 0, column: 0 });
          },
          signal: this.ending.signal,
          pid,
          childPid: child?.pid,
          take: child && (() => child.take()),
          held: () => this.#queue.held(),
          onAttached: () => {
            child?.release();
            this.#queue.expectReader();
            attached.resolve();
          },
        }, {
          printer: (output) => new RecordPrinter(output, (record) => this.#queue.put(record)),
          onLoaded: (loaded, { names }) => this.#open(loaded, names),
          onClosing: () => this.#close(),
        });
      } finally {
        signal?.removeEventListener("abort", end);
        this.#loaded = undefined;
      }
    };
    finish().then((result) => {
      this.#stats = result.stats;
      this.#queue.end();
      this.#result.resolve(result);
      attached.resolve();
    }, (error) => {
      this.#queue.end(error);
      this.#result.reject(error);
      attached.reject(error);
    });
    await attached.promise;
  }

  #open(loaded: Loaded, names: Names): void {
    this.#loaded = loaded;
    this.#maps = TraceMaps.running(this.#script.maps, loaded, names);
  }

  #close(): void {
    for (const map of this.#maps ?? []) map.end();
  }
}

// One run of a script: reads rounds of records until the end, then reports what was lost.

import type { Symbolizer } from "../../core/symbols/mod.ts";
import type { Script } from "../compile.ts";
import { clearControl, controlWord, type Loaded } from "../model/loaded_script.ts";
import { elementOffsets, type MapType, type Type } from "../model/types.ts";
import type { Memory } from "../model/memory.ts";
import { type Entry, readMap } from "./map_values.ts";
import type { Names } from "./names.ts";
import { printValue } from "./value_text.ts";
import type { Owner } from "./containers.ts";
import { Out, type Sink } from "./output_buffer.ts";
import type { Printer, PrinterOutput } from "./printer.ts";
import { type OutputFormat, PRINTERS } from "./printers.ts";
import { RecordReader } from "./record_reader.ts";
import { systemNames } from "./system.ts";

/** A map of a script at one time. */
export interface LiveMap {
  /** Name of the map, types of keys and values. */
  readonly type: MapType;
  /** Entries in the order of printing; none for a map without a value. */
  readonly entries: readonly Entry[];
}

/** A script that runs, for those who look at its maps meanwhile. */
export type LiveScript = Pick<Runner, "maps" | "keyTexts" | "valueText" | "losses">;

/** Looks at the maps of a script while it runs. */
export interface Observer extends Disposable {
  /** Called when the probes are detached, before END changes the maps. */
  end(): void | Promise<void>;
}

/** Where output goes, and in which form. */
export interface RunnerOptions {
  /** Takes what the script prints. */
  readonly stdout: Sink;
  /** Takes warnings and errors about the run. */
  readonly stderr: Sink;
  /** Ends the run when aborted: END runs, and maps are printed. */
  readonly signal?: AbortSignal;
  /**
   * True if text goes to a terminal: what traced programs could make the terminal do is escaped.
   * Default false: bytes are written as they are.
   */
  readonly terminal?: boolean;
  /** Format of the output. Default "text". */
  readonly format?: OutputFormat;
  /** True to leave out how many probes are attached. */
  readonly quiet?: boolean;
  /** True to suppress the messages of warnf(). */
  readonly noWarnings?: boolean;
  /** When output is written: after each round of reading, each record, or when there is much. */
  readonly buffer?: "none" | "line" | "full";
  /**
   * Tells container and pod of a cgroup's path; for scripts that ask for them.
   *
   * @internal
   */
  readonly ownerOf?: (path: string) => Owner;
  /** Names addresses of code of processes. */
  readonly symbolizer?: Symbolizer;
  /** There while the reader of records has no room; records wait until it settles, as it does at the signal. */
  readonly held?: () => Promise<void> | undefined;
}

/** Makes the printer of a run. */
export type MakePrinter = (output: PrinterOutput) => Printer;

/**
 * Prepares a run of a script.
 *
 * @param loaded The script with its maps; its records are read from now on.
 * @param make Makes another printer than the output format's.
 */
export async function openRunner(
  script: Script,
  loaded: Loaded,
  options: RunnerOptions,
  make?: MakePrinter,
): Promise<Runner> {
  if (make !== undefined) return new Runner(script, loaded, options, make);
  const Printer = await PRINTERS[options.format ?? "text"]();
  return new Runner(script, loaded, options, (output) => new Printer(output));
}

/** One run of a script: reads its records and prints what they say. */
export class Runner implements Disposable {
  /** Printer of the run's output format. */
  readonly printer: Printer;
  /** Names what the run's values stand for. */
  readonly names: Names;
  readonly #script: Script;
  readonly #loaded: Loaded;
  readonly #options: RunnerOptions;
  readonly #out: Out;
  readonly #reader: RecordReader;
  #reportedLost = 0;
  /** True once nothing waits for the reader any more. */
  #finishing = false;

  /** See {@linkcode openRunner}. */
  constructor(script: Script, loaded: Loaded, options: RunnerOptions, make: MakePrinter) {
    this.#script = script;
    this.#loaded = loaded;
    this.#options = options;
    const isText = (options.format ?? "text") === "text";
    this.#out = new Out(options.stdout, isText && options.terminal === true);
    const probeNames = new Map(script.probes.map(({ pbn, name }) => [pbn, name]));
    this.names = systemNames({
      trailer: script.config.strTruncTrailer,
      ownerOf: options.ownerOf,
      probe: (pbn) => probeNames.get(pbn) ?? `${pbn}`,
      text: (index) => loaded.plans.texts[index],
      frames: (hash) => loaded.frames(hash),
      tellsTime: script.config.seriesClock !== undefined,
    }, options.symbolizer);
    const say = (text: string) => this.#say(text);
    const output = {
      out: this.#out,
      names: this.names,
      say,
      quiet: options.quiet === true,
      noWarnings: options.noWarnings === true,
    };
    this.printer = make(output);
    this.#reader = new RecordReader(script, loaded, {
      ...output,
      printer: this.printer,
      noWarnings: options.noWarnings === true,
    });
    const { held } = options;
    loaded.onRecord = (memory, at) => {
      if (!this.#finishing && held?.() !== undefined) return false;
      this.#reader.read(memory, at);
      if (options.buffer === "none") this.#out.flush();
      else this.#out.flushIfLarge();
    };
  }

  /** True if errorf() was called: a test has failed. */
  get failed(): boolean {
    return this.#reader.failed;
  }

  /** Forgets what exit() and errorf() did: another test begins. */
  reset(): void {
    this.#reader.failed = false;
    this.#reader.exited = false;
    clearControl(this.#loaded.session);
  }

  /** Code of the last exit(), as the system keeps it: 8 bits; 0 before any. */
  get exitCode(): number {
    return controlWord(this.#loaded.session, "exitCode") & 0xff;
  }

  /** The maps of the script as they are now, by name. */
  maps(): LiveMap[] {
    return [...this.#script.maps].map(([name, compiled]) => {
      const map = this.#loaded.maps.get(name)!;
      return { type: compiled.type, entries: map.isSet() ? readMap(compiled, map) : [] };
    });
  }

  /** Parts of a key as text: one for each element of a tuple. */
  keyTexts({ key: type }: MapType, key: Memory | undefined): string[] {
    if (type === undefined || key === undefined) return [];
    const parts = type.kind === "tuple"
      ? elementOffsets(type).map((at, i) => ({ type: type.elements[i].type, at }))
      : [{ type, at: 0 }];
    return parts.map(({ type, at }) => this.valueText(type, key, at));
  }

  /** A value as text, as print() shows it. */
  valueText(type: Type, memory: Memory, at = 0): string {
    const mark = this.#out.length;
    printValue(this.#out, type, memory, at, this.names);
    return this.#out.take(mark);
  }

  #say(text: string): void {
    this.#options.stderr(new TextEncoder().encode(text));
  }

  /** Reads records until exit(), the signal, or the end of every process and iterator that could fire. */
  async follow(): Promise<void> {
    const { session } = this.#loaded;
    const { signal } = this.#options;
    const { recording } = session;
    const wake = () => session.wake();
    signal?.addEventListener("abort", wake);
    try {
      for (;;) {
        this.round();
        if (signal?.aborted || this.#exiting || (recording && !session.recording)) return;
        const held = this.#options.held?.();
        if (held === undefined) await session.wait();
        else await held;
      }
    } finally {
      signal?.removeEventListener("abort", wake);
    }
  }

  /**
   * After the probes are detached: prints what is left in the ring, fires END, prints maps and losses.
   *
   * @param end Fires END.
   * @param maps False if maps are not printed, whatever the script says.
   */
  finish(end: () => void, maps = true): void {
    this.#finishing = true;
    while (this.round() > 0);
    this.#reader.exited = false;
    end();
    while (this.round() > 0);
    this.#reader.tellHidden();
    this.printer.ending();
    if (maps && this.#script.config.printMapsOnExit) {
      for (const [name, { type }] of this.#script.maps) {
        if (this.#loaded.maps.get(name)!.isSet()) this.#reader.printMap(name);
        else this.printer.map(type, [], {});
      }
    }
    this.#out.flush();
    this.#tellLosses();
  }

  /** What was lost so far: each cause with its count and the line for people. */
  losses(): readonly (readonly [cause: string, count: bigint, text: string])[] {
    const stats = this.#loaded.session.stats();
    const updates = (count: bigint) => `${count} map update${count === 1n ? "" : "s"} failed`;
    const unfollowed = BigInt(controlWord(this.#loaded.session, "unfollowed"));
    const { lostRecords, failedUpdates, refusedUpdates, recursed, recursionMisses } = stats;
    return [
      ["ring_full", lostRecords, `Total lost event count: ${lostRecords}`],
      [
        "unfollowed",
        unfollowed,
        `Child processes not followed, too many at one time: ${unfollowed}`,
      ],
      [
        "map_full",
        failedUpdates,
        `${updates(failedUpdates)}: Map full; can't update element. ` +
        "Try increasing max_map_keys config (BPFTRACE_MAX_MAP_KEYS)",
      ],
      [
        "map_refused",
        refusedUpdates,
        `${updates(refusedUpdates)}: the kernel had no memory at hand, or the map was locked`,
      ],
      [
        "foreign_abi",
        stats.foreignCalls,
        `${stats.foreignCalls} system call${stats.foreignCalls === 1n ? "" : "s"} by the ABI of ` +
        "32-bit programs, of any process, left out: " +
        "syscall: means this architecture's own",
      ],
      [
        "recursion",
        recursed,
        `${recursed} events passed over: they came while their CPU was in another event of the ` +
        "script",
      ],
      [
        "kernel_recursion",
        recursionMisses,
        `${recursionMisses} events passed over by the kernel: the probe's program was running on ` +
        "their CPU",
      ],
    ];
  }

  #tellLosses(): void {
    for (const [cause, count, text] of this.losses()) {
      if (count > 0n) this.printer.loss(cause, count, `WARNING: ${text}\n`);
    }
    this.#out.flush();
  }

  get #exiting(): boolean {
    return controlWord(this.#loaded.session, "exit") !== 0;
  }

  /** One round of reading; returns how many records there were. */
  round(): number {
    this.#options.symbolizer?.update();
    const count = this.#loaded.drain();
    const lost = this.#loaded.lostRecords();
    if (lost > this.#reportedLost) {
      this.printer.lost(BigInt(lost - this.#reportedLost));
      this.#reportedLost = lost;
    }
    if (this.#options.buffer !== "full") this.#out.flush();
    return count;
  }

  /** Closes what skboutput() has opened. */
  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }
}

// Reads records and does what their plans say.

import { HEADER } from "../../core/contract/event_layout.ts";
import type { Symbolizer } from "../../core/symbols/mod.ts";
import type { Script } from "../compile.ts";
import { formatExcerpt, formatPlace, type Span } from "../syntax/diagnostics.ts";
import { JsonPrinter } from "./json_printer.ts";
import { Memory } from "../model/memory.ts";
import { Out, type Sink } from "./output_buffer.ts";
import { PcapFiles } from "./pcap.ts";
import { KIND_PLAN, type Plan } from "../model/plan.ts";
import { packedAt, printFormat, printSlot, type RecordView } from "./printf.ts";
import type { Notice, Printer } from "./printer.ts";
import { strftime } from "./strftime.ts";
import { systemNames } from "./system.ts";
import { TextPrinter } from "./text_printer.ts";
import { type Entry, readEntry, sortEntries } from "./map_values.ts";
import { clearControl, controlWord, type Loaded } from "../model/loaded_script.ts";
import type { Names } from "./names.ts";

type RecordPlan = Plan & { kind: "record" };

/** What happens to output. */
export interface RunnerOptions {
  /** What the script prints. */
  readonly stdout: Sink;
  /** What btrace says about it. */
  readonly stderr: Sink;
  /** Ends the run, with END and maps. */
  readonly signal?: AbortSignal;
  /** Output as text or as JSON. */
  readonly format?: "text" | "json";
  /** Does not say how many probes are attached. */
  readonly quiet?: boolean;
  /** warnf() says nothing. */
  readonly noWarnings?: boolean;
  /** When output is written: after each round of reading, each record, or when there is much. */
  readonly buffer?: "none" | "line" | "full";
  /** Names addresses of processes. */
  readonly symbolizer?: Symbolizer;
}

/** One run of a script, seen from this side. */
export class Runner implements Disposable {
  readonly printer: Printer;
  readonly #script: Script;
  readonly #loaded: Loaded;
  readonly #options: RunnerOptions;
  readonly #out: Out;
  /** Of the record at hand. */
  #memory!: Memory;
  readonly #names: Names;
  #reportedLost = 0;
  /** exit() was seen: what comes behind it in the ring is not wanted, until END. */
  #exited = false;
  readonly #captures = new PcapFiles();
  /** errorf() was called: a test has failed. */
  failed = false;

  constructor(script: Script, loaded: Loaded, options: RunnerOptions) {
    this.#script = script;
    this.#loaded = loaded;
    this.#options = options;
    this.#out = new Out(options.stdout);
    const probeNames = new Map(script.probes.map(({ pbn, name }) => [pbn, name]));
    this.#names = systemNames({
      trailer: script.config.strTruncTrailer,
      probe: (pbn) => probeNames.get(pbn) ?? `${pbn}`,
      text: (index) => loaded.plans.texts[index],
      frames: (hash) => loaded.frames(hash),
    }, options.symbolizer);
    loaded.onRecord = this.#record;
    this.printer = options.format === "json"
      ? new JsonPrinter(this.#out, this.#names)
      : new TextPrinter(this.#out, this.#names, (text) => this.say(text), options.quiet === true);
  }

  /** Forgets what exit() and errorf() did: another test begins. */
  reset(): void {
    this.failed = false;
    this.#exited = false;
    clearControl(this.#loaded.session);
  }

  /** What exit() was given so far. */
  get exitCode(): number {
    return controlWord(this.#loaded.session, "exitCode");
  }

  say(text: string): void {
    this.#options.stderr(new TextEncoder().encode(text));
  }

  /** Until exit(), the signal, or the end of all that could fire. */
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
        await session.wait();
      }
    } finally {
      signal?.removeEventListener("abort", wake);
    }
  }

  /** Everything has been detached: END, what is left in the ring, maps. */
  finish(end: () => void): void {
    while (this.round() > 0);
    this.#exited = false;
    end();
    while (this.round() > 0);
    this.printer.ending();
    if (this.#script.config.printMapsOnExit) {
      for (const name of this.#script.maps.keys()) this.#printMap(name, {});
    }
    this.#out.flush();
    const { lostRecords, failedUpdates } = this.#loaded.session.stats();
    if (lostRecords > 0n) this.say(`WARNING: Total lost event count: ${lostRecords}\n`);
    const unfollowed = controlWord(this.#loaded.session, "unfollowed");
    if (unfollowed > 0) {
      this.say(`WARNING: Child processes not followed, too many at one time: ${unfollowed}\n`);
    }
    if (failedUpdates > 0n) {
      this.say(
        `WARNING: ${failedUpdates} map update${
          failedUpdates === 1n ? "" : "s"
        } failed: Map full; ` +
          `can't update element. Try increasing max_map_keys config (BPFTRACE_MAX_MAP_KEYS)\n`,
      );
    }
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

  /** Bound once: no closure per round. */
  readonly #record = (memory: Memory, offset: number): void => {
    this.#memory = memory;
    if (memory.u32(offset + HEADER.kind) === KIND_PLAN && !this.#exited) {
      this.#perform(this.#loaded.plans.list[memory.u32(offset + HEADER.id)], offset);
    }
    if (this.#options.buffer === "none") this.#out.flush();
    else this.#out.flushIfLarge();
  };

  #perform(plan: Plan, at: number): void {
    switch (plan.kind) {
      case "record":
        return this.#act(plan, at);
      case "entry": {
        const { type, layout } = this.#script.maps.get(plan.map)!;
        const map = this.#loaded.maps.get(plan.map)!;
        const from = at + plan.at;
        const key = this.#memory.bytes.slice(from, from + layout.keySize);
        const value = map.lookup(key) ?? new Uint8Array(map.valueBytes);
        const entry = readEntry(type, key, value, layout.valueSize);
        return this.printer.element(type, entry.value);
      }
      case "print":
        return this.#printMap(plan.map, plan);
      case "clear":
        return this.#loaded.maps.get(plan.map)!.clear();
      case "zero":
        return this.#loaded.maps.get(plan.map)!.zero();
      case "fault":
        return this.#fault(plan, at);
      case "exit":
        this.#exited = true;
    }
  }

  /** Bound once: what a printf is about, and the two ways of showing it. */
  #plan!: RecordPlan;
  readonly #view: { memory: Memory; at: number; layout: RecordPlan["layout"] } = {
    memory: undefined!,
    at: 0,
    layout: undefined!,
  };
  readonly #writeFormat = (): void => {
    const { action, values } = this.#plan;
    const { parts } = action as RecordPlan["action"] & { kind: "printf" };
    printFormat(this.#out, parts, values, this.#view, this.#names);
  };

  #act(plan: RecordPlan, at: number): void {
    const { action, values, layout } = plan;
    const view = this.#view;
    view.memory = this.#memory;
    view.at = at;
    view.layout = layout;
    this.#plan = plan;
    switch (action.kind) {
      case "printf":
        return this.printer.message("printf", this.#writeFormat);
      case "value":
        return this.#value(values[0], view);
      case "cat":
        return this.#cat(this.#text(this.#writeFormat));
      case "system":
        return this.#system(this.#text(this.#writeFormat));
      case "errorf":
      case "warnf":
        return this.#message(action, this.#text(this.#writeFormat));
      case "time": {
        const now = strftime(action.format, BigInt(Date.now()) * 1_000_000n);
        return this.printer.message("time", () => this.#out.utf8(now));
      }
      case "join":
        return this.#join(values as number[], view, action.separator);
      case "skboutput":
        return this.#capture(action.file, at);
    }
  }

  #value(value: number | string, view: RecordView): void {
    if (typeof value === "string") return this.printer.literal(value);
    const slot = view.layout.slots[value];
    if (slot.form === "inline") {
      return this.printer.value(slot.type, view.memory, view.at + slot.at);
    }
    if (slot.type.kind === "string" && this.#options.format !== "json") {
      printSlot(this.#out, view, value, this.#names);
      return this.#out.text("\n");
    }
    // Back into the form in which all printers know it.
    const length = view.memory.u32(view.at + slot.at);
    const from = packedAt(view, value);
    const data = view.memory.bytes.subarray(from, from + length);
    const head = slot.type.kind === "buffer" ? 8 : 0;
    const bytes = new Uint8Array(
      head + Math.max(8, slot.type.kind === "string" ? slot.type.size : length),
    );
    bytes.set(data, head);
    if (head > 0) new DataView(bytes.buffer).setUint32(0, length, true);
    this.printer.value(slot.type, new Memory(bytes), 0);
  }

  /** What a piece of output is as text, one character a byte. */
  #text(write: () => void): string {
    const mark = this.#out.length;
    write();
    return this.#out.take(mark);
  }

  #join(values: readonly number[], view: RecordView, separator: string): void {
    const parts = values.filter((index) =>
      view.memory.u32(view.at + view.layout.slots[index].at) > 0
    )
      .map((index) => this.#text(() => printSlot(this.#out, view, index, this.#names)));
    this.printer.message("join", () => this.#out.text(parts.join(separator)));
    if (this.#options.format !== "json") this.#out.text("\n");
  }

  #capture(file: string, at: number): void {
    const view = this.#view;
    const [length, bytes] = view.layout.slots;
    const from = packedAt(view, 1);
    const packet = {
      timeNs: this.#names.wallTime(this.#memory.u64(at + HEADER.time)),
      length: this.#memory.u32(at + length.at),
      data: this.#memory.bytes.subarray(from, from + this.#memory.u32(at + bytes.at)),
    };
    try {
      this.#captures.write(file, packet);
    } catch (error) {
      if (error instanceof TypeError) throw error;
      this.#out.flush();
      this.say(`ERROR: failed to write '${file}' (${(error as Error).message})\n`);
    }
  }

  /** Closes what skboutput() has opened. */
  [Symbol.dispose](): void {
    this.#captures[Symbol.dispose]();
  }

  #cat(path: string): void {
    const name = decode(path);
    try {
      // Opening one would wait for somebody to write to it.
      if (Deno.statSync(name).isFifo) throw new Error("Is a FIFO");
      using file = Deno.openSync(name);
      const bytes = new Uint8Array(this.#script.config.maxCatBytes);
      let length = 0;
      for (let read = file.readSync(bytes); read !== null && read > 0;) {
        length += read;
        read = file.readSync(bytes.subarray(length));
      }
      this.printer.message("cat", () => this.#out.raw(bytes.subarray(0, length)));
    } catch (error) {
      const reason = error instanceof Deno.errors.NotFound
        ? "No such file or directory"
        : error instanceof Deno.errors.PermissionDenied
        ? "Permission denied"
        : (error as Error).message;
      this.#out.flush();
      this.say(`ERROR: failed to open file '${name}' (${reason})\n`);
    }
  }

  #system(command: string): void {
    this.#out.flush();
    const { stdout } = new Deno.Command("sh", {
      args: ["-c", decode(command)],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).outputSync();
    this.printer.message("syscall", () => this.#out.raw(stdout));
    if (this.#options.format !== "json") this.#out.text("\n");
  }

  #message(action: RecordPlan["action"] & { kind: "errorf" | "warnf" }, message: string): void {
    if (action.kind === "errorf") this.failed = true;
    else if (this.#options.noWarnings) return;
    const { source } = this.#script;
    const severity = action.kind === "errorf" ? "ERROR" : "WARNING";
    const [first, ...around] = action.spans;
    const text = decode(message);
    let all = `${formatPlace(first, source)}: ${severity}: ${text}\n`;
    if (around.length > 0) all += formatExcerpt(first, source);
    for (const span of around) {
      all += `${formatPlace(span, source)}: ERROR: expanded from\n${formatExcerpt(span, source)}`;
    }
    this.printer.notice(this.#notice(action.kind, text, first, all));
  }

  #notice(kind: Notice["kind"], message: string, span: Span, text: string): Notice {
    return { kind, message, place: this.#script.source.position(span.start), text };
  }

  #fault({ fault, span }: Plan & { kind: "fault" }, at: number): void {
    const { source } = this.#script;
    const retcode = Number(BigInt.asIntN(64, this.#memory.u64(at + HEADER.bytes)));
    const message = fault.message ?? this.#names.error(retcode);
    const helper = fault.kind === "helper_error" ? fault.helper : undefined;
    const details = helper === undefined
      ? ""
      : `Additional Info - helper: ${helper}, retcode: ${retcode}\n`;
    const text = `${formatPlace(span, source)}: WARNING: ${message}\n${details}` +
      formatExcerpt(span, source);
    this.printer.notice({ ...this.#notice(fault.kind, message, span, text), helper, retcode });
  }

  #entries(name: string): Entry[] {
    const { type, layout } = this.#script.maps.get(name)!;
    const entries = [...this.#loaded.maps.get(name)!.entries()].map(([key, value]) =>
      readEntry(type, key, value, layout.valueSize)
    );
    return sortEntries(type, entries);
  }

  #printMap(name: string, limits: { top?: number; div?: bigint }): void {
    this.printer.map(this.#script.maps.get(name)!.type, this.#entries(name), limits);
  }
}

/** A script's text is one character a byte. */
function decode(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0)));
}

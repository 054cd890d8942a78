// Reads records and does what their plans say.

import { errorCode } from "../../core/errors.ts";
import { openInput } from "../../core/sys/input_file.ts";
import { HEADER } from "../../core/contract/event_layout.ts";
import type { Script } from "../compile.ts";
import { formatExcerpt, formatPlace, type Span } from "../syntax/diagnostics.ts";
import type { Memory } from "../model/memory.ts";
import type { Out } from "./output_buffer.ts";
import { PcapFiles } from "./pcap.ts";
import { RateLimit } from "./rate_limit.ts";
import { KIND_PLAN, type Plan } from "../model/plan.ts";
import { packedAt, printFormat, printSlot, type RecordView, type ValuesView } from "./printf.ts";
import type { Notice, Printer, PrinterOutput, PrintLimits } from "./printer.ts";
import { strftime } from "./strftime.ts";
import { readEntry, readMap } from "./map_values.ts";
import type { Loaded } from "../model/loaded_script.ts";
import type { Names } from "./names.ts";

type RecordPlan = Plan & { kind: "record" };

/** Printer and output of a record reader. */
export interface ReaderOutput extends PrinterOutput {
  /** Printer that shows what records say. */
  readonly printer: Printer;
  /** True if warnf() says nothing. */
  readonly noWarnings: boolean;
}

/** Does what records say, one after the other. */
export class RecordReader implements Disposable {
  readonly #script: Script;
  readonly #loaded: Loaded;
  readonly #output: ReaderOutput;
  readonly #out: Out;
  readonly #names: Names;
  /** Memory of the record at hand. */
  #memory!: Memory;
  readonly #captures = new PcapFiles();
  readonly #limit = new RateLimit();
  /** True after exit(): records behind it in the ring are not wanted, until END. */
  exited = false;
  /** True once errorf() has been called. */
  failed = false;

  constructor(script: Script, loaded: Loaded, output: ReaderOutput) {
    this.#script = script;
    this.#loaded = loaded;
    this.#output = output;
    this.#out = output.out;
    this.#names = output.names;
  }

  /** Closes what skboutput() has opened. */
  [Symbol.dispose](): void {
    this.#captures[Symbol.dispose]();
  }

  /** Does what the record at an offset says. Its memory is not kept. */
  read(memory: Memory, at: number): void {
    this.#memory = memory;
    if (memory.u32(at + HEADER.kind) === KIND_PLAN && !this.exited) {
      this.#perform(this.#loaded.plans.list[memory.u32(at + HEADER.id)], at);
    }
  }

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
        return this.#output.printer.element(type, entry.value);
      }
      case "print":
        return this.printMap(plan.map, plan);
      case "clear":
        return this.#loaded.maps.get(plan.map)!.clear();
      case "zero":
        return this.#loaded.maps.get(plan.map)!.zero();
      case "fault":
        return this.#fault(plan, at);
      case "exit":
        this.exited = true;
        return;
      default:
        plan satisfies never;
    }
  }

  /** Bound once: what a printf is about, and the two ways of showing it. */
  #plan!: RecordPlan;
  readonly #view: { -readonly [K in keyof ValuesView]: ValuesView[K] } = {
    memory: undefined!,
    at: 0,
    layout: undefined!,
    values: [],
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
    view.values = values;
    this.#plan = plan;
    switch (action.kind) {
      case "printf":
        return this.#output.printer.message("printf", this.#writeFormat, view);
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
        return this.#output.printer.message("time", () => this.#out.utf8(now));
      }
      case "join":
        return this.#join(values as number[], view, action.separator);
      case "skboutput":
        return this.#capture(action.file, at);
      default:
        action satisfies never;
    }
  }

  #value(value: number | string, view: RecordView): void {
    if (typeof value === "string") return this.#output.printer.literal(value);
    const slot = view.layout.slots[value];
    if (slot.form === "inline") {
      return this.#output.printer.value(slot.type, view.memory, view.at + slot.at);
    }
    this.#output.printer.packed(view, value);
  }

  /** Catches what `write` puts out, as text with one character a byte. */
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
    this.#output.printer.message("join", () => this.#out.text(parts.join(separator)));
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
      this.#output.say(`ERROR: failed to write '${file}' (${(error as Error).message})\n`);
    }
  }

  #cat(path: string): void {
    const name = decode(path);
    try {
      using input = openInput(name);
      const { file } = input;
      const bytes = new Uint8Array(this.#script.config.maxCatBytes);
      let length = 0;
      for (let read = file.readSync(bytes); read !== null && read > 0;) {
        length += read;
        read = file.readSync(bytes.subarray(length));
      }
      this.#output.printer.message("cat", () => this.#out.raw(bytes.subarray(0, length)));
    } catch (error) {
      const code = errorCode(error);
      const reason = code === "ENOENT"
        ? "No such file or directory"
        : code === "EACCES"
        ? "Permission denied"
        : (error as Error).message.replace(/^.*: /s, "");
      this.#out.flush();
      this.#output.say(`ERROR: failed to open file '${name}' (${reason})\n`);
    }
  }

  #system(command: string): void {
    this.#out.flush();
    const { stdout } = new Deno.Command("/bin/sh", {
      args: ["-c", decode(command)],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).outputSync();
    this.#output.printer.message("syscall", () => this.#out.own(stdout));
  }

  #message(action: RecordPlan["action"] & { kind: "errorf" | "warnf" }, message: string): void {
    if (action.kind === "errorf") this.failed = true;
    else if (this.#output.noWarnings) return;
    const { source } = this.#script;
    const severity = action.kind === "errorf" ? "ERROR" : "WARNING";
    const [first, ...around] = action.spans;
    const text = decode(message);
    let all = `${formatPlace(first, source)}: ${severity}: ${text}\n`;
    if (around.length > 0) all += formatExcerpt(first, source);
    for (const span of around) {
      all += `${formatPlace(span, source)}: ${severity}: expanded from\n${
        formatExcerpt(span, source)
      }`;
    }
    this.#output.printer.notice(this.#notice(action.kind, text, first, all));
  }

  #notice(kind: Notice["kind"], message: string, span: Span, text: string): Notice {
    return { kind, message, place: this.#script.source.position(span.start), text };
  }

  #fault(plan: Plan & { kind: "fault" }, at: number): void {
    const { fault, span } = plan;
    const { source } = this.#script;
    const retcode = Number(BigInt.asIntN(64, this.#memory.u64(at + HEADER.bytes)));
    const about = fault.kind === "helper_error" ? fault.retcode : undefined;
    const isAbout = about === undefined || about === retcode;
    const message = (isAbout ? fault.message : undefined) ?? this.#failure(retcode);
    const helper = fault.kind === "helper_error" ? fault.helper : undefined;
    const details = helper === undefined
      ? ""
      : `Additional Info - helper: ${helper}, retcode: ${retcode}\n`;
    // JSON has the system's own words for what a helper returned.
    const reason = helper === undefined ? message : this.#failure(retcode);
    const tell = (prefix: string, excerpt: string) => {
      const text = `${formatPlace(span, source)}: WARNING: ${prefix}${message}\n${excerpt}`;
      const notice = this.#notice(fault.kind, prefix + reason, span, text);
      this.#output.printer.notice({ ...notice, helper, retcode });
    };
    const more = (count: number) => tell(`${count} more: `, "");
    if (this.#limit.passes(plan, more)) tell("", details + formatExcerpt(span, source));
  }

  /** An error number as the C library names it, where strerror() of scripts has other words. */
  #failure(retcode: number): string {
    return LIBRARY_TEXTS[Math.abs(retcode)] ?? this.#names.error(retcode);
  }

  /** Tells how many warnings were not shown one by one. */
  tellHidden(): void {
    this.#limit.tellHidden();
  }

  /** Prints a whole map. */
  printMap(name: string, limits: PrintLimits = {}): void {
    const compiled = this.#script.maps.get(name)!;
    const entries = readMap(compiled, this.#loaded.maps.get(name)!);
    this.#output.printer.map(compiled.type, entries, limits);
  }
}

/** Words of the C library for errors that helpers return. */
const LIBRARY_TEXTS: Readonly<Record<number, string>> = {
  12: "Cannot allocate memory",
  16: "Device or resource busy",
  34: "Numerical result out of range",
};

/** A script's text is one character a byte. */
function decode(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0)));
}

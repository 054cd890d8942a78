// Timelines in Chrome's JSON trace format, which ui.perfetto.dev and chrome://tracing open. Slices are
// written when they have ended, so that no trace is too large.

import { openOutput, type OutputFile } from "../../core/sys/output_file.ts";
import { safeJson } from "../../core/safe_text.ts";
import { type SyncWriter, writeAll } from "./terminal.ts";

/** What a slice or an instant says about itself: shown by the viewer when it is chosen. */
export type Details = Readonly<Record<string, unknown>>;

/** Characters that are written at once. */
const MOST_TEXT = 1 << 16;

/** An event on the row of a thread. */
export interface TimelineEvent {
  /** Process whose thread it is. */
  readonly pid: number;
  /** Thread on whose row the event stands. */
  readonly tid: number;
  /** Text that stands on the event. */
  readonly name: string;
  /** Kind of the event, by which viewers filter: "call", "signal". */
  readonly category: string;
  /** Time of the event, or of its begin, in nanoseconds since the timeline's start. */
  readonly ns: number;
  /** What the viewer shows beside. */
  readonly details?: Details;
}

/** Writes the events of a timeline as they come. */
export class Timeline {
  readonly #writer: SyncWriter;
  #text: string;
  #isFirst = true;

  /**
   * Starts a timeline.
   *
   * @param writer Takes the bytes of the file.
   * @param startMs Time that all times count from, in milliseconds since 1970.
   */
  constructor(writer: SyncWriter, startMs: number) {
    this.#writer = writer;
    const start = new Date(startMs);
    const otherData = Number.isNaN(start.getTime()) ? {} : { start: start.toISOString() };
    this.#text = `{"displayTimeUnit":"ns","otherData":${JSON.stringify(otherData)},"traceEvents":[`;
  }

  /** Names a process; the last name counts. */
  process(pid: number, name: string, label?: string): void {
    this.#metadata("process_name", pid, pid, { name });
    if (label !== undefined) this.#metadata("process_labels", pid, pid, { labels: label });
  }

  /** Names a thread; the last name counts. */
  thread(pid: number, tid: number, name: string): void {
    this.#metadata("thread_name", pid, tid, { name });
  }

  /** Puts an event that lasted so many nanoseconds. Those of a thread stand within each other. */
  slice(event: TimelineEvent, durationNs: number): void {
    this.#event(event, `"ph":"X","dur":${micros(Math.max(0, durationNs))}`);
  }

  /** Puts an event that has no duration. */
  instant(event: TimelineEvent): void {
    this.#event(event, '"ph":"i","s":"t"');
  }

  /** Ends the list of events, and writes what is left. */
  end(): void {
    this.#text += "\n]}\n";
    this.#write();
  }

  #metadata(name: string, pid: number, tid: number, args: Details): void {
    this.#line(
      `{"ph":"M","name":"${name}","cat":"__metadata","pid":${pid},"tid":${tid},"ts":0,` +
        `"args":${JSON.stringify(args)}}`,
    );
  }

  #event({ pid, tid, name, category, ns, details }: TimelineEvent, phase: string): void {
    this.#line(
      `{${phase},"name":${JSON.stringify(name)},"cat":"${category}","pid":${pid},"tid":${tid},` +
        `"ts":${micros(ns)},"args":${JSON.stringify(details ?? {})}}`,
    );
  }

  #line(json: string): void {
    this.#text += `${this.#isFirst ? "" : ","}\n${safeJson(json)}`;
    this.#isFirst = false;
    if (this.#text.length > MOST_TEXT) this.#write();
  }

  #write(): void {
    writeAll(this.#writer, new TextEncoder().encode(this.#text));
    this.#text = "";
  }
}

/** Longest name of a slice. */
const MOST_NAME = 200;

/** A command and its arguments as the name of a slice; `…` stands for what is cut. */
export function commandName(words: readonly string[]): string {
  const name = words.join(" ");
  return name.length <= MOST_NAME ? name : `${name.slice(0, MOST_NAME).toWellFormed()}…`;
}

/** Microseconds, which the format counts by, with the nanoseconds behind the point. */
function micros(ns: number): string {
  const rest = ns % 1000;
  return `${(ns - rest) / 1000}.${String(rest).padStart(3, "0")}`;
}

/**
 * Opens the file of a timeline, empty.
 *
 * @throws {DtError} The file cannot be written.
 */
export function openTimelineFile(path: string): OutputFile {
  const file = openOutput(path);
  file.truncate();
  return file;
}

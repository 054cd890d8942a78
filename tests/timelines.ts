// Timelines as a reader that is not ours sees them: TracerBench's model of Chrome's traces.

import { assert } from "@std/assert";
import { buildModel } from "npm:@tracerbench/trace-model@8.0.0";

/** An event on a thread's row. */
export interface SeenEvent {
  readonly name: string;
  readonly category: string;
  readonly pid: number;
  readonly tid: number;
  /** Start, in microseconds. */
  readonly start: number;
  /** Microseconds; 0 of an instant. */
  readonly duration: number;
  readonly args: Readonly<Record<string, unknown>>;
}

/** What the reader has found. */
export interface SeenTimeline {
  /** Names of processes by number. */
  readonly processes: ReadonlyMap<number, string>;
  readonly labels: ReadonlyMap<number, string>;
  readonly events: readonly SeenEvent[];
}

/** Reads a timeline, and checks that the slices of each thread stand within each other. */
export function readTimeline(path: string): SeenTimeline {
  const { traceEvents } = JSON.parse(Deno.readTextFileSync(path));
  const events: SeenEvent[] = [];
  const processes = new Map<number, string>();
  const labels = new Map<number, string>();
  for (const { name, pid, args } of traceEvents) {
    if (name === "process_labels") labels.set(pid, args.labels);
  }
  for (const one of buildModel(traceEvents).processes) {
    if (one.name !== undefined) processes.set(Number(one.id), one.name);
    for (const thread of one.threads) {
      const seen = thread.events.filter(({ ph }) => ph !== "M").map((event): SeenEvent => ({
        name: event.name,
        category: String(event.cat),
        pid: Number(event.pid),
        tid: Number(event.tid),
        start: event.start,
        duration: event.duration,
        args: (event.args ?? {}) as Record<string, unknown>,
      }));
      assertNested(seen.filter(({ duration }) => duration > 0));
      events.push(...seen);
    }
  }
  return { processes, labels, events };
}

function assertNested(slices: readonly SeenEvent[]): void {
  const ends: number[] = [];
  const sorted = slices.toSorted((a, b) => a.start - b.start || b.duration - a.duration);
  for (const { start, duration, name } of sorted) {
    while (ends.length > 0 && ends.at(-1)! <= start + 0.0005) ends.pop();
    const end = start + duration;
    assert(
      ends.length === 0 || end <= ends.at(-1)! + 0.0015,
      `${name} at ${start} crosses another`,
    );
    ends.push(end);
  }
}

// Pure: no I/O, no FFI.
// A profile as data: stacks of functions with what was measured. All writers start from it.

/** What a frame is: its colour, and the mark of collapsed stacks. */
export type FrameKind = "kernel" | "native" | "javascript" | "process";

/** A function. */
export interface Frame {
  readonly name: string;
  readonly kind: FrameKind;
  /** File that it is in: a program, a library, a source. */
  readonly file?: string;
}

/** A stack with what was measured at it. */
export interface Stack {
  /** Indexes of frames, root first; the first one is the process. */
  readonly frames: readonly number[];
  /** Samples, or nanoseconds off the CPU. */
  readonly value: number;
  readonly pid: number;
  readonly comm: string;
}

/** All that was measured. */
export interface Profile {
  /** Each function once. */
  readonly frames: readonly Frame[];
  readonly stacks: readonly Stack[];
  /** On the CPU samples are counted, off the CPU nanoseconds. */
  readonly what: "on-CPU" | "off-CPU";
  /** Time between two samples on the CPU. */
  readonly periodNs: number;
  /** What was looked at: a command, a process, the machine. */
  readonly subject: string;
  readonly startMs: number;
  readonly durationMs: number;
}

/** Sum of all stacks. */
export function totalOf({ stacks }: Profile): number {
  return stacks.reduce((sum, { value }) => sum + value, 0);
}

/** A value as a person reads it. */
export function formatValue({ what }: Pick<Profile, "what">, value: number): string {
  if (what === "on-CPU") {
    return `${value.toLocaleString("en")} sample${value === 1 ? "" : "s"}`;
  }
  if (value < 1e6) return `${(value / 1e3).toFixed(0)} µs`;
  return value < 1e9 ? `${(value / 1e6).toFixed(1)} ms` : `${(value / 1e9).toFixed(2)} s`;
}

/** Makes frames, each once. */
export class FrameTable {
  readonly frames: Frame[] = [];
  readonly #indexes = new Map<string, number>();

  /** Index of a frame. */
  index(frame: Frame): number {
    const key = `${frame.kind}\0${frame.name}\0${frame.file ?? ""}`;
    let index = this.#indexes.get(key);
    if (index === undefined) this.#indexes.set(key, index = this.frames.push(frame) - 1);
    return index;
  }
}

/** Adds up stacks that are the same. */
export class StackSum {
  readonly #stacks = new Map<string, { stack: Omit<Stack, "value">; value: number }>();

  add(stack: Omit<Stack, "value">, value: number): void {
    const key = `${stack.pid} ${stack.frames.join()}`;
    const known = this.#stacks.get(key);
    if (known === undefined) this.#stacks.set(key, { stack, value });
    else known.value += value;
  }

  get stacks(): Stack[] {
    return [...this.#stacks.values()].map(({ stack, value }) => ({ ...stack, value }));
  }
}

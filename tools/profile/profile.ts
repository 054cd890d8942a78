// Pure: no I/O, no FFI.
// A profile as data: stacks of functions with samples or times. All writers of files start from this data.

/** Origin of a frame's code, which decides its colour and its mark in collapsed stacks. */
export type FrameKind = "kernel" | "native" | "javascript" | "process";

/** A function that stands in stacks. */
export interface Frame {
  /** Name of the function, in brackets if there is no symbol; of a process, its name. */
  readonly name: string;
  /** Origin of the function's code; "process" for the root of a stack. */
  readonly kind: FrameKind;
  /** File of the function's code: a program, a library, a source. */
  readonly file?: string;
}

/** A stack with the sum of its samples or waits. */
export interface Stack {
  /** Indexes of frames, root first; the first frame is the process. */
  readonly frames: readonly number[];
  /** Samples on the CPU, or nanoseconds off the CPU. */
  readonly value: number;
  /** Id of the process that had the stack. */
  readonly pid: number;
  /** Name of the process that had the stack. */
  readonly comm: string;
}

/** All stacks of a measurement, with its circumstances. */
export interface Profile {
  /** Each function once; stacks refer to indexes of this array. */
  readonly frames: readonly Frame[];
  /** Each distinct stack of a process once. */
  readonly stacks: readonly Stack[];
  /** Kind of values: "on-CPU" counts samples, "off-CPU" adds nanoseconds. */
  readonly what: "on-CPU" | "off-CPU";
  /** Nanoseconds between two samples on the CPU. */
  readonly periodNs: number;
  /** Title of the profile: a command line, a process, all processes. */
  readonly subject: string;
  /** Time of the start, in milliseconds since 1970. */
  readonly startMs: number;
  /** Length of the measurement, in milliseconds. */
  readonly durationMs: number;
}

/** Sum of the values of all stacks. */
export function totalOf({ stacks }: Profile): number {
  return stacks.reduce((sum, { value }) => sum + value, 0);
}

/** A value as text for people: samples, or a time with its unit. */
export function formatValue({ what }: Pick<Profile, "what">, value: number): string {
  if (what === "on-CPU") {
    return `${value.toLocaleString("en")} sample${value === 1 ? "" : "s"}`;
  }
  if (value < 1e6) return `${(value / 1e3).toFixed(0)} µs`;
  return value < 1e9 ? `${(value / 1e6).toFixed(1)} ms` : `${(value / 1e9).toFixed(2)} s`;
}

/** Numbers frames, equal ones only once. */
export class FrameTable {
  /** Frames in the order of their indexes. */
  readonly frames: Frame[] = [];
  readonly #indexes = new Map<string, number>();

  /** Index of a frame, which is added if it is new. */
  index(frame: Frame): number {
    const key = `${frame.kind}\0${frame.name}\0${frame.file ?? ""}`;
    let index = this.#indexes.get(key);
    if (index === undefined) this.#indexes.set(key, index = this.frames.push(frame) - 1);
    return index;
  }
}

/** Adds up the values of equal stacks. */
export class StackSum {
  readonly #stacks = new Map<string, { stack: Omit<Stack, "value">; value: number }>();

  /** Adds a value to the sum of a stack. */
  add(stack: Omit<Stack, "value">, value: number): void {
    const key = `${stack.pid} ${stack.frames.join()}`;
    const known = this.#stacks.get(key);
    if (known === undefined) this.#stacks.set(key, { stack, value });
    else known.value += value;
  }

  /** Each distinct stack with its sum. */
  get stacks(): Stack[] {
    return [...this.#stacks.values()].map(({ stack, value }) => ({ ...stack, value }));
  }
}

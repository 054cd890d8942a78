// The tracepoints of this process: one set, which all copies of this module in the process share.

import type { ArgumentType } from "./image.ts";

/** A value that a tracepoint is given. */
export type PointValue = string | number | bigint | boolean;

/** A tracepoint that this process has declared. */
export interface Point {
  /** Namespace of the tracepoint: the provider of its static probe. */
  readonly namespace: string;
  /** Name of the tracepoint within its namespace. */
  readonly name: string;
  /** Types of the tracepoint's arguments, in order. */
  readonly types: readonly ArgumentType[];
  /** The word at `index` is zero while the tracepoint is unused: tracers raise the low half, listeners the high. */
  readonly words: Uint32Array;
  /** Index of the tracepoint's word in `words`. */
  readonly index: number;
  /** Listeners within this process, called with the values of each firing. */
  readonly listeners: Set<(values: readonly PointValue[]) => void>;
  /** Calls the probe's function; absent if there is no library. */
  readonly call?: (values: readonly PointValue[]) => void;
}

/** A value as an integer, whatever the program has passed. */
export function integerOf(value: PointValue): bigint {
  if (typeof value === "bigint") return value;
  const number = Number(value);
  return Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n;
}

const KEY = Symbol.for("dt.static.points.v1");

/** All tracepoints of this process by "namespace:name". */
export function points(): Map<string, Point> {
  const all = globalThis as unknown as Record<symbol, Map<string, Point> | undefined>;
  return all[KEY] ??= new Map();
}

/** Adds a listener of this process, until the result is disposed. */
export function listen(
  point: Point,
  listener: (values: readonly PointValue[]) => void,
): Disposable {
  point.listeners.add(listener);
  raise(point);
  return {
    [Symbol.dispose]() {
      point.listeners.delete(listener);
      raise(point);
    },
  };
}

/** The high half alone: the kernel may write the other one at any time. */
function raise({ words, index, listeners }: Point): void {
  const halves = new Uint16Array(words.buffer, words.byteOffset, words.length * 2);
  halves[index * 2 + 1] = Math.min(listeners.size, 0xffff);
}

/** Somebody looks: tells them. Nothing of what they do comes back to the program. */
export function tell(point: Point, values: readonly PointValue[]): void {
  if (point.words[point.index] & 0xffff) point.call?.(values);
  for (const listener of point.listeners) listener(values);
}

// Pure: no I/O, no FFI.
// Stacks: the frames are kept under a number, which is the value.

import type { Node } from "../model/ir.ts";
import type { StackType } from "../model/types.ts";
import { type Build, type Effect, refuse, type Scalar } from "./builder.ts";
import { locate } from "./memory.ts";

/** Every stack once, at most so many of them. */
export class Stacks {
  readonly #most: number;
  readonly #numbers = new Map<string, bigint>();
  readonly #frames: (readonly bigint[])[] = [[]];

  constructor(most: number) {
    this.#most = most;
  }

  /** Number of a stack; 0 means that there is no room for it. */
  number(frames: readonly bigint[]): bigint {
    const key = frames.join();
    let number = this.#numbers.get(key);
    if (number === undefined && this.#frames.length > this.#most) return 0n;
    if (number === undefined) {
      number = BigInt(this.#frames.push(frames) - 1);
      this.#numbers.set(key, number);
    }
    return number;
  }

  /** Frames of a stack, leaf first. */
  frames(number: bigint): bigint[] {
    return [...this.#frames[Number(number)] ?? []];
  }
}

/** Writes number and process of a stack. */
export function placeStack(b: Build, node: Node, to: number): Effect {
  const { space, limit } = node.type as StackType;
  if (space === "kernel") refuse(node, "This records a stack of the kernel");
  const { scratch, state, stacks, onUserStack } = b;
  return () => {
    const { thread } = state.event;
    const frames = thread.stack(limit);
    onUserStack?.(thread.pid, frames);
    const number = stacks.number(frames);
    if (number === 0n) state.site.failedUpdates++;
    scratch.memory.setWord(to, number);
    scratch.memory.setWord(to + 8, BigInt(thread.pid));
  };
}

/** Frames of a stack. */
export function stackLength(b: Build, stack: Node): Scalar {
  const { at, fill } = locate(b, stack);
  const { scratch, stacks } = b;
  return () => {
    fill();
    return BigInt(stacks.frames(scratch.memory.i64(at)).length);
  };
}

// Pure: no I/O, no FFI.
// Memory of one action.
//
//   stack, below R10                       scratch of this CPU, above R7
//   -8        for loads (location.ts)      slots that found no room on the stack
//   -16…-400  slots: variables, spilled    the record that is being written
//             operands, short keys         strings and long keys
//
// Slots are taken and given back like a stack; the frame remembers how much was needed at most, which
// is how the sizes of the first two regions are known when code is emitted for good.

import { R10, R7, type Register } from "../../../core/asm/register.ts";

/** A place in memory: base register and offset. */
export interface Place {
  /** R10 or R7. */
  readonly base: Register;
  /** Bytes from it. */
  readonly offset: number;
}

/** 8 bytes for {@linkcode emitLoad}. */
export const LOAD_SPILL = -8;

const STACK_BYTES = 400;
/** So that a load's 16-bit offset reaches slots and the fixed part of a record. */
const MAX_OVERFLOW = 16384;
/** Longest thing that is put on the stack. */
const SHORT = 64;

/** The frame cannot hold a clause's variables. */
export class FrameError extends Error {
  /** Name of the class. */
  override readonly name = "FrameError";
}

/** Sizes of the first regions of scratch memory, in bytes. */
export interface FrameSizes {
  /** Slots that found no room on the stack. */
  readonly overflow: number;
  /** The longest record. */
  readonly record: number;
}

/** See the head of this file. */
export class Frame {
  readonly #scratch: number;
  readonly #sizes: FrameSizes;
  #stack = -LOAD_SPILL;
  #overflow = 0;
  #strings = 0;
  readonly #most = { overflow: 0, record: 0, strings: 0 };

  /**
   * @param scratch Offset of the scratch memory from R7.
   * @param sizes What an earlier emission of the same action needed.
   */
  constructor(scratch: number, sizes: FrameSizes) {
    this.#scratch = scratch;
    this.#sizes = sizes;
  }

  /** Where records are put together. */
  record(bytes: number): Place {
    this.#most.record = Math.max(this.#most.record, bytes);
    return { base: R7, offset: this.#scratch + this.#sizes.overflow };
  }

  /** 8 bytes. */
  slot(): Place {
    return this.block(8);
  }

  /** `bytes`, a multiple of 8; more than 64 come from scratch memory. */
  block(bytes: number): Place {
    if (bytes <= SHORT) {
      if (this.#stack + bytes <= STACK_BYTES) {
        this.#stack += bytes;
        return { base: R10, offset: -this.#stack };
      }
      if (this.#overflow + bytes > MAX_OVERFLOW) {
        throw new FrameError("too many variables and nested operands in one clause");
      }
      this.#overflow += bytes;
      this.#most.overflow = Math.max(this.#most.overflow, this.#overflow);
      return { base: R7, offset: this.#scratch + this.#overflow - bytes };
    }
    const offset = this.#scratch + this.#sizes.overflow + this.#sizes.record + this.#strings;
    this.#strings += bytes;
    this.#most.strings = Math.max(this.#most.strings, this.#strings);
    return { base: R7, offset };
  }

  /** Runs `use` and gives back what it took. */
  scope<T>(use: () => T): T {
    const [stack, overflow, strings] = [this.#stack, this.#overflow, this.#strings];
    const result = use();
    [this.#stack, this.#overflow, this.#strings] = [stack, overflow, strings];
    return result;
  }

  /** What was needed at most. */
  get needed(): FrameSizes & { readonly scratch: number } {
    const { overflow, record, strings } = this.#most;
    return { overflow, record, scratch: overflow + record + strings };
  }
}

// Pure: no I/O, no FFI.
// Memory of one action.
//
//   stack, below R10                          scratch of this CPU, above R7
//   -8        for loads (location.ts)         slots: variables, operands, keys
//   -16…      addresses and lengths that      records, strings, tuples
//             the verifier must know again
//
// The verifier follows the value of each word of the stack. A condition on a variable there makes the
// verifier keep apart all ways on which the variable got different constants: n statements such as
// `if (…) { $flags |= 4; }` are 2^n ways. The verifier does not follow scratch memory, so whatever a
// script computes stands there.
//
// Slots are taken and given back like a stack; the frame remembers how much was needed at most, which
// is how the size of the first scratch region is known when code is emitted for good.
//
// A loop's body is a function of its own (loops.ts). It reaches scratch memory but not its caller's
// stack, and all functions of a chain of calls share the 512 bytes of stack.

import type { Span } from "../syntax/diagnostics.ts";
import { R10, R7, type Register } from "../../core/asm/register.ts";

/** A place in memory: base register and offset, or behind an address that is kept somewhere. */
export interface Place {
  /** Base register: R10 for the stack, R7 for scratch memory. */
  readonly base: Register;
  /** Bytes from the base's address. */
  readonly offset: number;
  /** Place that holds the base's address, instead of `base`. */
  readonly pointer?: Place;
}

/** Offset from R10 of 8 bytes for {@linkcode emitLoad}. */
export const LOAD_SPILL = -8;

/** All functions of a chain of calls together, without what core/kernel_plane/enter.ts takes. */
const STACK_BYTES = 440;
/** Memory of one function. */
const MOST_STACK = 400;
/** So that a load's 16-bit offset reaches slots. */
const MAX_SMALL = 16384;
/** Longest thing that stands among the slots. */
const SHORT = 64;

/** A clause is too large: for the frame, or for a program of the kernel. */
export class FrameError extends Error {
  /** Name of the class. */
  override readonly name = "FrameError";

  /**
   * Makes the error.
   *
   * @param message Clause that says what there is too much of.
   * @param span Place in the script; absent if the whole script is meant.
   */
  constructor(message: string, readonly span?: Span) {
    super(message);
  }
}

/** Runs `emit`; a frame that is too small gets a place in the script, unless it has one. */
export function placed<T>(span: Span, emit: () => T): T {
  try {
    return emit();
  } catch (error) {
    if (!(error instanceof FrameError) || error.span !== undefined) throw error;
    throw new FrameError(error.message, span);
  }
}

/** See the head of this file. */
export class Frame {
  readonly #scratch: number;
  readonly #smallBytes: number;
  readonly #stackBytes: number;
  #stack = -LOAD_SPILL;
  #small = 0;
  #large = 0;
  #mostSmall = 0;
  #mostLarge = 0;

  /**
   * @param scratch Offset of the scratch memory from R7.
   * @param smallBytes Slots in scratch memory that an earlier emission of the same action needed.
   * @param depth How deep loops are nested.
   */
  constructor(scratch: number, smallBytes: number, depth: number) {
    this.#scratch = scratch;
    this.#smallBytes = smallBytes;
    this.#stackBytes = Math.min(MOST_STACK, Math.floor(STACK_BYTES / (depth + 1) / 32) * 32);
    if (this.#stackBytes < 64) throw new FrameError("loops are nested too deep");
  }

  /** A place of 8 bytes. */
  slot(): Place {
    return this.block(8);
  }

  /** 8 bytes on the stack, for an address or a length that the verifier must know again. */
  stackSlot(): Place {
    return this.stackBlock(8);
  }

  /** Bytes on the stack. */
  stackBlock(bytes: number): Place {
    if (this.#stack + bytes > this.#stackBytes) {
      throw new FrameError("too many variables and nested operands in one clause");
    }
    this.#stack += bytes;
    return { base: R10, offset: -this.#stack };
  }

  /** `bytes`, a multiple of 8. */
  block(bytes: number): Place {
    if (bytes <= SHORT) {
      if (this.#small + bytes > MAX_SMALL) {
        throw new FrameError("too many variables and nested operands in one clause");
      }
      this.#small += bytes;
      this.#mostSmall = Math.max(this.#mostSmall, this.#small);
      return { base: R7, offset: this.#scratch + this.#small - bytes };
    }
    const offset = this.#scratch + this.#smallBytes + this.#large;
    this.#large += bytes;
    this.#mostLarge = Math.max(this.#mostLarge, this.#large);
    return { base: R7, offset };
  }

  /** Runs `use` and gives back what it took. */
  scope<T>(use: () => T): T {
    const restore = this.mark();
    const result = use();
    restore();
    return result;
  }

  /** Returns a function that goes back to what is taken now. */
  mark(): () => void {
    const [stack, small, large] = [this.#stack, this.#small, this.#large];
    return () => [this.#stack, this.#small, this.#large] = [stack, small, large];
  }

  /** Starts another function's stack. */
  newStack(): void {
    this.#stack = -LOAD_SPILL;
  }

  /** Most memory that was in use at one time. */
  get needed(): { readonly small: number; readonly scratch: number } {
    return { small: this.#mostSmall, scratch: this.#mostSmall + this.#mostLarge };
  }
}

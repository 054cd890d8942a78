// Pure: no I/O, no FFI.
// Memory of one action.
//
//   stack, below R10                       scratch of this CPU, above R7
//   -8        for loads (location.ts)      0        slots that found no room on the stack
//   -16…-400  slots: variables, spilled    512      the record that is being written
//             operands, short keys         then     strings and long keys
//
// Slots are taken and given back like a stack; the frame remembers how much was needed at most.

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
const OVERFLOW_BYTES = 512;
/** Longest thing that is put on the stack. */
const SHORT = 64;

/** The frame cannot hold a clause's variables. */
export class FrameError extends Error {
  /** Name of the class. */
  override readonly name = "FrameError";
}

/** See the head of this file. */
export class Frame {
  readonly #scratch: number;
  readonly #recordBytes: number;
  #stack = -LOAD_SPILL;
  #overflow = 0;
  #strings = 0;
  #mostStrings = 0;
  #mostRecord = 0;

  /**
   * @param scratch Offset of the scratch memory from R7.
   * @param recordBytes Longest record of the action; 0 while that is being found out.
   */
  constructor(scratch: number, recordBytes: number) {
    this.#scratch = scratch;
    this.#recordBytes = recordBytes;
  }

  /** Where records are put together. */
  record(bytes: number): Place {
    this.#mostRecord = Math.max(this.#mostRecord, bytes);
    return { base: R7, offset: this.#scratch + OVERFLOW_BYTES };
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
      if (this.#overflow + bytes <= OVERFLOW_BYTES) {
        this.#overflow += bytes;
        return { base: R7, offset: this.#scratch + this.#overflow - bytes };
      }
      throw new FrameError("too many variables and nested operands in one clause");
    }
    const offset = this.#scratch + OVERFLOW_BYTES + this.#recordBytes + this.#strings;
    this.#strings += bytes;
    this.#mostStrings = Math.max(this.#mostStrings, this.#strings);
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
  get needed(): { record: number; scratch: number } {
    const record = this.#mostRecord;
    return { record, scratch: OVERFLOW_BYTES + record + this.#mostStrings };
  }
}

// Events of this process on the user plane, made of JavaScript values.

import type { UserEvent } from "../contract/user_action.ts";
import { bootTimeNs } from "../sys/clock.ts";
import { lasting, type Mapping } from "../sys/memory.ts";
import { selfThread } from "../sys/thread.ts";

/** Value of an argument of such an event: text, or an integer. */
export type OwnValue = string | bigint;

/** Most bytes of a text, its NUL included. */
const STRING_BYTES = 4096;

/**
 * Makes events of a probe. Their thread is the first one of this process. Texts are put into memory, where
 * scripts read strings from; texts longer than 4095 bytes are cut.
 *
 * @example
 * ```ts
 * import { OwnEvents } from "./mod.ts";
 *
 * using events = new OwnEvents();
 * const { values } = events.event(["GET", 7n]);
 * console.log(values.arg1); // 7n; arg0 is an address
 * ```
 */
export class OwnEvents implements Disposable {
  readonly #thread = selfThread();
  readonly #encoder = new TextEncoder();
  /** Memory for the text of each argument, made when the argument is first a text. */
  readonly #texts: Mapping[] = [];

  /**
   * An event that happens now.
   *
   * @param args Values of `arg0`, `arg1`, …; their texts are valid until the next event.
   * @throws {TypeError} A value is neither text nor a bigint.
   */
  event(args: readonly OwnValue[]): UserEvent {
    const values: Record<string, bigint> = {};
    args.forEach((value, i) => {
      if (typeof value !== "bigint" && typeof value !== "string") {
        throw new TypeError(`Cannot make arg${i} of a ${typeof value}: a text or a bigint`);
      }
      values[`arg${i}`] = typeof value === "bigint" ? value : this.#address(value, i);
    });
    return { cpu: 0, thread: this.#thread, timestampNs: bootTimeNs(), values };
  }

  #address(value: string, i: number): bigint {
    const text = this.#texts[i] ??= lasting(STRING_BYTES);
    const bytes = new Uint8Array(text.buffer);
    const { written } = this.#encoder.encodeInto(value, bytes.subarray(0, -1));
    bytes[written] = 0;
    return text.address;
  }

  /** Frees the memory of the texts. */
  [Symbol.dispose](): void {
    for (const text of this.#texts) text?.[Symbol.dispose]();
    this.#texts.length = 0;
  }
}

// Events that wait to be iterated over, by one reader at a time.

import { DtError } from "../../core/errors.ts";
import type { ProcessEvent } from "./process_event.ts";

/** Events that may wait; the rest is lost, and counted. */
const MOST_WAITING = 1 << 17;

/** A queue with an end. */
export class EventQueue {
  #events: ProcessEvent[] = [];
  /** Where the next one is. */
  #head = 0;
  #wakeup?: () => void;
  #reading = false;
  #ended = false;
  #failure: unknown;
  /** Somebody has begun to read. */
  wanted = false;
  /** Events that found no room. */
  overflowed = 0n;

  /** Puts one at the end. */
  push(event: ProcessEvent): void {
    if (this.#events.length - this.#head < MOST_WAITING) this.#events.push(event);
    else this.overflowed++;
  }

  /** Tells the reader that there is something. */
  wake(): void {
    this.#wakeup?.();
  }

  /** Nothing will be put in any more. */
  end(failure?: unknown): void {
    this.#failure ??= failure;
    this.#ended = true;
    this.wake();
  }

  /**
   * Takes them out, one by one: whoever leaves the loop and comes again goes on where it was.
   *
   * @throws {DtError} EBUSY somebody else reads.
   */
  async *read(): AsyncGenerator<ProcessEvent> {
    if (this.#reading) {
      throw new DtError("EBUSY", "Cannot read events: somebody else does", { operation: "read" });
    }
    this.#reading = true;
    this.wanted = true;
    try {
      for (;;) {
        while (this.#head < this.#events.length) yield this.#next();
        if (this.#failure !== undefined) throw this.#failure;
        if (this.#ended) return;
        await new Promise<void>((resolve) => this.#wakeup = resolve);
      }
    } finally {
      this.#reading = false;
    }
  }

  #next(): ProcessEvent {
    const event = this.#events[this.#head++];
    if (this.#head === this.#events.length) {
      this.#events = [];
      this.#head = 0;
    }
    return event;
  }
}

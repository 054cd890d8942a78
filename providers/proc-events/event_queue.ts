// Events that wait to be iterated over, by one reader at a time.

import { DtError } from "../../core/errors.ts";
import type { ProcessEvent } from "./process_event.ts";

/** Most events that wait; further events are lost and counted. */
const MOST_WAITING = 1 << 17;

/** A queue of events that ends when the monitor is closed. */
export class EventQueue {
  #events: ProcessEvent[] = [];
  /** Index of the next event. */
  #head = 0;
  #wakeup?: () => void;
  #reading = false;
  #ended = false;
  #failure: unknown;
  /** True when a reader has begun to iterate. */
  wanted = false;
  /** Number of events that were lost because the queue was full. */
  overflowed = 0n;

  /** Appends an event to the queue. */
  push(event: ProcessEvent): void {
    if (this.#events.length - this.#head < MOST_WAITING) this.#events.push(event);
    else this.overflowed++;
  }

  /** Tells the reader that there are events. */
  wake(): void {
    this.#wakeup?.();
  }

  /** Ends the queue: no event will be appended any more. */
  end(failure?: unknown): void {
    this.#failure ??= failure;
    this.#ended = true;
    this.wake();
  }

  /**
   * Hands out the events one by one. A reader that leaves the loop and iterates again goes on where it was.
   *
   * @throws {DtError} EBUSY another reader iterates.
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

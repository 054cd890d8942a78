// Events in the order of their time. A ring has them in the order of writing: events of two CPUs at about
// the same time may be out of order.

import { bootTimeNs } from "../../core/sys/clock.ts";
import type { ProcessEvent } from "./process_event.ts";

/** How long an event waits for earlier events, in ms. */
const WAIT_MS = 10;

/** Holds events back for that time, and delivers them in the order of their time. */
export class TimeOrder {
  readonly #deliver: (events: readonly ProcessEvent[]) => void;
  #pending: ProcessEvent[] = [];
  /** In order, to be delivered. */
  readonly #due: ProcessEvent[] = [];
  #delivering = false;
  #timer?: ReturnType<typeof setTimeout>;

  /** @param deliver Gets events in order. */
  constructor(deliver: (events: readonly ProcessEvent[]) => void) {
    this.#deliver = deliver;
  }

  /** Takes an event, in any order. */
  push(event: ProcessEvent): void {
    this.#pending.push(event);
    this.#arm();
  }

  /** Delivers all events at once. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#take(this.#pending.length);
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const until = bootTimeNs() - BigInt(WAIT_MS) * 1_000_000n;
      const young = this.#sorted().findIndex(({ timestampNs }) => timestampNs > until);
      this.#take(young < 0 ? this.#pending.length : young);
      if (this.#pending.length > 0) this.#arm();
    }, WAIT_MS);
  }

  #sorted(): ProcessEvent[] {
    return this.#pending.sort((a, b) =>
      a.timestampNs < b.timestampNs ? -1 : a.timestampNs > b.timestampNs ? 1 : 0
    );
  }

  /** Delivering may lead to another delivery, which then comes after this one. */
  #take(count: number): void {
    for (const event of this.#sorted().slice(0, count)) this.#due.push(event);
    this.#pending = this.#pending.slice(count);
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      while (this.#due.length > 0) this.#deliver(this.#due.splice(0));
    } finally {
      this.#delivering = false;
    }
  }
}

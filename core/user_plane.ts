// Pure: no I/O, no FFI.
// `enter` on the user plane: a function that event sources call, the rings it fills, and waiting
// for them.

import { COMM_BYTES, EVENT, type EventLayout, HEADER, KIND_EVENT, MAX_ARGUMENTS } from "./event.ts";
import { EventRings } from "./event_ring.ts";
import { passesFilter } from "./filter.ts";
import type { Pcb } from "./pcb.ts";
import type { UserAttachment, UserEvent } from "./provider.ts";
import type { SessionStats } from "./stats.ts";

/** How to set up. */
export interface UserPlaneOptions {
  /** Number of rings. */
  readonly cpuCount: number;
  /** Events per ring. */
  readonly slots: number;
  /** Bytes of the largest event. */
  readonly slotBytes: number;
  /** Layout of a probe's events. */
  layoutOf(pbn: number): EventLayout;
}

/** The user side of one recording. */
export class UserPlane {
  readonly #options: UserPlaneOptions;
  readonly #rings: EventRings;
  #abort = new AbortController();
  #wakeup?: () => void;
  #failure: unknown;
  #fired = 0n;
  #filtered = 0n;
  #recorded = 0n;
  #aggregated = 0n;
  #recursed = 0n;
  #skippedTicks = 0n;
  #inEvent = false;

  /** Makes the rings; nothing runs yet. */
  constructor(options: UserPlaneOptions) {
    this.#options = options;
    this.#rings = new EventRings(options.cpuCount, options.slotBytes, options.slots);
  }

  /** Starts the event sources. */
  start(attachments: readonly UserAttachment[]): void {
    const { signal } = this.#abort;
    for (const attachment of attachments) {
      attachment.run(
        (pcb, event) => this.#enter(pcb, event),
        signal,
        (_cpu, ticks) => {
          this.#skippedTicks += BigInt(ticks);
        },
      ).catch((error) => {
        this.#failure ??= error;
        this.wake();
      });
    }
  }

  /** Stops the event sources. */
  stop(): void {
    this.#abort.abort();
  }

  /** Settles when something was recorded or {@linkcode wake} was called; throws what a source threw. */
  async wait(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#rings.empty || this.#abort.signal.aborted) return;
    await new Promise<void>((resolve) => this.#wakeup = resolve);
    this.#wakeup = undefined;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends a pending wait. */
  wake(): void {
    this.#wakeup?.();
  }

  /** Hands out events round robin over the CPUs, until `take` returns false. */
  drain(take: (event: Uint8Array) => boolean): void {
    this.#rings.read((slot) =>
      take(new Uint8Array(slot.buffer, slot.byteOffset, slot.getUint32(HEADER.size, true)))
    );
  }

  /** Counters so far. */
  stats(): Partial<SessionStats> {
    return {
      fired: this.#fired,
      filtered: this.#filtered,
      recorded: this.#recorded,
      aggregated: this.#aggregated,
      recursed: this.#recursed,
      dropped: this.#rings.dropped,
      lostRecords: this.#rings.dropped,
      skippedTicks: this.#skippedTicks,
    };
  }

  #enter(pcb: Pcb, event: UserEvent): void {
    this.#fired++;
    if (this.#inEvent) {
      this.#recursed++;
      return;
    }
    this.#inEvent = true;
    try {
      if (!passesFilter(pcb.request.filter, event)) {
        this.#filtered++;
      } else if (pcb.request.action !== undefined) {
        pcb.request.action.user?.(event, pcb);
        this.#aggregated++;
      } else {
        const layout = this.#options.layoutOf(pcb.probe.pbn);
        const fits = this.#rings.write(
          event.cpu,
          (slot) => fill(slot, pcb.probe.pbn, event, layout),
        );
        if (fits) this.#recorded++;
        this.wake();
      }
    } finally {
      this.#inEvent = false;
    }
  }
}

const encoder = new TextEncoder();

function fill(slot: DataView, pbn: number, event: UserEvent, layout: EventLayout): void {
  slot.setUint32(HEADER.kind, KIND_EVENT, true);
  slot.setUint32(HEADER.cpu, event.cpu, true);
  slot.setUint32(HEADER.id, pbn, true);
  slot.setUint32(HEADER.size, layout.size, true);
  slot.setBigUint64(HEADER.time, event.timestampNs, true);
  slot.setUint32(EVENT.pid, event.pid, true);
  slot.setUint32(EVENT.tid, event.tid, true);
  slot.setUint32(EVENT.states, layout.states, true);
  const { comm, args } = layout.at;
  if (comm !== undefined) {
    const room = new Uint8Array(slot.buffer, slot.byteOffset + comm, COMM_BYTES - 1);
    encoder.encodeInto(event.comm, room);
  }
  if (args !== undefined) {
    const { retval } = event.values;
    for (let i = 0; i < MAX_ARGUMENTS; i++) {
      const value = retval === undefined ? event.values[`arg${i}`] : i === 0 ? retval : undefined;
      slot.setBigUint64(args + i * 8, BigInt.asUintN(64, value ?? 0n), true);
    }
  }
}

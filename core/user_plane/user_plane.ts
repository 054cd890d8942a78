// Pure: no I/O, no FFI.
// The user plane of one recording. `enter` is a function that event sources call in their thread;
// it runs the action, or fills the standard event into a ring (event_ring.ts). The session
// (core/device) waits for events and drains the rings.

import { CONTROL } from "../contract/blocks.ts";
import {
  type CaptureSource,
  COMM_BYTES,
  EVENT,
  type EventLayout,
  HEADER,
  KIND_EVENT,
  MAX_ARGUMENTS,
  MAX_STACK_FRAMES,
} from "../contract/event_layout.ts";
import { EventRings } from "./event_ring.ts";
import { passesFilter } from "./filter.ts";
import type { Pcb } from "../contract/pcb.ts";
import type { Action } from "../contract/request.ts";
import { OUTCOME, type Outcome } from "../contract/outcome.ts";
import type { UserAttachment, UserHost } from "../contract/attachment.ts";
import type { UserEvent, UserSite } from "../contract/user_action.ts";
import type { SessionStats } from "../contract/stats.ts";

/** Sizes and callbacks of a {@linkcode UserPlane}. */
export interface UserPlaneOptions {
  /** Number of rings, one for each CPU. */
  readonly cpuCount: number;
  /** Number of events that a ring holds. */
  readonly slots: number;
  /** Size of the largest event in bytes. */
  readonly slotBytes: number;
  /** Finds the layout of a probe's events and the arguments that they hold. */
  recordingOf(pbn: number): {
    readonly layout: EventLayout;
    readonly sources: readonly CaptureSource[];
  };
  /** There while the reader of records has no room. */
  held?(): Promise<void> | undefined;
  /** Called when all event sources have ended by themselves. */
  ended(): void;
}

/** The rings, counters and event sources of one recording on the user plane. */
export class UserPlane {
  readonly #options: UserPlaneOptions;
  readonly #rings: EventRings;
  readonly #abort = new AbortController();
  /** The object that actions share with this side. */
  readonly #site: UserSite;
  #wakeup?: () => void;
  #failure: unknown;
  #fired = 0n;
  #recursed = 0n;
  #skippedTicks = 0n;
  #foreignCalls = 0n;
  /** Counts of the outcomes, indexed by {@linkcode OUTCOME}. */
  readonly #outcomes = [0n, 0n, 0n, 0n];
  /** True while an action runs: dt(4)'s dc_inevt. */
  #inEvent = false;

  /** Allocates the rings; no event source runs yet. */
  constructor(options: UserPlaneOptions) {
    this.#options = options;
    this.#rings = new EventRings(options.cpuCount, options.slotBytes, options.slots);
    this.#site = { control: new Int32Array(CONTROL.size / 4), failedUpdates: 0n };
  }

  /** Words that actions share with the session, laid out as {@linkcode CONTROL}. */
  get control(): Int32Array {
    return this.#site.control;
  }

  /**
   * Starts the event sources. A source that fails later makes {@linkcode UserPlane.wait} throw.
   *
   * @param attachments The sources to start.
   * @throws {DtError} A source cannot have its events.
   */
  start(attachments: readonly UserAttachment[]): void {
    const exited = () => this.#exited;
    const held = () => this.#options.held?.();
    const host: UserHost = {
      enter: (pcb, event) => this.#enter(pcb, event),
      skipped: (_cpu, ticks) => {
        this.#skippedTicks += BigInt(ticks);
      },
      foreignCall: () => {
        this.#foreignCalls++;
      },
      signal: this.#abort.signal,
      alone: attachments.length === 1,
      get wanted() {
        return exited() || held() !== undefined;
      },
      get held() {
        return held();
      },
    };
    const sources = attachments.map((attachment) => attachment.run(host));
    Promise.all(sources).then(() => {
      if (!host.signal.aborted) this.#options.ended();
    }, (error) => {
      this.#failure ??= error;
      this.wake();
    });
  }

  /** Stops the event sources: aborts their signal. */
  stop(): void {
    this.#abort.abort();
  }

  /**
   * Resolves when an event was recorded, the sources were stopped, or {@linkcode UserPlane.wake}
   * was called.
   *
   * @throws Whatever an event source threw.
   */
  async wait(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#rings.empty || this.#abort.signal.aborted) return;
    await new Promise<void>((resolve) => this.#wakeup = resolve);
    this.#wakeup = undefined;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends a pending wait, if there is one. */
  wake(): void {
    this.#wakeup?.();
  }

  /**
   * Runs an action once, whether or not the session has ended.
   *
   * @param action The action, which must have a function for the user plane.
   * @param pbn Number of the probe.
   * @param event The event that the action sees.
   */
  run(action: Action, pbn: number, event: UserEvent): void {
    this.#fired++;
    this.#account(() => action.user!(event, pbn, this.#site));
    this.wake();
  }

  /**
   * Hands out events round robin over the CPUs, until `take` returns false.
   *
   * @param take Gets the bytes of an event, which are overwritten after the call. False leaves the
   * event in its ring.
   */
  drain(take: (event: Uint8Array) => boolean): void {
    this.#rings.read((slot) =>
      take(new Uint8Array(slot.buffer, slot.byteOffset, slot.getUint32(HEADER.size, true)))
    );
  }

  /**
   * Returns the counters as they stand now; the other counters of a session belong to the kernel
   * plane.
   */
  stats(): Partial<SessionStats> {
    const [filtered, aggregated, recorded, dropped] = this.#outcomes;
    return {
      fired: this.#fired,
      filtered,
      aggregated,
      recorded,
      dropped,
      recursed: this.#recursed,
      lostRecords: this.#rings.dropped,
      skippedTicks: this.#skippedTicks,
      failedUpdates: this.#site.failedUpdates,
      foreignCalls: this.#foreignCalls,
    };
  }

  get #exited(): boolean {
    return this.#site.control[CONTROL.exit / 4] !== 0;
  }

  /**
   * The function that event sources call: counts the event, and runs its action under the guard.
   */
  #enter(pcb: Pcb, event: UserEvent): void {
    this.#fired++;
    if (this.#inEvent) {
      this.#recursed++;
      return;
    }
    this.#inEvent = true;
    try {
      this.#account(() => this.#act(pcb, event));
    } finally {
      this.#inEvent = false;
    }
    this.wake();
  }

  /** Counts an outcome; an action that throws has lost its event. */
  #account(act: () => Outcome): void {
    let outcome: Outcome = OUTCOME.dropped;
    try {
      outcome = act();
    } finally {
      this.#outcomes[outcome]++;
    }
  }

  /** Runs the action of an event, or records the event; returns the outcome. */
  #act(pcb: Pcb, event: UserEvent): Outcome {
    const { request, probe } = pcb;
    if (this.#exited || !passesFilter(request.filter, event)) return OUTCOME.filtered;
    if (request.action !== undefined) {
      return request.action.user?.(event, probe.pbn, this.#site) ?? OUTCOME.filtered;
    }
    const { layout, sources } = this.#options.recordingOf(probe.pbn);
    const fits = this.#rings.write(event.cpu, (slot) => {
      fill(slot, probe.pbn, event, layout);
      for (const source of sources) copy(slot, source, event);
    });
    return fits ? OUTCOME.recorded : OUTCOME.dropped;
  }
}

/** Fills a slot with the standard event, without the captured arguments. */
function fill(slot: DataView, pbn: number, event: UserEvent, layout: EventLayout): void {
  const { thread } = event;
  slot.setUint32(HEADER.kind, KIND_EVENT, true);
  slot.setUint32(HEADER.cpu, event.cpu, true);
  slot.setUint32(HEADER.id, pbn, true);
  slot.setUint32(HEADER.size, layout.size, true);
  slot.setBigUint64(HEADER.time, event.timestampNs, true);
  slot.setUint32(EVENT.pid, thread.pid, true);
  slot.setUint32(EVENT.tid, thread.tid, true);
  slot.setUint32(EVENT.states, layout.states, true);
  const { comm, args, ustack } = layout.at;
  if (comm !== undefined) {
    const name = thread.comm;
    for (let i = 0; i < Math.min(name.length, COMM_BYTES - 1); i++) {
      slot.setUint8(comm + i, name.charCodeAt(i));
    }
  }
  if (args !== undefined) {
    const { retval } = event.values;
    for (let i = 0; i < MAX_ARGUMENTS; i++) {
      const value = retval === undefined ? event.values[`arg${i}`] : i === 0 ? retval : undefined;
      slot.setBigUint64(args + i * 8, BigInt.asUintN(64, value ?? 0n), true);
    }
  }
  if (ustack !== undefined) {
    const frames = thread.stack(MAX_STACK_FRAMES);
    slot.setBigInt64(ustack, BigInt(frames.length * 8), true);
    frames.forEach((frame, i) =>
      slot.setBigUint64(ustack + 8 + i * 8, BigInt.asUintN(64, frame), true)
    );
  }
}

/** Errno for memory that cannot be read, negative as in the kernel plane's events. */
const EFAULT = -14n;

/**
 * Copies one captured argument as the kernel plane's recorder does: length or negative errno, then
 * bytes.
 */
function copy(slot: DataView, source: CaptureSource, event: UserEvent): void {
  const { at, bytes, kind } = source.slot;
  const value = event.values[source.at] ?? 0n;
  if (kind === "int") {
    // The value is cut or extended to the width of its C type.
    const { size, signed } = source.type;
    const bits = size * 8;
    slot.setBigInt64(at, 8n, true);
    slot.setBigInt64(
      at + 8,
      signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value),
      true,
    );
    return;
  }
  const { end: endsAt } = source;
  const available = endsAt === undefined ? bytes : Number((event.values[endsAt] ?? 0n) - value);
  const wanted = Math.max(0, Math.min(bytes, available));
  const into = new Uint8Array(slot.buffer, slot.byteOffset + at + 8, wanted);
  const count = event.thread.read(value, into);
  const text = kind === "string" || "string" in kind;
  const end = text ? into.subarray(0, count).indexOf(0) : -1;
  const length = end >= 0 ? end + 1 : count;
  const whole = end >= 0 || count === wanted;
  into.fill(0, whole ? length : 0);
  if (text && end < 0 && whole) into[bytes - 1] = 0;
  slot.setBigInt64(at, whole ? BigInt(length) : EFAULT, true);
}

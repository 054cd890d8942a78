// Pure: no I/O, no FFI.
// The reading end of a session: one reader at a time, blocking reads, streams.

import { DtError, errorCode } from "../errors.ts";
import type { DtEvent } from "./event.ts";
import type { EventTaker } from "./recording.ts";

/** What the reader reads from. */
export interface EventSource {
  /** True while more events may come: before the first start, and while the session records. */
  mayCome(): boolean;
  /** Bytes of the largest event. */
  eventSize(): number;
  /** Hands out events that wait, until `take` returns false. */
  drain(take: EventTaker): void;
  /** Settles when events may wait. */
  wait(): Promise<void>;
  /** Ends a pending wait. */
  wake(): void;
  /** Decodes an event; undefined for a record of another kind. */
  decode(bytes: Uint8Array): DtEvent | undefined;
}

/**
 * Takes a record, as bytes or decoded (undefined for a record of another kind), or leaves the record
 * there (false).
 */
type Taker = (bytes: Uint8Array, event: () => DtEvent | undefined) => boolean;

/** See {@linkcode Session.read} and {@linkcode Session.events}. */
export class EventReader {
  readonly #source: EventSource;
  #reading = false;
  /** Settles when the read that is pending has ended. */
  #ended: Promise<void> = Promise.resolve();
  #read = 0n;
  /** Events of recordings that have been replaced by another one, not read yet. */
  readonly #kept: { readonly bytes: Uint8Array; readonly event: DtEvent }[] = [];

  /** @param source Where events come from. */
  constructor(source: EventSource) {
    this.#source = source;
  }

  /** Number of events that were handed out. */
  get count(): bigint {
    return this.#read;
  }

  /** Keeps an event of a recording that ends; a record of another kind is its owner's business. */
  keep(bytes: Uint8Array): void {
    const event = this.#source.decode(bytes);
    if (event !== undefined) this.#kept.push({ bytes: bytes.slice(), event });
  }

  /** Hands out the events that are there, without waiting. */
  drain(handler: (event: DtEvent) => void): void {
    this.#take((_, decode) => {
      const event = decode();
      if (event !== undefined) handler(event);
      return true;
    });
  }

  /** Fills a buffer with whole events; 0 bytes when recording is over. */
  async read(buffer: Uint8Array, signal?: AbortSignal): Promise<number> {
    const eventSize = this.#source.eventSize();
    if (buffer.length < eventSize) {
      throw new DtError(
        "EMSGSIZE",
        `Cannot read into ${buffer.length} bytes: an event has ${eventSize}`,
        { operation: "read" },
      );
    }
    let filled = 0;
    await this.#until(signal, (bytes) => {
      if (filled + bytes.length > buffer.length) return false;
      buffer.set(bytes, filled);
      filled += bytes.length;
      return true;
    });
    return filled;
  }

  /** A stream that ends when recording is over or `signal` aborts. */
  events(signal?: AbortSignal): ReadableStream<DtEvent> {
    const cancelled = new AbortController();
    const either = AbortSignal.any([cancelled.signal, ...(signal ? [signal] : [])]);
    return new ReadableStream<DtEvent>({
      pull: async (controller) => {
        let any = false;
        try {
          any = await this.#until(either, (_, decode) => {
            const event = decode();
            if (event !== undefined) controller.enqueue(event);
            return true;
          });
        } catch (error) {
          if (errorCode(error) !== "EINTR") throw error;
        }
        if (!any && !cancelled.signal.aborted) controller.close();
      },
      // Settles when the pending read has ended: another may start then.
      cancel: async () => {
        cancelled.abort();
        await this.#ended;
      },
    }, { highWaterMark: 0 });
  }

  /** Hands out the events that are there, kept ones first, and counts those that are taken. */
  #take(take: Taker): void {
    while (this.#kept.length > 0) {
      const { bytes, event } = this.#kept[0];
      if (!take(bytes, () => event)) return;
      this.#kept.shift();
      this.#read++;
    }
    const source = this.#source;
    source.drain((bytes) => {
      const taken = take(bytes, () => source.decode(bytes));
      if (taken) this.#read++;
      return taken;
    });
  }

  /** Waits until `take` got something; false if recording was over first. */
  async #until(signal: AbortSignal | undefined, take: Taker): Promise<boolean> {
    if (this.#reading) {
      throw new DtError("EBUSY", "Cannot read: another read is pending", { operation: "read" });
    }
    const source = this.#source;
    const onAbort = () => source.wake();
    this.#reading = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    signal?.addEventListener("abort", onAbort);
    try {
      for (;;) {
        if (signal?.aborted) {
          const cause = signal.reason;
          throw new DtError("EINTR", "Cannot read: aborted", { operation: "read", cause });
        }
        // Asked before: what fires between the drain and the question would be missed.
        const mayCome = source.mayCome();
        const before = this.#read;
        this.#take(take);
        if (this.#read > before) return true;
        if (!mayCome) return false;
        await source.wait();
      }
    } finally {
      this.#reading = false;
      resolve();
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

// Pure: no I/O, no FFI.
// The reading end of a session: one reader at a time, blocking reads, streams.

import { DtError, errorCode } from "../errors.ts";
import type { DtEvent } from "./event.ts";
import type { EventTaker } from "./recording.ts";

/** What the reader reads from. */
export interface EventSource {
  /** True while more events may come. */
  isRecording(): boolean;
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

/** See {@linkcode Session.read} and {@linkcode Session.events}. */
export class EventReader {
  readonly #source: EventSource;
  #reading = false;
  /** Settles when the read that is pending has ended. */
  #ended: Promise<void> = Promise.resolve();
  #read = 0n;

  /** @param source Where events come from. */
  constructor(source: EventSource) {
    this.#source = source;
  }

  /** Number of events that were handed out. */
  get count(): bigint {
    return this.#read;
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
          any = await this.#until(either, (bytes) => {
            const event = this.#source.decode(bytes);
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

  /** Waits until `take` got something; false if recording was over first. */
  async #until(signal: AbortSignal | undefined, take: EventTaker): Promise<boolean> {
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
        const recording = source.isRecording();
        const before = this.#read;
        source.drain((event) => {
          const taken = take(event);
          if (taken) this.#read++;
          return taken;
        });
        if (this.#read > before) return true;
        if (!recording) return false;
        await source.wait();
      }
    } finally {
      this.#reading = false;
      resolve();
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

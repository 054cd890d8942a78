// Pure: no I/O, no FFI.
// Records between a running script and the program that reads them.

import type { TraceRecord } from "./output/record_printer.ts";

/**
 * Records that wait for their reader. While somebody reads, the script's records wait where they are made
 * when there is no room here; while nobody does, what finds no room is counted and left out.
 */
export class RecordQueue {
  readonly #limit: number;
  #records: TraceRecord[] = [];
  #head = 0;
  #readers = 0;
  #unread = 0;
  #ended = false;
  #released = false;
  #error: unknown;
  /** Settles when there is room again. */
  #room?: PromiseWithResolvers<void>;
  /** Settles when there is something to read, or the end. */
  #more?: PromiseWithResolvers<void>;

  /** @param limit Records that may wait here. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Records that were left out so far because nobody read. */
  get unread(): number {
    return this.#unread;
  }

  get #length(): number {
    return this.#records.length - this.#head;
  }

  /** A promise that settles when there is room, if somebody reads and there is none. */
  held(): Promise<void> | undefined {
    if (this.#readers === 0 || this.#length < this.#limit || this.#released) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Lets nobody wait for room any more. */
  release(): void {
    this.#released = true;
    this.#makeRoom();
  }

  /** Takes the program for a reader until it has had a turn to become one. */
  expectReader(): void {
    this.#readers++;
    setTimeout(() => this.#leave());
  }

  /** Puts a record at the end. */
  put(record: TraceRecord): void {
    if (this.#readers === 0 && this.#length >= this.#limit) this.#unread++;
    else this.#records.push(record);
    this.#wake();
  }

  /** No more records will come; an error is thrown by whoever reads to the end. */
  end(error?: unknown): void {
    if (this.#ended) return;
    if (this.#unread > 0) {
      const text = `${this.#unread} records were not read, and there was no room to keep them`;
      this.#records.push({ type: "lost", cause: "unread", count: this.#unread, total: true, text });
    }
    this.#ended = true;
    this.#error = error;
    this.#wake();
    this.release();
  }

  /** Hands out records until the end. */
  async *read(): AsyncGenerator<TraceRecord, void> {
    this.#readers++;
    try {
      for (;;) {
        if (this.#length > 0) yield this.#take();
        else if (this.#ended) break;
        else {
          this.#more ??= Promise.withResolvers();
          await this.#more.promise;
        }
      }
      if (this.#error !== undefined) throw this.#error;
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    this.#readers--;
    this.#makeRoom();
  }

  #take(): TraceRecord {
    const record = this.#records[this.#head++];
    if (this.#head >= 1024 && this.#head * 2 >= this.#records.length) {
      this.#records = this.#records.slice(this.#head);
      this.#head = 0;
    }
    if (this.#length <= this.#limit / 2) this.#makeRoom();
    return record;
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #wake(): void {
    this.#more?.resolve();
    this.#more = undefined;
  }
}

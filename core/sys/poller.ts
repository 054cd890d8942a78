// Waits for descriptors without blocking the event loop: one epoll set, one nonblocking call on
// Deno's blocking pool at a time (the pool has 32 threads, shared with async file I/O), and an
// eventfd in the set so that a wait can be cancelled from this thread.

import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { addressOf, Struct } from "./memory.ts";
import { check } from "./errno.ts";

const EPOLL_CLOEXEC = 0x80000;
const EFD_CLOEXEC_NONBLOCK = 0x80800;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;
const EPOLLET = 0x80000000;
const MAX_EVENTS = 16;

// struct epoll_event is packed on x86-64 only.
const PACKED = Deno.build.arch === "x86_64";
const EVENT_SIZE = PACKED ? 12 : 16;
const DATA_OFFSET = PACKED ? 4 : 8;

/**
 * An epoll set. One wait at a time.
 *
 * A level-triggered ring would make every wait return at once while a record is unread, so
 * descriptors are added edge-triggered by default; whoever waits must look at its source after
 * every wait, also after a timeout.
 */
export class Poller implements Disposable {
  readonly #epoll: Fd;
  readonly #cancel: Fd;
  readonly #events = new Uint8Array(EVENT_SIZE * MAX_EVENTS);
  readonly #view = new DataView(this.#events.buffer);
  readonly #address = addressOf(this.#events);
  #pending: Promise<number> | undefined;
  #disposed = false;

  /** @throws {DtError} EMFILE and the like. */
  constructor() {
    const c = libc();
    using stack = new DisposableStack();
    this.#epoll = stack.use(
      new Fd(check(c.epoll_create1(EPOLL_CLOEXEC), "epoll_create1"), "epoll"),
    );
    this.#cancel = stack.use(
      new Fd(check(c.eventfd(0, EFD_CLOEXEC_NONBLOCK), "eventfd"), "eventfd"),
    );
    this.#control(EPOLL_CTL_ADD, this.#cancel.value, EPOLLIN);
    stack.move();
  }

  /** Watches `fd` for input; `level` reports it again on every wait until it was read. */
  add(fd: number, options: { level?: boolean } = {}): void {
    this.#control(EPOLL_CTL_ADD, fd, options.level ? EPOLLIN : EPOLLIN | EPOLLET);
  }

  /** Stops watching `fd`. */
  remove(fd: number): void {
    this.#control(EPOLL_CTL_DEL, fd, 0);
  }

  /**
   * Waits until a watched descriptor is ready, `timeoutMs` have passed (-1: for ever) or
   * {@linkcode Poller.cancel} is called.
   *
   * @returns The descriptors that are ready; empty after a timeout or a cancel.
   */
  async wait(timeoutMs: number): Promise<number[]> {
    if (this.#pending !== undefined) throw new ReferenceError("Cannot wait: a wait is pending");
    if (this.#disposed) return [];
    this.#pending = libc().epoll_wait(this.#epoll.value, this.#address, MAX_EVENTS, timeoutMs);
    let count: number;
    try {
      count = await this.#pending;
    } finally {
      this.#pending = undefined;
      if (this.#disposed) this.#close();
    }
    if (this.#disposed) return [];
    const ready: number[] = [];
    for (let i = 0; i < count; i++) {
      const fd = this.#view.getInt32(i * EVENT_SIZE + DATA_OFFSET, true);
      if (fd === this.#cancel.value) libc().read(fd, new Uint8Array(8), 8n);
      else ready.push(fd);
    }
    return ready;
  }

  /** Makes the pending wait, or else the next one, return at once. */
  cancel(): void {
    if (this.#disposed) return;
    libc().write(this.#cancel.value, new Uint8Array(new BigUint64Array([1n]).buffer), 8n);
  }

  /** Ends a pending wait; the descriptors are closed when it has returned. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.cancel();
    this.#disposed = true;
    if (this.#pending === undefined) this.#close();
  }

  #close(): void {
    this.#epoll[Symbol.dispose]();
    this.#cancel[Symbol.dispose]();
  }

  #control(op: number, fd: number, events: number): void {
    const event = new Struct(EVENT_SIZE).u32(0, events >>> 0).u32(DATA_OFFSET, fd);
    check(libc().epoll_ctl(this.#epoll.value, op, fd, event.bytes), "epoll_ctl");
  }
}

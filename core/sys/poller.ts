// Waits for descriptors without blocking the event loop. There is one epoll set, with one call to
// epoll_wait(2) at a time on Deno's blocking pool (32 threads, shared with asynchronous file I/O).
// An eventfd in the set lets this thread cancel a wait.

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

// On x86-64, and only there, struct epoll_event has no padding.
const PACKED = Deno.build.arch === "x86_64";
const EVENT_SIZE = PACKED ? 12 : 16;
const DATA_OFFSET = PACKED ? 4 : 8;

/**
 * A set of descriptors to wait for. Only one wait may be pending at a time.
 *
 * By default a descriptor is watched edge-triggered: a wait returns once for each arrival of input.
 * With level triggering, a ring would end every wait at once while a record is unread. Whoever
 * waits must therefore look at the source after every wait, also after a timeout.
 */
export class Poller implements Disposable {
  readonly #epoll: Fd;
  readonly #cancel: Fd;
  readonly #events = new Uint8Array(EVENT_SIZE * MAX_EVENTS);
  readonly #view = new DataView(this.#events.buffer);
  readonly #address = addressOf(this.#events);
  #pending: Promise<number> | undefined;
  #disposed = false;

  /** @throws {DtError} EMFILE too many descriptors are open. */
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

  /**
   * Watches a descriptor for input.
   *
   * @param fd Descriptor; the caller goes on owning it.
   * @param options `level`: report the descriptor on every wait until its input has been read.
   * @throws {DtError} EEXIST the descriptor is watched already; EPERM the file cannot be watched.
   */
  add(fd: number, options: { level?: boolean } = {}): void {
    this.#control(EPOLL_CTL_ADD, fd, options.level ? EPOLLIN : EPOLLIN | EPOLLET);
  }

  /**
   * Stops watching a descriptor.
   *
   * @throws {DtError} ENOENT the descriptor is not watched.
   */
  remove(fd: number): void {
    this.#control(EPOLL_CTL_DEL, fd, 0);
  }

  /**
   * Waits until a watched descriptor is ready, until `timeoutMs` have passed, or until
   * {@linkcode Poller.cancel} is called.
   *
   * @param timeoutMs Timeout in milliseconds; -1 waits for ever.
   * @returns The descriptors that are ready; empty after a timeout, a cancel or a disposal.
   * @throws {ReferenceError} Another wait is pending.
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

  /** Makes the pending wait, or else the next wait, return at once. */
  cancel(): void {
    if (this.#disposed) return;
    libc().write(this.#cancel.value, new Uint8Array(new BigUint64Array([1n]).buffer), 8n);
  }

  /** Ends a pending wait; the descriptors of the set are closed after that wait has returned. */
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

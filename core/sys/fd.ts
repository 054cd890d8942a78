// Owner of a file descriptor, and the list of those still open: a test run that leaks one fails.

import { libc } from "./libc.ts";

const open = new Map<number, string>();

/** An owned descriptor, closed once. */
export class Fd implements Disposable {
  /** What it is, for the leak list: "map:counts", "perf:cpu-clock". */
  readonly what: string;
  #fd: number;

  /**
   * @param fd A descriptor that nothing else owns.
   * @param what What it is, for the leak list.
   */
  constructor(fd: number, what: string) {
    this.#fd = fd;
    this.what = what;
    open.set(fd, what);
  }

  /** The number; using it after disposal is a programming error and throws. */
  get value(): number {
    if (this.#fd < 0) throw new ReferenceError(`Cannot use ${this.what}: it is closed`);
    return this.#fd;
  }

  /** Closes the descriptor; a second call does nothing. */
  [Symbol.dispose](): void {
    if (this.#fd < 0) return;
    open.delete(this.#fd);
    libc().close(this.#fd);
    this.#fd = -1;
  }
}

/** Descriptors that are still owned, as "number what". Empty when everything was disposed. */
export function openDescriptors(): string[] {
  return [...open].map(([fd, what]) => `${fd} ${what}`);
}

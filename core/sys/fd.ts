// Owns file descriptors, and lists those still open so that a test run that leaks a descriptor
// fails.

import { libc } from "./libc.ts";

const open = new Map<number, string>();

/** A file descriptor with one owner; disposing it closes it once. */
export class Fd implements Disposable {
  /** Description for the list of open descriptors, e.g. "map:counts" or "perf:cpu-clock". */
  readonly what: string;
  #fd: number;

  /**
   * Takes over a descriptor.
   *
   * @param fd A descriptor that nothing else owns.
   * @param what Description for the list of open descriptors.
   */
  constructor(fd: number, what: string) {
    this.#fd = fd;
    this.what = what;
    open.set(fd, what);
  }

  /**
   * Number of the descriptor.
   *
   * @throws {ReferenceError} The descriptor has been closed: an error in the calling program.
   */
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

/**
 * Lists the descriptors that are still owned, each as "number what". Empty after everything was
 * disposed.
 */
export function openDescriptors(): string[] {
  return [...open].map(([fd, what]) => `${fd} ${what}`);
}

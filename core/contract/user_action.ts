// Pure: no I/O, no FFI.
// An action on the user plane: a function of an event, and the thread that the event is about.

import type { Outcome } from "./outcome.ts";

/**
 * The thread that an event is about, as this process may see it. What costs a look into /proc is read
 * when it is asked for.
 */
export interface UserThread {
  /** Process. */
  readonly pid: number;
  /** Thread. */
  readonly tid: number;
  /** Name of the thread, one character a byte. */
  readonly comm: string;
  /** Real user and group. */
  readonly uid: number;
  /** Real group. */
  readonly gid: number;
  /** CPU that it ran on last. */
  readonly cpu: number;
  /** Parent process. */
  readonly ppid: number;
  /** Name of another thread: of the parent process, or of the process's first thread. */
  commOf(pid: number): string;
  /** Id of its cgroup (version 2); 0 if it cannot be told. */
  readonly cgroup: bigint;
  /**
   * Copies memory of the process, up to what cannot be read.
   *
   * @returns Bytes copied, 0 if there was nothing to read.
   */
  read(address: bigint, into: Uint8Array): number;
  /** Overwrites memory of the process; false if that failed. */
  write(address: bigint, bytes: Uint8Array): boolean;
  /** Return addresses, leaf first, as frame pointers tell them. */
  stack(limit: number): readonly bigint[];
  /** Sends a signal: to the process, or to this thread. */
  signal(number: number, to: "process" | "thread"): void;
}

/** One firing on the user plane. It may be the same object each time, so nothing of it is kept. */
export interface UserEvent {
  /** CPU it happened on, 0 where that is not known. */
  readonly cpu: number;
  /** CLOCK_BOOTTIME. */
  readonly timestampNs: bigint;
  /** Whose event it is. */
  readonly thread: UserThread;
  /** Values by the names of {@linkcode ArgumentSpec.at}. */
  readonly values: Readonly<Record<string, bigint>>;
}

/** What actions share with the session on the user plane. */
export interface UserSite {
  /** 32-bit words at {@linkcode CONTROL}'s offsets. */
  readonly control: Int32Array;
  /** Map updates that failed; the action counts them. */
  failedUpdates: bigint;
}

/** Called for each event, in the thread that owns the stop; tells what came of it. */
export type UserAction = (event: UserEvent, pbn: number, site: UserSite) => Outcome;

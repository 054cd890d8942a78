// Pure: no I/O, no FFI.
// An action on the user plane: a function of an event, and the thread that the event is about.

import type { Outcome } from "./outcome.ts";

/**
 * The thread that an event is about, as this process may see it. Properties that need a look into /proc are
 * read when they are used.
 */
export interface UserThread {
  /** Id of the process. */
  readonly pid: number;
  /** Id of the thread. */
  readonly tid: number;
  /** Name of the thread, one character a byte. */
  readonly comm: string;
  /** Real user id of the thread. */
  readonly uid: number;
  /** Real group id of the thread. */
  readonly gid: number;
  /** CPU on which the thread ran last. */
  readonly cpu: number;
  /** Id of the parent process. */
  readonly ppid: number;
  /** Name of another thread: of the parent process, or of the process's first thread. */
  commOf(pid: number): string;
  /** Id of the thread's cgroup of version 2; 0 if unknown. */
  readonly cgroup: bigint;
  /**
   * Copies memory of the process, up to the first byte that cannot be read.
   *
   * @returns Bytes copied, 0 if there was nothing to read.
   */
  read(address: bigint, into: Uint8Array): number;
  /** Overwrites memory of the process; false if that failed. */
  write(address: bigint, bytes: Uint8Array): boolean;
  /** Return addresses of the user stack, innermost first, found by frame pointers. */
  stack(limit: number): readonly bigint[];
  /** Sends a signal: to the process, or to this thread. */
  signal(number: number, to: "process" | "thread"): void;
}

/** One firing on the user plane. Valid during the call only: a source may use one object for all events. */
export interface UserEvent {
  /** CPU on which the event happened; 0 if unknown. */
  readonly cpu: number;
  /** Time of the event by CLOCK_BOOTTIME, in ns. */
  readonly timestampNs: bigint;
  /** The thread that caused the event. */
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

/** Called for each event, in the thread that runs the event source; returns the outcome. */
export type UserAction = (event: UserEvent, pbn: number, site: UserSite) => Outcome;

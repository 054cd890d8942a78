// Pure: no I/O, no FFI.
// How a probe is to be enabled: what to record and for which threads, or which action to run instead.

import type { CaptureRequest, State } from "./capture.ts";
import type { KernelAction } from "./kernel_action.ts";
import type { UserAction } from "./user_action.ts";

/** The action of a clause. Opaque to the core and to providers. */
export interface Action {
  /** The action on the kernel plane. */
  readonly kernel?: KernelAction;
  /** The action on the user plane. */
  readonly user?: UserAction;
}

/** Passes events of threads whose id compares as the operator says. */
export interface IdFilter {
  /** `pid` is the process (kernel: tgid), `tid` the thread. */
  readonly variable: "pid" | "tid";
  /** Whether equal or different ids pass. */
  readonly operator: "eq" | "ne";
  /** The id that threads are compared with. */
  readonly value: number;
}

/**
 * Passes events of a process and of all processes that descend from it from now on; on the user plane the
 * session's target stands for them.
 */
export interface TreeFilter {
  /** Id of the process whose descendants pass, itself included. */
  readonly descendantsOf: number;
}

/**
 * Passes events of threads in a cgroup of version 2, or in one below it. On the kernel plane only.
 */
export interface CgroupFilter {
  /** Path of the cgroup's folder. */
  readonly inCgroup: string;
}

/** Passes the events of some threads. */
export type EventFilter = IdFilter | TreeFilter | CgroupFilter;

/** How a probe is to be enabled. */
export interface EnableRequest {
  /** Parts of the thread's state that the event records beside pid, tid, CPU and time. */
  readonly states?: readonly State[];
  /** Threads whose events count; absent: all threads. */
  readonly filter?: EventFilter;
  /** Arguments of the probe to copy into the event. */
  readonly capture?: CaptureRequest;
  /** Runs instead of the recorder of standard events; the action then sees to `states` and `capture`. */
  readonly action?: Action;
}

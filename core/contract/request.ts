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
export interface EventFilter {
  /**
   * `pid` is the process (kernel: tgid), `tid` the thread. `tree` is the process with all
   * processes that descend from it from now on, and takes `eq` only; on the user plane the session's target
   * stands for the tree.
   */
  readonly variable: "pid" | "tid" | "tree";
  /** Whether equal or different ids pass. */
  readonly operator: "eq" | "ne";
  /** The id that threads are compared with. */
  readonly value: number;
}

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

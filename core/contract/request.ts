// Pure: no I/O, no FFI.
// How a probe is to be enabled: what to record, for which threads, and what to do instead.

import type { CaptureRequest, State } from "./capture.ts";
import type { KernelAction } from "./kernel_action.ts";
import type { UserAction } from "./user_action.ts";

/** What a clause does. Opaque to the core and to providers. */
export interface Action {
  /** For the kernel plane. */
  readonly kernel?: KernelAction;
  /** For the user plane. */
  readonly user?: UserAction;
}

/** Passes events of threads whose id compares true. */
export interface EventFilter {
  /**
   * `pid` is the process (kernel: tgid), `tid` the thread. `tree` is the process with all that it starts
   * from now on, and only compares equal; on the user plane the session's target does that.
   */
  readonly variable: "pid" | "tid" | "tree";
  /** Equal or not equal. */
  readonly operator: "eq" | "ne";
  /** The id to compare with. */
  readonly value: number;
}

/** How a probe is to be enabled. */
export interface EnableRequest {
  /** What the standard event records beside pid, tid, CPU and time. */
  readonly states?: readonly State[];
  /** Which threads count. */
  readonly filter?: EventFilter;
  /** Arguments to copy into the event. */
  readonly capture?: CaptureRequest;
  /** Replaces the recorder; `states` and `capture` are then its business. */
  readonly action?: Action;
}

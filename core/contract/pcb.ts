// Pure: no I/O, no FFI.
// One enabling of one probe.

import type { Probe } from "./probe.ts";
import type { EnableRequest } from "./request.ts";

/** One enabling of one probe in one session; a provider may make one per CPU. */
export interface Pcb {
  /** What is enabled. [I] */
  readonly probe: Probe;
  /** How. [I] */
  readonly request: EnableRequest;
  /** The only CPU that it fires on, or undefined for all. [I] */
  readonly cpu?: number;
  /** Nanoseconds between firings, for clocks. [I] */
  readonly periodNs?: bigint;
}

// Pure: no I/O, no FFI.
// PCB, probe control block: one enabling of one probe. [I] marks what is immutable after creation.

import type { Probe } from "./probe.ts";
import type { EnableRequest } from "./request.ts";

/** One enabling of one probe in one session; a provider may make several for one probe. */
export interface Pcb {
  /** The probe that is enabled. [I] */
  readonly probe: Probe;
  /** How the probe is enabled. [I] */
  readonly request: EnableRequest;
  /** The only CPU on which the probe fires; undefined for all CPUs. [I] */
  readonly cpu?: number;
  /** Nanoseconds between firings, for clocks. [I] */
  readonly periodNs?: bigint;
}

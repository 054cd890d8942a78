/**
 * Process events, as kmonitor had them: `proc:process:fork`, `exec`, `abort`, `exit` and
 * `proc:thread:create`, `abort`, `exit`. A thread is a task that is not the first of its process; a process
 * ends with its last thread. `abort` is a death by a signal, and comes before its `exit`.
 *
 * Arguments: `pid` and `tid` of whom it is about (for `fork` and `create` the new one), `parent_pid` and
 * `parent_tid`; of an exec `path` and `argv` (each argument with a NUL behind it, up to `argv_end`); of an
 * end `code`, `signal`, `core` (1 if a core file was written) and `runtime` in ns.
 *
 * Kernel plane: CAP_BPF and CAP_PERFMON, Linux 5.5 with BTF.
 *
 * @module
 */

import type { Provider } from "../../core/contract/provider.ts";
import { ProcEventsProvider } from "./provider.ts";

/** Makes the provider of `proc:`. */
export function procEvents(): Provider {
  return new ProcEventsProvider();
}

export {
  Monitor,
  type MonitorOptions,
  type MonitorSource,
  type MonitorStats,
  type Notification,
  openMonitor,
  type SignalNotification,
} from "./monitor.ts";
export { descendantsOf, type MonitorTarget } from "./registration.ts";
export { ARGV_BYTES, type ProcessEvent } from "./process_event.ts";
export { ALL_EVENTS, EVENT_BITS, EVENT_NAMES, type EventName } from "./events.ts";

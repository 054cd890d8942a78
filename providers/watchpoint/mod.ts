/**
 * Hardware watchpoints: `watchpoint:ADDRESS:LENGTH:MODE` fires when the memory there is read (`r`), written
 * (`w`) or executed (`x`); LENGTH is 1, 2, 4 or 8. An address of a process fires for every process that
 * has something there: restrict it to one (`-p`, `-c`, a filter). CPUs have four of them (x86-64).
 *
 * Kernel plane only: CAP_BPF and CAP_PERFMON; an address of the kernel wants CAP_SYS_ADMIN.
 *
 * @see {@link https://man7.org/linux/man-pages/man2/perf_event_open.2.html} PERF_TYPE_BREAKPOINT
 * @module
 */

import type { Provider } from "../../core/contract/provider.ts";
import { WatchpointProvider } from "./provider.ts";

/** Makes the provider of `watchpoint:`. */
export function watchpoint(): Provider {
  return new WatchpointProvider();
}

/**
 * Static tracepoints of the kernel.
 *
 * `tracepoint:SUBSYSTEM:EVENT` are the events of tracefs, with the fields that their format files
 * list. Those of the system calls, `tracepoint:syscalls:sys_enter_NAME`,
 * `tracepoint:syscalls:sys_exit_NAME`, `tracepoint:raw_syscalls:sys_enter` and
 * `tracepoint:raw_syscalls:sys_exit`, do not need tracefs: they are served by the same attachment as
 * the syscall provider's probes. Fields of variable length (`__data_loc`) are addresses in the record.
 *
 * `rawtracepoint:EVENT` and `rawtracepoint:vmlinux:EVENT` are the same points without the record: the
 * arguments of the kernel's own call, typed by BTF, at half the cost of a firing.
 *
 * Kernel plane: needs CAP_BPF and CAP_PERFMON; `tracepoint:` needs Linux 5.15 and tracefs,
 * `rawtracepoint:` Linux 5.5 and BTF.
 *
 * @example
 * ```ts
 * import { openDevice } from "../../core/mod.ts";
 * import { tracepoint } from "./mod.ts";
 *
 * const device = openDevice({ providers: [tracepoint()] });
 * console.log([...device.probes("tracepoint:raw_syscalls:*")].length); // 2
 * ```
 *
 * @module
 */

import type { Provider } from "../../core/provider.ts";
import { RawTracepointProvider } from "./rawtracepoint.ts";
import { TracepointProvider } from "./tracepoint.ts";

/** Makes the provider of `tracepoint:`. */
export function tracepoint(): Provider {
  return new TracepointProvider();
}

/** Makes the provider of `rawtracepoint:`. */
export function rawtracepoint(): Provider {
  return new RawTracepointProvider();
}

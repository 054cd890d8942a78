/**
 * Static tracepoints of the kernel under their tracefs names: `tracepoint:SUBSYSTEM:EVENT`.
 *
 * Present are `tracepoint:syscalls:sys_enter_NAME`, `tracepoint:syscalls:sys_exit_NAME` and
 * `tracepoint:raw_syscalls:sys_enter`, `tracepoint:raw_syscalls:sys_exit`, with the arguments that
 * their format files list. They do not need tracefs: they are served by the same attachment as the
 * syscall provider's probes.
 *
 * Kernel plane: needs Linux 5.8, CAP_BPF and CAP_PERFMON.
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
import { TracepointProvider } from "./provider.ts";

/** Makes the provider. */
export function tracepoint(): Provider {
  return new TracepointProvider();
}

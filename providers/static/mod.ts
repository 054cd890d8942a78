/**
 * Static tracepoints: the kernel's, and those of TypeScript programs.
 *
 * {@linkcode tracepoints} declares those of a program, which are `static:NAMESPACE:NAME` for sessions and
 * scripts: in the same process on the user plane, with no privilege at all, from outside on the kernel
 * plane. Other tracers know them as USDT probes: the program has a library mapped that was made at run time
 * and lies in the folder of temporary files. Where FFI is not permitted, only the process itself can look.
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

export { rawtracepoint, staticPoints, tracepoint } from "./providers.ts";
export {
  type Definitions,
  type Tracepoints,
  tracepoints,
  type ValueOf,
  type ValuesOf,
} from "./declare.ts";
export type { ArgumentType } from "./image.ts";
export { publishChannels } from "./channels.ts";
export { utrace } from "./utrace.ts";

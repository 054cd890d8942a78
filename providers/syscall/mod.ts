/**
 * System calls: `syscall:NAME:entry` and `syscall:NAME:return` for every system call of the running
 * architecture, named as the kernel's functions are (`newfstat`, not `fstat`).
 *
 * Arguments of an entry are the call's own, by name and as `arg0`…`arg5`; a return has `retval`, a
 * signed 64-bit number that is a negative errno on failure. Calls by the ABI of 32-bit programs are
 * not events, as their numbers mean other calls; `foreignCalls` of the session's stats counts them.
 *
 * Kernel plane: needs Linux 5.8, CAP_BPF and CAP_PERFMON. Arguments are plain loads where the kernel
 * has BTF, helper calls where it has not.
 *
 * @example
 * ```ts
 * import { openDevice } from "../../core/mod.ts";
 * import { syscall } from "./mod.ts";
 *
 * const device = openDevice({ providers: [syscall()] });
 * const [openat] = device.match("syscall:openat:entry");
 * console.log(openat.args.map((arg) => arg.name)); // [ "dfd", "filename", "flags", "mode" ]
 * ```
 *
 * @module
 */

import type { Provider } from "../../core/contract/provider.ts";
import { SyscallProvider } from "./provider.ts";

/** Makes the provider of `syscall:`. */
export function syscall(): Provider {
  return new SyscallProvider();
}

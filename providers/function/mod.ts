/**
 * Functions of programs and libraries. `uprobe:FILE:FUNCTION` fires when it is called,
 * `uretprobe:FILE:FUNCTION` when it returns; `FUNCTION+OFFSET` and an address are places within.
 * FILE is a path, a program in `PATH`, or a library's name ("libc"). Arguments are `arg0` to `arg5`, as
 * the C convention passes them; the result is `retval`; registers can be read.
 *
 * `uprobe:FILE:cpp:"ns::Foo::bar"` is every overload of a function of C++ (with parameters: one).
 *
 * `usdt:FILE:PROVIDER:NAME`, or `usdt:FILE:NAME`, is a probe that the file declares (sys/sdt.h), at all its
 * places; its arguments have the widths and signs that the compiler wrote down. A program that asks
 * whether somebody looks (a semaphore) is told while the probe is attached.
 *
 * Kernel plane only: needs CAP_BPF and CAP_PERFMON, with Linux 6.6 (before that CAP_SYS_ADMIN, and a
 * perf event for each). Every process that has the file mapped, or maps it later, fires.
 *
 * @example
 * ```ts ignore
 * import { openDevice } from "../../core/mod.ts";
 * import { uprobe } from "./mod.ts";
 *
 * const device = openDevice({ providers: [uprobe()] });
 * using session = device.open();
 * session.enable("uprobe:libc:malloc", { states: ["comm", "args"] });
 * session.start();
 * for await (const event of session) console.log(event.comm, event.args?.[0]);
 * ```
 *
 * Functions of the kernel: `kprobe:FUNCTION` and `kretprobe:FUNCTION` with `argN` and registers as above,
 * `kprobe:FUNCTION+OFFSET` and `kprobe:ADDRESS` within; `fentry:FUNCTION` and `fexit:FUNCTION` with the
 * arguments and the result that BTF describes, for a fifth of the cost (Linux 5.5). A module may stand
 * before the function. Many kprobes are one link (Linux 5.18 with CONFIG_FPROBE).
 *
 * @see {@link https://docs.kernel.org/trace/uprobetracer.html}
 * @see {@link https://docs.kernel.org/trace/kprobes.html}
 * @module
 */

import type { Provider } from "../../core/contract/provider.ts";
import type { Demangle } from "./cpp.ts";
import { FentryProvider } from "./fentry.ts";
import { KprobeProvider } from "./kprobe.ts";
import { UprobeProvider } from "./uprobe.ts";
import { UsdtProvider } from "./usdt.ts";

export type { Demangle };

/** Makes the provider of `fentry:`. */
export function fentry(): Provider {
  return new FentryProvider("fentry");
}

/** Makes the provider of `fexit:`. */
export function fexit(): Provider {
  return new FentryProvider("fexit");
}

/** Makes the provider of `kprobe:`. */
export function kprobe(): Provider {
  return new KprobeProvider("kprobe");
}

/** Makes the provider of `kretprobe:`. */
export function kretprobe(): Provider {
  return new KprobeProvider("kretprobe");
}

/** Makes the provider of `usdt:`. */
export function usdt(): Provider {
  return new UsdtProvider();
}

/**
 * Makes the provider of `uprobe:`.
 *
 * @param demangle Makes names of C++ readable; without it `cpp:` names cannot be probed.
 */
export function uprobe(demangle?: Demangle): Provider {
  return new UprobeProvider("uprobe", demangle);
}

/**
 * Makes the provider of `uretprobe:`.
 *
 * @param demangle Makes names of C++ readable; without it `cpp:` names cannot be probed.
 */
export function uretprobe(demangle?: Demangle): Provider {
  return new UprobeProvider("uretprobe", demangle);
}

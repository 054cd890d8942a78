/**
 * Iterators of the kernel: `iter:task` fires once for each thread that there is, `iter:task_file` for each
 * file that one has open, `iter:task_vma` for each of its mappings; so do the others that the kernel has
 * (`bpf_iter_*`), but for those that go over what one map or one cgroup has. Then the session ends. The object is in the context: `ctx.task`, `ctx.file`, `ctx.fd`,
 * `ctx.vma`.
 *
 * Kernel plane only: Linux 5.8 (task_vma 5.12) with BTF, CAP_BPF and CAP_PERFMON.
 *
 * @see {@link https://docs.kernel.org/bpf/bpf_iterators.html}
 * @module
 */

import type { Provider } from "../../core/contract/provider.ts";
import { IterProvider } from "./provider.ts";

/** Makes the provider of `iter:`. */
export function iter(): Provider {
  return new IterProvider();
}

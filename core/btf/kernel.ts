// The running kernel's BTF, read once and only when something needs a type id.

import { Btf } from "./parse.ts";

/** Where the kernel shows its BTF. */
export const VMLINUX = "/sys/kernel/btf/vmlinux";

let cached: Btf | null | undefined;

/** BTF of vmlinux, or null where the kernel was built without (CONFIG_DEBUG_INFO_BTF). ~8 ms. */
export function kernelBtf(): Btf | null {
  if (cached === undefined) {
    try {
      cached = new Btf(Deno.readFileSync(VMLINUX));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      cached = null;
    }
  }
  return cached;
}

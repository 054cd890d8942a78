// The running kernel's BTF, read once and only when something needs a type id.

import { mapFile } from "../sys/mapped_file.ts";
import { Btf } from "./parse.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";

let cached: Btf | null | undefined;

/** The blob. Read 4 KiB at a time it takes 30 ms: since Linux 6.16 it can be mapped. */
export function vmlinuxBtf(): Uint8Array<ArrayBuffer> {
  try {
    return mapFile(VMLINUX);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw error;
    return Deno.readFileSync(VMLINUX);
  }
}

/** BTF of vmlinux, or null where the kernel was built without (CONFIG_DEBUG_INFO_BTF). */
export function kernelBtf(): Btf | null {
  if (cached === undefined) {
    try {
      cached = new Btf(vmlinuxBtf());
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      cached = null;
    }
  }
  return cached;
}

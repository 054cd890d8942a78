// The running kernel's BTF, read when a type id is needed for the first time, and kept. module.ts
// adds the BTF of modules.

import { mapFile } from "../sys/mapped_file.ts";
import { Btf } from "./parse.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";

let cached: Btf | null | undefined;

/**
 * Reads the BTF blob of vmlinux. Reading takes 30 ms, as the kernel hands out 4 KiB at a time;
 * since Linux 6.16 the file can be mapped instead.
 *
 * @throws {Deno.errors.NotFound} The kernel was built without BTF.
 */
export function vmlinuxBtf(): Uint8Array<ArrayBuffer> {
  try {
    return mapFile(VMLINUX);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw error;
    return Deno.readFileSync(VMLINUX);
  }
}

/**
 * Returns the BTF of vmlinux, or null if the kernel was built without it (CONFIG_DEBUG_INFO_BTF).
 */
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

// The BTF of kernel modules. A module's blob holds only the types that the module adds to vmlinux.

import { kernelBtf, vmlinuxBtf } from "./kernel.ts";
import { Btf } from "./parse.ts";

const FOLDER = "/sys/kernel/btf";

/**
 * Offsets in bytes of the header fields that say where types and strings lie, counted from the end
 * of the header.
 */
const AT = { headerSize: 4, types: 8, typesSize: 12, strings: 16, stringsSize: 20 };

/** BTF of the modules that were asked for, null for a module without. */
const known = new Map<string, Btf | null>();

/**
 * Reads the BTF of a module on top of that of vmlinux. The module's types refer to those of
 * vmlinux: its type ids and string offsets go on where those of vmlinux end. See
 * Documentation/bpf/btf.rst.
 *
 * @param module Name of the module; "vmlinux" is the kernel itself.
 * @returns null if there is no such module, or if the module or the kernel has no BTF.
 * @throws {SyntaxError} The blob is not BTF.
 */
export function moduleBtf(module: string): Btf | null {
  if (module === "vmlinux") return kernelBtf();
  let btf = known.get(module);
  if (btf === undefined) known.set(module, btf = read(module));
  return btf;
}

function read(module: string): Btf | null {
  if (!/^\w+$/.test(module)) return null;
  try {
    return new Btf(joined(vmlinuxBtf(), Deno.readFileSync(`${FOLDER}/${module}`)));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return null;
  }
}

/** Joins two blobs to one, as the second continues the ids and the offsets of the first. */
function joined(base: Uint8Array, more: Uint8Array): Uint8Array<ArrayBuffer> {
  const section = (bytes: Uint8Array, at: number, size: number) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const from = view.getUint32(AT.headerSize, true) + view.getUint32(at, true);
    return bytes.subarray(from, from + view.getUint32(size, true));
  };
  const parts = [base, more].map((bytes) => section(bytes, AT.types, AT.typesSize));
  const texts = [base, more].map((bytes) => section(bytes, AT.strings, AT.stringsSize));
  const size = (all: readonly Uint8Array[]) => all.reduce((sum, { length }) => sum + length, 0);
  const header = new Uint8Array(24);
  header.set(base.subarray(0, 24));
  const view = new DataView(header.buffer);
  view.setUint32(AT.headerSize, header.length, true);
  view.setUint32(AT.types, 0, true);
  view.setUint32(AT.typesSize, size(parts), true);
  view.setUint32(AT.strings, size(parts), true);
  view.setUint32(AT.stringsSize, size(texts), true);
  const all = [header, ...parts, ...texts];
  const bytes = new Uint8Array(size(all));
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

// BTF of kernel modules: what each adds to that of vmlinux.

import { kernelBtf, vmlinuxBtf } from "./kernel.ts";
import { Btf } from "./parse.ts";

const FOLDER = "/sys/kernel/btf";

/** Header words: where types and strings are, behind the header. */
const AT = { headerSize: 4, types: 8, typesSize: 12, strings: 16, stringsSize: 20 };

const known = new Map<string, Btf | null>();

/**
 * BTF of a module on top of that of vmlinux, whose types it counts on: ids and text offsets of the two
 * go on where the first ends. Documentation/bpf/btf.rst
 *
 * @param module Its name; "vmlinux" is the kernel itself.
 * @returns null if there is no such module, or it has none.
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

/** One blob of two, the second of which continues the first. */
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

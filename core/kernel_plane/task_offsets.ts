// Offsets of members in structures of the running kernel, as its BTF tells them.

import { BTF_KIND, kernelBtf } from "../btf/mod.ts";
import { UnsupportedError } from "../bpf/mod.ts";

const known = new Map<string, number>();

/**
 * Offset of a member in bytes; members of members without a name count.
 *
 * @throws {UnsupportedError} No BTF, or no such member in this kernel.
 */
export function offsetOf(struct: string, member: string): number {
  return bitOffsetOf(struct, member) / 8;
}

/** The same offset in bits, as a bit field needs it. */
export function bitOffsetOf(struct: string, member: string): number {
  const key = `${struct}.${member}`;
  let offset = known.get(key);
  if (offset === undefined) {
    const btf = kernelBtf();
    offset = btf === null ? undefined : find(btf.find(BTF_KIND.STRUCT, struct), member);
    if (offset === undefined) {
      throw new UnsupportedError("fields of tasks", "5.5", `its BTF does not tell where ${key} is`);
    }
    known.set(key, offset);
  }
  return offset;
}

function find(struct: number, member: string): number | undefined {
  const btf = kernelBtf()!;
  if (struct === 0) return undefined;
  for (const { name, type, bitOffset } of btf.members(struct)) {
    if (name === member) return bitOffset;
    const kind = btf.kind(type);
    if (name !== "" || (kind !== BTF_KIND.STRUCT && kind !== BTF_KIND.UNION)) continue;
    const within = find(type, member);
    if (within !== undefined) return bitOffset + within;
  }
  return undefined;
}

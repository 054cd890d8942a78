// Tests of reading BTF, from a blob made here and from the running kernel.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Btf, BTF_KIND, kernelBtf } from "./mod.ts";

/**
 * Makes a blob with four types: 1 an int, 2 an enum of two, 3 a typedef of type 1, 4 a struct of
 * one member.
 */
function sample(): Uint8Array<ArrayBuffer> {
  const strings = new TextEncoder().encode("\0int\0colour\0red\0blue\0int_t\0point\0x\0");
  const at = (name: string) => new TextDecoder().decode(strings).indexOf(`\0${name}\0`) + 1;
  const info = (kind: number, members: number) => kind << 24 | members;
  const types = new Uint32Array([
    ...[at("int"), info(BTF_KIND.INT, 0), 4, 0x01000020],
    ...[at("colour"), (info(BTF_KIND.ENUM, 2) | 1 << 31) >>> 0, 4, at("red"), 1, at("blue"), -2],
    ...[at("int_t"), info(BTF_KIND.TYPEDEF, 0), 1],
    ...[at("point"), info(BTF_KIND.STRUCT, 1), 4, at("x"), 1, 0],
  ]);
  const bytes = new Uint8Array(24 + types.byteLength + strings.length);
  const header = new DataView(bytes.buffer);
  header.setUint16(0, 0xeb9f, true);
  header.setUint8(2, 1);
  [24, 0, types.byteLength, types.byteLength, strings.length].forEach((value, i) =>
    header.setUint32(4 + 4 * i, value, true)
  );
  bytes.set(new Uint8Array(types.buffer), 24);
  bytes.set(strings, 24 + types.byteLength);
  return bytes;
}

Deno.test("Btf finds types by kind and whole name", () => {
  const btf = new Btf(sample());
  assertEquals(btf.size, 5);
  assertEquals(btf.find(BTF_KIND.INT, "int"), 1);
  assertEquals(btf.find(BTF_KIND.TYPEDEF, "int_t"), 3);
  assertEquals(btf.find(BTF_KIND.STRUCT, "point"), 4);
  assertEquals(btf.find(BTF_KIND.STRUCT, "int"), 0);
  assertEquals(btf.find(BTF_KIND.STRUCT, "poin"), 0);
  assertEquals(btf.find(BTF_KIND.STRUCT, "nothing"), 0);
});

Deno.test("Btf lists enumerators with their signed values", () => {
  assertEquals(new Btf(sample()).enumerators(2), [["red", 1n], ["blue", -2n]]);
});

Deno.test("Btf reads a blob at an odd address", () => {
  const shifted = new Uint8Array(sample().length + 1);
  shifted.set(sample(), 1);
  assertEquals(new Btf(shifted.subarray(1)).find(BTF_KIND.INT, "int"), 1);
});

Deno.test("Btf refuses what is not BTF", () => {
  assertThrows(() => new Btf(new Uint8Array(64)));
  assertThrows(() => new Btf(sample().slice(0, 60)));
});

Deno.test("the running kernel's BTF has its tracepoints", () => {
  const btf = kernelBtf();
  if (btf === null) return; // a kernel without CONFIG_DEBUG_INFO_BTF
  assert(btf.find(BTF_KIND.TYPEDEF, "btf_trace_sys_enter") > 0);
});

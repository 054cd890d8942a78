// Pure: no I/O, no FFI.
// Makes the BTF that a program with callbacks must bring along: the kernel requires a type for each
// function of such a program, and callbacks must be static functions. Assembler.functions() says
// where the functions begin; core/bpf/program.ts loads the BTF.

import { BTF_KIND } from "./types.ts";

/** Size in bytes of struct btf_header. */
const HEADER_BYTES = 24;
/** Encoding of a signed int of 32 bits. */
const INT_SIGNED_32 = 1 << 24 | 32;
/** Linkage of a function, kept in the field `vlen`: static. */
const VLEN_STATIC = 0;

/** Type id of the first function that {@linkcode functionBtf} makes. */
const FIRST_FUNCTION = 3;

/** Makes a BTF blob with `count` static functions that take no arguments and return int. */
export function functionBtf(count: number): Uint8Array<ArrayBuffer> {
  const names = ["int", ...Array.from({ length: count }, (_, i) => `f${i}`)];
  let strings = "\0";
  const offsets = names.map((name) => {
    const at = strings.length;
    strings += `${name}\0`;
    return at;
  });
  const types = [
    // Type 1 is int, type 2 the prototype int (void); the functions follow from type 3.
    ...[offsets[0], BTF_KIND.INT << 24, 4, INT_SIGNED_32],
    ...[0, BTF_KIND.FUNC_PROTO << 24, 1],
    ...offsets.slice(1).flatMap((name) => [name, BTF_KIND.FUNC << 24 | VLEN_STATIC, 2]),
  ];
  const text = new TextEncoder().encode(strings);
  const bytes = new Uint8Array(HEADER_BYTES + types.length * 4 + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  [HEADER_BYTES, 0, types.length * 4, types.length * 4, text.length].forEach((value, i) =>
    view.setUint32(4 + i * 4, value, true)
  );
  types.forEach((value, i) => view.setUint32(HEADER_BYTES + i * 4, value, true));
  bytes.set(text, HEADER_BYTES + types.length * 4);
  return bytes;
}

/**
 * Makes the array of `struct bpf_func_info` for the functions of {@linkcode functionBtf}.
 *
 * @param starts Slots at which the functions begin, in ascending order.
 */
export function functionInfo(starts: readonly number[]): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(starts.length * 2);
  starts.forEach((start, i) => words.set([start, FIRST_FUNCTION + i], i * 2));
  return new Uint8Array(words.buffer);
}

// Pure: no I/O, no FFI.
// The BTF that a program with callbacks must bring along: the kernel wants to know of every function
// that it is one, and that it is static.

import { BTF_KIND } from "./types.ts";

const HEADER_BYTES = 24;
const INT_SIGNED_32 = 1 << 24 | 32;
const VLEN_STATIC = 0;

/** Type id of the first function in {@linkcode functionBtf}. */
const FIRST_FUNCTION = 3;

/** A blob with `count` static functions that take nothing and return int. */
export function functionBtf(count: number): Uint8Array<ArrayBuffer> {
  const names = ["int", ...Array.from({ length: count }, (_, i) => `f${i}`)];
  let strings = "\0";
  const offsets = names.map((name) => {
    const at = strings.length;
    strings += `${name}\0`;
    return at;
  });
  const types = [
    // 1: int, 2: int (void), 3…: functions
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

/** `struct bpf_func_info` of functions that begin at these instructions. */
export function functionInfo(starts: readonly number[]): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(starts.length * 2);
  starts.forEach((start, i) => words.set([start, FIRST_FUNCTION + i], i * 2));
  return new Uint8Array(words.buffer);
}

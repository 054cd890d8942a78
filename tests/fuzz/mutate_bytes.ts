// Pure: no I/O, no FFI.
// Damages bytes at random, as a stranger or a broken disk would.

import type { Random } from "./random.ts";

/** Bytes from `start` up to, not including, `end`. */
export interface Part {
  /** First byte. */
  readonly start: number;
  /** The byte behind the last. */
  readonly end: number;
}

/** Numbers at which readers of sizes and offsets go wrong. */
const WORDS = [
  ...[0n, 1n, 2n, 7n, 0x7fn, 0x80n, 0xffn, 0x100n, 0xffffn, 0x10000n, 0x7fffffffn, 0x80000000n],
  ...[0xfffffff0n, 0xfffffffen, 0xffffffffn, 0x100000000n, 0x7fffffffffffffffn, 1n << 63n],
  ...[0xfffffffffffffff0n, 0xffffffffffffffffn, (1n << 53n) - 1n, 1n << 53n, 1n << 40n],
];

/** A copy of the bytes with some changes, most of them within one of the parts. */
export function mutateBytes(
  bytes: Uint8Array,
  random: Random,
  parts: readonly Part[] = [],
): Uint8Array<ArrayBuffer> {
  let copy = bytes.slice();
  for (let i = random.small(random.once(4) ? 64 : 4); i > 0 && copy.length > 0; i--) {
    const { start, end } = parts.length > 0 && !random.once(8)
      ? random.pick(parts)
      : { start: 0, end: copy.length };
    const at = Math.min(start + random.below(Math.max(1, end - start)), copy.length - 1);
    const count = Math.min(random.small(64), copy.length - at);
    const view = new DataView(copy.buffer);
    random.pick([
      () => copy[at] = random.below(256),
      () => copy[at] ^= 1 << random.below(8),
      () => copy[at] = random.pick([0, 1, 0x7f, 0x80, 0xff]),
      () => {
        const [word, size] = [random.pick(WORDS), random.pick([2, 4, 8])];
        for (let n = 0; n < size && at + n < copy.length; n++) {
          copy[at + n] = Number(word >> BigInt(8 * n) & 0xffn);
        }
      },
      () => {
        if (at + 4 <= copy.length) {
          view.setUint32(at, view.getUint32(at, true) + random.below(17) - 8, true);
        }
      },
      () => copy.fill(random.pick([0, 0x80, 0xff, 0x41]), at, at + count),
      () => copy.copyWithin(at, random.below(copy.length), random.below(copy.length)),
      () => {
        if (random.once(8)) copy = copy.slice(0, at);
      },
      () => {
        if (random.once(4)) {
          const grown = new Uint8Array(copy.length + count);
          grown.set(copy.subarray(0, at));
          grown.set(copy.subarray(at), at + count);
          copy = grown;
        }
      },
    ])();
  }
  return copy;
}

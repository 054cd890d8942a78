// Pure: no I/O, no FFI.
// Sums over the CPUs of a per-CPU map value.

/**
 * Adds the slices of a per-CPU value up, word by word; words are 64 bits wide.
 *
 * @param value The value as {@linkcode BpfMap.lookup} returns it.
 * @param stride Size of a slice in bytes: {@linkcode BpfMap.cpuStride}.
 * @returns One sum for each word of a slice, modulo 2^64.
 */
export function sumCpus(value: Uint8Array, stride: number): BigUint64Array {
  const words = new BigUint64Array(stride / 8);
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  for (let at = 0; at < value.length; at += stride) {
    for (let i = 0; i < words.length; i++) words[i] += view.getBigUint64(at + i * 8, true);
  }
  return words;
}

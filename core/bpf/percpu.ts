// Pure: no I/O, no FFI.

/**
 * Adds up a per-CPU value: word by word, 64 bits wide.
 *
 * @param value As {@linkcode BpfMap.lookup} returns it.
 * @param stride {@linkcode BpfMap.cpuStride}
 * @returns One sum per 64-bit word of the value, modulo 2^64.
 */
export function sumCpus(value: Uint8Array, stride: number): BigUint64Array {
  const words = new BigUint64Array(stride / 8);
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  for (let at = 0; at < value.length; at += stride) {
    for (let i = 0; i < words.length; i++) words[i] += view.getBigUint64(at + i * 8, true);
  }
  return words;
}

// Unpacks xz in a worker; the thread that asked waits for the result.

import { loadXz } from "./packages.ts";

/** Message to the worker; the result goes to memory that both threads share. */
export interface UnxzRequest {
  /** Data in the format of xz. */
  readonly packed: Uint8Array<ArrayBuffer>;
  /** Two words: 1 when the worker has finished; number of unpacked bytes, or -1 for a failure. */
  readonly state: Int32Array;
  /** Shared memory that the worker writes unpacked bytes to. */
  readonly result: Uint8Array;
}

self.addEventListener("message", async (event) => {
  const { packed, state, result } = (event as MessageEvent<UnxzRequest>).data;
  let length = -1;
  try {
    const unpack = await loadXz();
    let unpacked = 0;
    // A file that would unpack to more than there is room for is given up as soon as it does.
    for await (const part of unpack(new Blob([packed]).stream())) {
      if (unpacked + part.length > result.length) throw new RangeError("larger than the room");
      result.set(part, unpacked);
      unpacked += part.length;
    }
    length = unpacked;
  } catch {
    // The data are damaged, or the package is missing: the caller has fewer names then.
  }
  Atomics.store(state, 1, length);
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
});

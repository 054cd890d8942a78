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
    const bytes = new Uint8Array(
      await new Response(unpack(new Blob([packed]).stream()) as BodyInit).arrayBuffer(),
    );
    if (bytes.length <= result.length) {
      result.set(bytes);
      ({ length } = bytes);
    }
  } catch {
    // The data are damaged, or the package is missing: the caller has fewer names then.
  }
  Atomics.store(state, 1, length);
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
});

// Unpacks xz in a thread of its own, for one that waits for it.

import { loadXz } from "./packages.ts";

/** What it is asked: the result goes to memory that both threads see. */
export interface UnxzRequest {
  readonly packed: Uint8Array<ArrayBuffer>;
  /** Set to 1 when it is done; then how many bytes there are, or -1. */
  readonly state: Int32Array;
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
    // Damaged, or the package cannot be had: there are fewer names then.
  }
  Atomics.store(state, 1, length);
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
});

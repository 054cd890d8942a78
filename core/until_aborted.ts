// Pure: no I/O, no FFI.
// Waiting that a signal may end.

/**
 * Waits for a promise, or until a signal aborts. Nothing of the wait stays with the signal, so a loop may wait
 * as often as it likes: Promise.race() with a promise that lasts would keep something of each round.
 *
 * @throws What the promise rejects with.
 */
export async function untilAborted(wait: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  signal.addEventListener("abort", end);
  try {
    await Promise.race([wait, promise]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/** Waits for so many milliseconds, or until a signal aborts. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  try {
    await (signal === undefined ? promise : untilAborted(promise, signal));
  } finally {
    clearTimeout(timer);
  }
}

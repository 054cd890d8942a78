// The watchdog of time_limit.ts: a thread that kills what a test has started although the main thread
// waits.

import { killMarked } from "./marked_processes.ts";
import type { WatchdogOrder } from "./time_limit.ts";

let timer: ReturnType<typeof setInterval> | undefined;

self.addEventListener("message", (event) => {
  const { mark, afterMs } = (event as MessageEvent<WatchdogOrder>).data;
  clearInterval(timer);
  if (mark === undefined) return;
  // Again and again: the test may have started something else meanwhile.
  timer = setInterval(() => killMarked(mark), afterMs);
});

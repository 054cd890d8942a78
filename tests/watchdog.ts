// The watchdog of time_limit.ts: a worker that kills the processes of a test while the main thread
// waits for one of them.

import { killMarked } from "./marked_processes.ts";
import type { WatchdogOrder } from "./time_limit.ts";

let timer: ReturnType<typeof setInterval> | undefined;

self.addEventListener("message", (event) => {
  const { mark, afterMs } = (event as MessageEvent<WatchdogOrder>).data;
  clearInterval(timer);
  if (mark === undefined) return;
  // The interval repeats, since the test may have started another process meanwhile.
  timer = setInterval(() => killMarked(mark), afterMs);
});

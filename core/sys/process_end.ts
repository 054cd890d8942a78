// The end of a process as a reason to end a run.

import { pidfdOpen } from "./pidfd.ts";
import { Poller } from "./poller.ts";

/**
 * Aborts `controller` when a process ends.
 *
 * @throws {DtError} ESRCH: no process has the pid.
 */
export function abortWithProcess(pid: number, controller: AbortController): Disposable {
  const stack = new DisposableStack();
  const pidfd = stack.use(pidfdOpen(pid));
  const poller = stack.use(new Poller());
  poller.add(pidfd.value, { level: true });
  const watch = async () => {
    // A wait may end without an event: after the tool itself was stopped and continued.
    while (!stack.disposed) {
      if ((await poller.wait(-1)).length > 0) controller.abort();
      if (controller.signal.aborted) return;
    }
  };
  watch();
  return stack;
}

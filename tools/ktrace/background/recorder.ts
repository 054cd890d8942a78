// The recorder in the background: it lives as long as it has something to record.

import { isSync } from "../foreground.ts";
import { onEndSignals } from "../../cli/signals.ts";
import type { KtraceOptions } from "../options.ts";
import { Tracing } from "../trace_session.ts";
import { listen } from "./listen.ts";

/** How long it waits for its first order. */
const IDLE_MS = 5000;

function log(messages: readonly string[]): void {
  for (const message of messages) {
    try {
      new Deno.Command("/usr/bin/logger", { args: ["-t", "ktrace", message] }).outputSync();
    } catch {
      return; // there is none
    }
  }
}

/** Runs until nobody is recorded any more. */
export async function recordInBackground(options: KtraceOptions): Promise<number> {
  using stack = new DisposableStack();
  const sync = isSync(options);
  const messages: string[] = [];
  // Whoever asks next is told; if nobody does, the system's log is.
  stack.defer(() => log(messages));
  const tracing = stack.use(
    new Tracing({ ...options, sync, warn: (message) => messages.push(message) }),
  );
  stack.defer(() => messages.push(...tracing.takeLoss()));
  let set = () => {};
  const order = () => new Promise<void>((resolve) => set = resolve);
  let wanted = order();
  stack.use(listen(tracing, { background: true, sync, messages, set: () => set() }));
  stack.use(onEndSignals(() => {
    tracing.stop();
    set();
  }));
  do {
    const idle = Promise.withResolvers<void>();
    const timer = setTimeout(idle.resolve, IDLE_MS);
    await Promise.race([wanted, idle.promise]);
    clearTimeout(timer);
    wanted = order();
    await tracing.run();
  } while (tracing.recorder.processes.length > 0 && !tracing.stopped);
  return 0;
}

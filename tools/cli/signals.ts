// Signals that end a tool.

import { type EndSignal, onEndSignals, statusOfSignal } from "../../core/sys/end_signals.ts";

export { type EndSignal, onEndSignals, statusOfSignal };

/** Aborts `controller` at SIGHUP, SIGINT and SIGTERM, until disposed. */
export function abortOnSignals(controller: AbortController): Disposable {
  return onEndSignals(() => controller.abort());
}

/** Paragraph of the help of tools that run a command: what ends a tool, and the command with it. */
export const SIGNALS_HELP = `SIGNALS:
    SIGINT, SIGTERM and SIGHUP end the tool in order, and with it the command
    that it has started: the command gets SIGTERM, and SIGKILL if it is still
    there half a second later. A second signal, 0.3 s after the first or later,
    ends the tool at once, and the kernel kills the command.`;

// Signals that end a tool.

import { onSignals } from "../../core/sys/signals.ts";

export { onSignals };

/** Signals that end a tool, with the exit status that a shell gives for each: 128 and the number. */
const STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that asks a tool to end. */
export type EndSignal = keyof typeof STATUS;

/** The exit status of a tool that a signal asked to end. */
export function statusOfSignal(signal: EndSignal): number {
  return STATUS[signal];
}

/** Aborts `controller` at SIGINT and SIGTERM, until disposed. */
export function abortOnSignals(controller: AbortController): Disposable {
  return onSignals(["SIGINT", "SIGTERM"], () => controller.abort());
}

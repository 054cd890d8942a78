// Signals that end a tool.

import { onSignals } from "../../core/sys/signals.ts";

export { onSignals };

/** Those with what a shell makes of them: 128 and the number. */
const STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that asks for the end. */
export type EndSignal = keyof typeof STATUS;

/** The exit status of a program that ended at this signal's wish. */
export function statusOfSignal(signal: EndSignal): number {
  return STATUS[signal];
}

/** Aborts at SIGINT and SIGTERM. */
export function abortOnSignals(controller: AbortController): Disposable {
  return onSignals(["SIGINT", "SIGTERM"], () => controller.abort());
}

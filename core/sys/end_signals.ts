// Signals that ask a program to end. The first one lets the program end in order; a second one ends
// the process at once, whatever this thread waits for.

import { arch } from "./arch/mod.ts";
import { lasting, pageSize } from "./memory.ts";
import { SIG_IGN } from "../signal_names.ts";
import { handlerOf, makeHandler, setHandler } from "./signal_handler.ts";
import { onSignals } from "./signals.ts";

/** Numbers of the signals that ask a program to end. */
const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** A signal that asks a program to end. */
export type EndSignal = keyof typeof NUMBERS;

/** Offset of the address that the handler reads; see `Arch.signalHandlers`. */
const STATE = 128;

/** Two words: the address of Deno's handler, and the time of the first signal. */
let state: BigUint64Array | undefined;

/**
 * Calls a function at SIGHUP, SIGINT and SIGTERM, until the returned handle is disposed. SIGHUP stays
 * ignored if it was ignored when the program started, as nohup(1) does. From now on, a signal that
 * comes more than 0.3 s after the first one ends the process with the status 128 and the signal's
 * number; signals in quick succession, as npm and terminals send them, count as one.
 *
 * @param called Called in the event loop with the name of the signal.
 */
export function onEndSignals(called: (signal: EndSignal) => void): Disposable {
  const names = (Object.keys(NUMBERS) as EndSignal[])
    .filter((name) => name !== "SIGHUP" || handlerOf(NUMBERS[name]) !== SIG_IGN);
  const listeners = onSignals(names, called);
  if (state === undefined) endAtSecond(names);
  else state[1] = 0n;
  return listeners;
}

/** Puts the handler in front of Deno's. */
function endAtSecond(names: readonly EndSignal[]): void {
  const words = lasting(pageSize());
  state = new BigUint64Array(words.buffer);
  const handler = makeHandler(arch.signalHandlers.second, (page) => {
    page.setBigUint64(STATE, words.address, true);
  });
  for (const name of names) {
    // Deno has one handler for all signals.
    state[0] = handlerOf(NUMBERS[name]);
    setHandler(NUMBERS[name], handler);
  }
}

/** The exit status that a shell gives for a process that a signal has ended. */
export function statusOfSignal(signal: EndSignal): number {
  return 128 + NUMBERS[signal];
}

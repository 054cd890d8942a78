// Signals that end a tool.

/** Those with what a shell makes of them: 128 and the number. */
const STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that asks for the end. */
export type EndSignal = keyof typeof STATUS;

/** The exit status of a program that ended at this signal's wish. */
export function statusOfSignal(signal: EndSignal): number {
  return STATUS[signal];
}

/** Calls back at each of these signals, until it is disposed. */
export function onSignals<S extends Deno.Signal>(
  signals: readonly S[],
  called: (signal: S) => void,
): Disposable {
  const stack = new DisposableStack();
  for (const signal of signals) {
    const listener = () => called(signal);
    Deno.addSignalListener(signal, listener);
    stack.defer(() => Deno.removeSignalListener(signal, listener));
  }
  return stack;
}

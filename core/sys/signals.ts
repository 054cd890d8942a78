// Listens to signals that are sent to this process.

/**
 * Calls a function at each signal of a list, until the returned handle is disposed.
 *
 * @param signals Names of the signals, e.g. "SIGINT".
 * @param called Called in the event loop with the name of the signal.
 * @returns A handle; disposing it removes the listeners.
 */
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

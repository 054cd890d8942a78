// Signals of this process.

/** Calls `called` at each of these signals, until the returned handle is disposed. */
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

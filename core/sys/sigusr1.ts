// SIGUSR1, which Deno (2.9.2 and later) takes as the wish to start its inspector half a second
// after a program's start: from then on, every local user could send the process code to run over
// 127.0.0.1:9229. This module gives the signal another handler, which counts signals in an
// eventfd(2).

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { libc } from "./libc.ts";
import { Poller } from "./poller.ts";
import { SIG_IGN } from "../signal_names.ts";
import { handlerOf, madeHandler, makeHandler, setHandler } from "./signal_handler.ts";

const SIGHUP = 1;
const SIGUSR1 = 10;
const EFD_CLOEXEC_NONBLOCK = 0x80800;
/** Offsets of what the handler reads; see `Arch.signalHandlers`. */
const DESCRIPTOR = 32;
const ONE = 40;

/**
 * Makes SIGUSR1 harmless for the rest of the process's life: no inspector starts, no listener of
 * `Deno.addSignalListener("SIGUSR1")` is called, and the process goes on. Programs that this process
 * executes find the signal as usual. Later calls, also of other threads and other copies of this
 * module, change nothing.
 *
 * @returns Number of the eventfd that counts the signals.
 * @throws {DtError} EMFILE too many descriptors are open; ENOMEM.
 */
export function disarmSigusr1(): number {
  const { counter } = arch.signalHandlers;
  const known = madeHandler(SIGUSR1, counter);
  if (known !== undefined) return known.getInt32(DESCRIPTOR);
  // Deno installs its own handlers with the first listener and never again: of this signal, and of
  // others, of which nohup(1) has let SIGHUP be ignored.
  const hangup = handlerOf(SIGHUP);
  const listener = () => {};
  Deno.addSignalListener("SIGUSR1", listener);
  Deno.removeSignalListener("SIGUSR1", listener);
  if (hangup === SIG_IGN) setHandler(SIGHUP, SIG_IGN);
  const eventfd = check(libc().eventfd(0, EFD_CLOEXEC_NONBLOCK), "eventfd");
  const handler = makeHandler(counter, (page) => {
    page.setInt32(DESCRIPTOR, eventfd, true);
    page.setBigUint64(ONE, 1n, true);
  });
  setHandler(SIGUSR1, handler);
  return eventfd;
}

/**
 * Calls a function after SIGUSR1 has come, until the returned handle is disposed. Signals that come
 * in quick succession may lead to a single call, as the kernel itself merges them.
 *
 * @param called Called in the event loop.
 * @throws {DtError} EMFILE too many descriptors are open.
 */
export function onSigusr1(called: () => void): Disposable {
  const eventfd = disarmSigusr1();
  const stack = new DisposableStack();
  const poller = stack.use(new Poller());
  poller.add(eventfd, { level: true });
  const count = new Uint8Array(8);
  const watch = async () => {
    while (!stack.disposed) {
      await poller.wait(-1);
      if (!stack.disposed && libc().read(eventfd, count, 8n) === 8n) called();
    }
  };
  watch();
  return stack;
}

// SIGUSR1, which Deno (2.9.2 and later) takes as the wish to start its inspector half a second
// after a program's start: from then on, every local user could send the signal's receiver code to
// run over 127.0.0.1:9229. This module gives the signal another handler, which counts signals in
// an eventfd(2). The handler is machine code, since JavaScript cannot run in a signal handler.

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { libc } from "./libc.ts";
import { addressOf, lasting, pageSize, PROT_EXEC, PROT_READ, Struct } from "./memory.ts";
import { Poller } from "./poller.ts";

const SIGUSR1 = 10;
const SA_RESTART = 0x1000_0000;
const EFD_CLOEXEC_NONBLOCK = 0x80800;
/** Size of struct sigaction in bytes, with room for other C libraries than glibc. */
const ACTION_BYTES = 256;
/** Offset of sa_flags in the C libraries' struct sigaction: behind the handler and 128 bytes of mask. */
const FLAGS = 136;
/** Offsets of the handler's data from its first instruction; see `Arch.signalCounter`. */
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
  const known = installedCounter();
  if (known !== undefined) return known;
  // Deno installs its own handler with the first listener and never again.
  const listener = () => {};
  Deno.addSignalListener("SIGUSR1", listener);
  Deno.removeSignalListener("SIGUSR1", listener);
  const counter = check(libc().eventfd(0, EFD_CLOEXEC_NONBLOCK), "eventfd");
  const code = lasting(pageSize());
  const view = new DataView(code.buffer);
  new Uint8Array(code.buffer).set(arch.signalCounter);
  view.setInt32(DESCRIPTOR, counter, true);
  view.setBigUint64(ONE, 1n, true);
  const { mprotect } = arch.syscalls;
  const rights = BigInt(PROT_READ | PROT_EXEC);
  const length = BigInt(code.buffer.byteLength);
  check(libc().syscall(mprotect, code.address, length, rights, 0n, 0n, 0n), "mprotect");
  const action = new Struct(ACTION_BYTES).u64(0, code.address).u32(FLAGS, SA_RESTART);
  check(libc().sigaction(SIGUSR1, addressOf(action.bytes), 0n), "sigaction");
  return counter;
}

/** Number of the eventfd of the handler that is installed, if the handler is this module's. */
function installedCounter(): number | undefined {
  const action = new Uint8Array(ACTION_BYTES);
  check(libc().sigaction(SIGUSR1, 0n, addressOf(action)), "sigaction");
  const handler = new DataView(action.buffer).getBigUint64(0, true);
  // SIG_DFL and SIG_IGN are no functions; another handler may start shortly before its page ends.
  if (handler % BigInt(pageSize()) !== 0n || handler === 0n) return undefined;
  const view = new Deno.UnsafePointerView(Deno.UnsafePointer.create(handler)!);
  const isOurs = arch.signalCounter.every((byte, i) => view.getUint8(i) === byte);
  return isOurs ? view.getInt32(DESCRIPTOR) : undefined;
}

/**
 * Calls a function after SIGUSR1 has come, until the returned handle is disposed. Signals that come
 * in quick succession may lead to a single call, as the kernel itself merges them.
 *
 * @param called Called in the event loop.
 * @throws {DtError} EMFILE too many descriptors are open.
 */
export function onSigusr1(called: () => void): Disposable {
  const counter = disarmSigusr1();
  const stack = new DisposableStack();
  const poller = stack.use(new Poller());
  poller.add(counter, { level: true });
  const count = new Uint8Array(8);
  const watch = async () => {
    while (!stack.disposed) {
      await poller.wait(-1);
      if (!stack.disposed && libc().read(counter, count, 8n) === 8n) called();
    }
  };
  watch();
  return stack;
}

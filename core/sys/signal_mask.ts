// Holds back signals of this thread for the time of a system call that a signal would spoil.

import { arch } from "./arch/mod.ts";
import { libc } from "./libc.ts";
import { lasting, type Mapping, pageSize } from "./memory.ts";

const SIG_SETMASK = 2n;
/** Size of the kernel's sigset_t in bytes. */
const SIGSET_BYTES = 8n;
/** Offsets of the two masks: all signals, and the signals that were blocked before. */
const [ALL, BEFORE] = [0n, 8n];

let masks: Mapping | undefined;

/**
 * Blocks all signals of this thread until the returned handle is disposed; SIGKILL and SIGSTOP
 * cannot be blocked. Other threads of the process go on receiving signals. Calls do not
 * nest.
 */
export function holdSignals(): Disposable {
  if (masks === undefined) {
    masks = lasting(pageSize());
    new BigUint64Array(masks.buffer)[0] = ~0n;
  }
  const { address } = masks;
  setMask(address + ALL, address + BEFORE);
  return { [Symbol.dispose]: () => setMask(address + BEFORE, 0n) };
}

function setMask(mask: bigint, before: bigint): void {
  const { rt_sigprocmask } = arch.syscalls;
  libc().syscall(rt_sigprocmask, SIG_SETMASK, mask, before, SIGSET_BYTES, 0n, 0n);
}

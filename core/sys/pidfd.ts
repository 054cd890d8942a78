// Process descriptors; pidfd_open(2). Such a descriptor becomes readable when its process ends.
// Needs Linux 5.3.

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { addressOf, Struct } from "./memory.ts";
import { Poller } from "./poller.ts";

/**
 * Opens a descriptor of a process.
 *
 * @param pid Process (not thread) id.
 * @returns The descriptor, which the caller owns.
 * @throws {DtError} ESRCH no such process; ENOSYS Linux before 5.3.
 */
export function pidfdOpen(pid: number): Fd {
  const fd = libc().syscall(arch.syscalls.pidfd_open, BigInt(pid), 0n, 0n, 0n, 0n, 0n);
  return new Fd(check(fd, "pidfd_open", `${pid}`), `pidfd:${pid}`);
}

/** Size in bytes of the first version of struct pidfd_info; include/uapi/linux/pidfd.h. */
const PIDFD_INFO_BYTES = 64;
const PIDFD_GET_INFO = BigInt(0xc000_ff0b | PIDFD_INFO_BYTES << 16) & 0xffff_ffffn;
const PIDFD_INFO_EXIT = 8;

/**
 * Reads how a process has ended, also a process that is no child of this one. Needs Linux 6.15.
 *
 * @param pidfd Descriptor of the process.
 * @returns The status as wait(2) encodes it; undefined if the process runs or the kernel cannot
 * tell.
 */
export function pidfdExitStatus(pidfd: Fd): number | undefined {
  const info = new Struct(PIDFD_INFO_BYTES).u64(0, PIDFD_INFO_EXIT);
  const result = libc().ioctl(pidfd.value, PIDFD_GET_INFO, addressOf(info.bytes));
  if (result < 0 || (info.getU64(0) & BigInt(PIDFD_INFO_EXIT)) === 0n) return undefined;
  return info.getU32(60);
}

/**
 * Aborts `controller` when a process ends.
 *
 * @throws {DtError} ESRCH: no process has the pid.
 */
export function abortWithProcess(pid: number, controller: AbortController): Disposable {
  const stack = new DisposableStack();
  const pidfd = stack.use(pidfdOpen(pid));
  const poller = stack.use(new Poller());
  poller.add(pidfd.value, { level: true });
  const watch = async () => {
    // A wait may end without an event: after the tool itself was stopped and continued.
    while (!stack.disposed) {
      if ((await poller.wait(-1)).length > 0) controller.abort();
      if (controller.signal.aborted) return;
    }
  };
  watch();
  return stack;
}

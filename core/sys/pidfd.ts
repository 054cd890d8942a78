// pidfd_open(2): a descriptor that becomes readable when a process ends. Needs Linux 5.3.

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { addressOf, Struct } from "./memory.ts";

/**
 * @param pid Process (not thread) id.
 * @throws {DtError} ESRCH no such process.
 */
export function pidfdOpen(pid: number): Fd {
  const fd = libc().syscall(arch.syscalls.pidfd_open, BigInt(pid), 0n, 0n, 0n, 0n, 0n);
  return new Fd(check(fd, "pidfd_open", `${pid}`), `pidfd:${pid}`);
}

/** PIDFD_GET_INFO with room for struct pidfd_info of the first version. include/uapi/linux/pidfd.h */
const PIDFD_INFO_BYTES = 64;
const PIDFD_GET_INFO = BigInt(0xc000_ff0b | PIDFD_INFO_BYTES << 16) & 0xffff_ffffn;
const PIDFD_INFO_EXIT = 8;

/**
 * How a process has ended, as wait(2) says it, also of one that is no child (Linux 6.15).
 *
 * @returns undefined if the kernel cannot tell.
 */
export function pidfdExitStatus(pidfd: Fd): number | undefined {
  const info = new Struct(PIDFD_INFO_BYTES).u64(0, PIDFD_INFO_EXIT);
  const result = libc().ioctl(pidfd.value, PIDFD_GET_INFO, addressOf(info.bytes));
  if (result < 0 || (info.getU64(0) & BigInt(PIDFD_INFO_EXIT)) === 0n) return undefined;
  return info.getU32(60);
}

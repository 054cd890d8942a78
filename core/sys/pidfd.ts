// pidfd_open(2): a descriptor that becomes readable when a process ends. Needs Linux 5.3.

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";

/**
 * @param pid Process (not thread) id.
 * @throws {DtError} ESRCH no such process.
 */
export function pidfdOpen(pid: number): Fd {
  const fd = libc().syscall(arch.syscalls.pidfd_open, BigInt(pid), 0n, 0n, 0n, 0n, 0n);
  return new Fd(check(fd, "pidfd_open", `${pid}`), `pidfd:${pid}`);
}

// Lets another process trace this one, where only descendants may be traced (Yama).

import { arch } from "./arch/mod.ts";
import { libc } from "./libc.ts";

const PR_SET_PTRACER = 0x59616d61n;

/** Allows a process to trace this one by ptrace(2); 0 takes that back. Without Yama nothing happens. */
export function allowTracer(pid: number): void {
  libc().syscall(arch.syscalls.prctl, PR_SET_PTRACER, BigInt(pid), 0n, 0n, 0n, 0n);
}

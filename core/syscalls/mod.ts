/**
 * What every provider that names system calls shares: the table and the attachment.
 * @module
 */

export { type Syscall, syscalls } from "./table.ts";
export type { TracedSyscall } from "./selection.ts";
export type { LifeListener } from "./tracer.ts";
export type { Tracee } from "./tracee.ts";
export { allocSyscall, tracedLife, tracedSyscalls } from "./traced.ts";
export { syscallAttachment, type SyscallPcb, type SyscallSide } from "./attachment.ts";

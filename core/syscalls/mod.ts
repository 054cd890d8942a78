/**
 * What every provider that names system calls shares: the table and the attachment.
 * @module
 */

export { type Syscall, syscalls } from "./table.ts";
export { allocSyscall, type TracedSyscall, tracedSyscalls } from "./traced.ts";
export { syscallAttachment, type SyscallPcb, type SyscallSide } from "./attachment.ts";

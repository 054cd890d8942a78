/**
 * What every provider that names system calls shares: the table and the attachment.
 * @module
 */

export { type Syscall, syscalls, UTRACE_BYTES, UTRACE_CALL } from "./table.ts";
export { type Call, type CallAbi, callOf, codeOf, emitCallCode, emitJumpIfForeign } from "./abi.ts";
export { Selection, type TracedSyscall } from "./selection.ts";
export { type LifeListener, Tracer, type TracerOptions } from "./tracer.ts";
export type { Tracee } from "./tracee.ts";
export { allocSyscall, tracedLife, tracedSyscalls } from "./traced.ts";
export { syscallAttachment, type SyscallPcb, type SyscallSide } from "./attachment.ts";

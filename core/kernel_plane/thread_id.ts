// Pure: no I/O, no FFI.
// Emits code that finds the process id and the thread id of the running thread, as the tracer's pid
// namespace numbers them.

import type { NamespaceId } from "../contract/kernel_action.ts";
import type { Assembler } from "../asm/assembler.ts";
import { add64, imm, mov64 } from "../asm/alu.ts";
import { callHelper } from "../asm/jump.ts";
import { load, loadImm64, storeImm } from "../asm/load_store.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import { R0, R1, R10, R2, R3, R4 } from "../asm/register.ts";

/**
 * Size in bytes of struct bpf_pidns_info { u32 pid, tgid }. Read as one word, the structure looks
 * like bpf_get_current_pid_tgid()'s result.
 */
const INFO_BYTES = 8;

/**
 * Emits code that leaves `process id << 32 | thread id` in R0; 0 for a thread outside the
 * namespace. Clobbers R1 to R5, and in a namespace 8 bytes of the stack.
 *
 * @param asm Assembler to emit to.
 * @param namespace Namespace of the ids; undefined for the initial one.
 * @param stackOffset Offset from R10 of 8 free bytes.
 */
export function emitPidTgid(
  asm: Assembler,
  namespace: NamespaceId | undefined,
  stackOffset: number,
): void {
  if (namespace === undefined) {
    asm.emit(callHelper(BPF_FUNC.get_current_pid_tgid));
    return;
  }
  asm.emit(
    storeImm(8, R10, stackOffset, 0),
    loadImm64(R1, namespace.dev),
    loadImm64(R2, namespace.ino),
    mov64(R3, R10),
    add64(R3, imm(stackOffset)),
    mov64(R4, imm(INFO_BYTES)),
    callHelper(BPF_FUNC.get_ns_current_pid_tgid),
    load(8, R0, R10, stackOffset),
  );
}

// System calls by another ABI than this architecture's own: 32-bit programs, `int $0x80`, x32. Their
// numbers mean other calls, and their arguments are in other registers. ktrace's records have one
// number for a call, so the ABI is part of the number: FreeBSD's files keep 16 bits of it.

import { add64, and64, imm, lsh64, mov64, rsh64 } from "../../asm/alu.ts";
import type { Assembler } from "../../asm/assembler.ts";
import { BPF_FUNC } from "../../asm/generated/helpers.ts";
import type { Label } from "../../asm/instruction.ts";
import { missingFeature } from "../../bpf/features.ts";
import { callHelper, ja, jeq } from "../../asm/jump.ts";
import { load } from "../../asm/load_store.ts";
import { R0, R1, type Register } from "../../asm/register.ts";
import type { ContextLayout } from "../../contract/context.ts";
import { emitLoad } from "../../kernel_plane/location.ts";
import { offsetOf } from "../../kernel_plane/task_offsets.ts";
import { arch } from "../../sys/arch/mod.ts";

/** Bits of a code that are the number of the call. */
const NUMBER = 0x1fff;
/** Added to the numbers of calls of 32-bit programs. */
const FOREIGN = 0x4000;
/** Added to the numbers of calls by x32's ABI, which the kernel tells by bit 30. */
const X32 = 0x2000;
const X32_BIT = 0x4000_0000;
/** Bits to the right of which a number by x32's ABI has only its bit. */
const NUMBER_BITS = 13;

/** ABI of a call: this architecture's own, that of 32-bit programs, or x32. */
export type CallAbi = "native" | "32-bit" | "x32";

/** A code taken apart. */
export interface Call {
  /** ABI by which the call was made. */
  readonly abi: CallAbi;
  /** Number of the call in its ABI. */
  readonly number: number;
}

/** Reads the ABI and the number of a call from the code that records have. */
export function callOf(code: number): Call {
  const number = code & NUMBER;
  if ((code & ~NUMBER) === FOREIGN) return { abi: "32-bit", number };
  return (code & ~NUMBER) === X32 ? { abi: "x32", number } : { abi: "native", number: code };
}

/** Makes the code of a call that a tracer has seen. */
export function codeOf(number: number, isForeign: boolean): number {
  if (isForeign) return FOREIGN | (number & NUMBER);
  return number >>> NUMBER_BITS === X32_BIT >>> NUMBER_BITS ? X32 | (number & NUMBER) : number;
}

/**
 * Emits code that leaves the code of the present call in R0. Clobbers R1 to R5 and 8 bytes of the
 * stack.
 *
 * @param asm Assembler to emit to.
 * @param layout Layout of an attachment of system calls.
 * @param context Register that holds the context; must not be R0 to R5, and keeps its value.
 * @param spill Offset from R10 of 8 free bytes.
 */
export function emitCallCode(
  asm: Assembler,
  layout: ContextLayout,
  context: Register,
  spill: number,
): void {
  const [native, done] = ["native", "code"].map((name) => asm.label(name));
  if (!layout.untyped) {
    emitForeign(asm, context);
    asm.emit(jeq(R0, imm(0), native));
    emitLoad(asm, layout, layout.locations.number, context, spill);
    asm.emit(and64(R0, imm(NUMBER)), add64(R0, imm(FOREIGN)), ja(done));
  }
  asm.bind(native);
  emitLoad(asm, layout, layout.locations.number, context, spill);
  const x32 = asm.label("x32");
  asm.emit(
    lsh64(R0, imm(32)),
    rsh64(R0, imm(32)),
    mov64(R1, R0),
    rsh64(R1, imm(NUMBER_BITS)),
    jeq(R1, imm(X32_BIT >>> NUMBER_BITS), x32),
    ja(done),
  );
  asm.bind(x32);
  asm.emit(and64(R0, imm(NUMBER)), add64(R0, imm(X32)));
  asm.bind(done);
}

/**
 * Emits code that leaves a number in R0, other than 0 for a call by the ABI of 32-bit programs, also of one
 * that a 64-bit program makes (`int $0x80`; before Linux 5.11, which lacks a helper for that, of 32-bit
 * programs alone). Clobbers R1 to R5. The context must be typed.
 */
export function emitForeign(asm: Assembler, context: Register): void {
  const { compat, compatStatus } = arch;
  if (compatStatus === undefined || missingFeature("get_current_task_btf") !== undefined) {
    const same = asm.label("abi");
    asm.emit(
      load(8, R1, context, 0),
      load(8, R0, R1, compat.offset),
      and64(R0, imm(compat.mask)),
      jeq(R0, imm(compat.value), same),
      and64(R0, imm(0)),
    );
    asm.bind(same);
    return;
  }
  const offset = offsetOf("task_struct", "thread_info") + offsetOf("thread_info", "status");
  asm.emit(
    callHelper(BPF_FUNC.get_current_task_btf),
    load(4, R0, R0, offset),
    and64(R0, imm(compatStatus)),
  );
}

/**
 * Emits a jump to `foreign` if the code in a register is of a call of a 32-bit program. Clobbers R1.
 */
export function emitJumpIfForeign(
  asm: Assembler,
  code: Register,
  foreign: Label,
): void {
  asm.emit(
    mov64(R1, code),
    rsh64(R1, imm(NUMBER_BITS)),
    jeq(R1, imm(FOREIGN >>> NUMBER_BITS), foreign),
  );
}

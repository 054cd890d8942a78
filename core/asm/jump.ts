// Pure: no I/O, no FFI.
// Jumps, calls and exit. An `s` in a condition means a signed comparison. A conditional jump
// reaches 32767 slots; Assembler.lengthenJumps() replaces longer ones.

import {
  BPF_JMP,
  BPF_JMP32,
  BPF_K,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_X,
  JMP_OP,
} from "./opcode.ts";
import { type Instruction, instruction, type Label } from "./instruction.ts";
import type { Operand } from "./alu.ts";
import { R0, type Register } from "./register.ts";

function conditional(
  width: number,
  op: keyof typeof JMP_OP,
  dst: Register,
  operand: Operand,
  target: Label,
): Instruction {
  return typeof operand === "number"
    ? instruction(width | JMP_OP[op] | BPF_X, dst, operand, 0, 0, { target })
    : instruction(width | JMP_OP[op] | BPF_K, dst, 0, 0, operand.imm, { target });
}

/** Makes the jump `if dst == operand goto target`, comparing 64 bits. */
export function jeq(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP, "jeq", dst, operand, target);
}

/** Makes the jump `if dst == operand goto target`, comparing the low 32 bits. */
export function jeq32(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP32, "jeq", dst, operand, target);
}

/** Makes the jump `if dst != operand goto target`, comparing 64 bits. */
export function jne(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP, "jne", dst, operand, target);
}

/** Makes the jump `if dst != operand goto target`, comparing the low 32 bits. */
export function jne32(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP32, "jne", dst, operand, target);
}

/** Makes the jump `if dst > operand goto target`, comparing 64 bits. */
export function jgt(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP, "jgt", dst, operand, target);
}

/** Makes the jump `if dst > operand goto target`, comparing the low 32 bits. */
export function jgt32(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP32, "jgt", dst, operand, target);
}

/** Makes the jump `if dst >= operand goto target`, comparing 64 bits. */
export function jge(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP, "jge", dst, operand, target);
}

/** Makes the jump `if dst >= operand goto target`, comparing the low 32 bits. */
export function jge32(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP32, "jge", dst, operand, target);
}

/** Makes the jump `if dst < operand goto target`, comparing 64 bits. */
export function jlt(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP, "jlt", dst, operand, target);
}

/** Makes the jump `if dst < operand goto target`, comparing the low 32 bits. */
export function jlt32(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP32, "jlt", dst, operand, target);
}

/** Makes the jump `if dst <= operand goto target`, comparing 64 bits. */
export function jle(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP, "jle", dst, operand, target);
}

/** Makes the jump `if dst <= operand goto target`, comparing the low 32 bits. */
export function jle32(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP32, "jle", dst, operand, target);
}

/** Makes the jump `if dst & operand goto target`, comparing 64 bits. */
export function jset(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP, "jset", dst, operand, target);
}

/** Makes the jump `if dst & operand goto target`, comparing the low 32 bits. */
export function jset32(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP32, "jset", dst, operand, target);
}

/** Makes the jump `if dst s> operand goto target`, comparing 64 bits. */
export function jsgt(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP, "jsgt", dst, operand, target);
}

/** Makes the jump `if dst s> operand goto target`, comparing the low 32 bits. */
export function jsgt32(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP32, "jsgt", dst, operand, target);
}

/** Makes the jump `if dst s>= operand goto target`, comparing 64 bits. */
export function jsge(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP, "jsge", dst, operand, target);
}

/** Makes the jump `if dst s>= operand goto target`, comparing the low 32 bits. */
export function jsge32(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP32, "jsge", dst, operand, target);
}

/** Makes the jump `if dst s< operand goto target`, comparing 64 bits. */
export function jslt(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP, "jslt", dst, operand, target);
}

/** Makes the jump `if dst s< operand goto target`, comparing the low 32 bits. */
export function jslt32(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP32, "jslt", dst, operand, target);
}

/** Makes the jump `if dst s<= operand goto target`, comparing 64 bits. */
export function jsle(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP, "jsle", dst, operand, target);
}

/** Makes the jump `if dst s<= operand goto target`, comparing the low 32 bits. */
export function jsle32(dst: Register, operand: Operand, target: Label): Instruction {
  return conditional(BPF_JMP32, "jsle", dst, operand, target);
}

/** Makes the jump `goto target`, at most 32767 slots away. */
export function ja(target: Label): Instruction {
  return instruction(BPF_JMP | JMP_OP.ja, R0, 0, 0, 0, { target });
}

/** Makes the jump `gotol target`, of any distance (Linux 6.6). */
export function jal(target: Label): Instruction {
  return instruction(BPF_JMP32 | JMP_OP.ja, R0, 0, 0, 0, { target });
}

/**
 * Makes the jump `may_goto target`, which leaves a loop when the kernel's budget is used up (Linux
 * 6.9).
 */
export function mayGoto(target: Label): Instruction {
  return instruction(BPF_JMP | JMP_OP.jcond, R0, 0, 0, 0, { target });
}

/** Makes a call of a helper by its number (generated/helpers.ts). */
export function callHelper(helper: number): Instruction {
  return instruction(BPF_JMP | JMP_OP.call, R0, 0, 0, helper);
}

/** Makes a call of a kernel function by its id in the kernel's BTF (Linux 5.13). */
export function callKfunc(btfId: number): Instruction {
  return instruction(BPF_JMP | JMP_OP.call, R0, BPF_PSEUDO_KFUNC_CALL, 0, btfId);
}

/** Makes a call of a function of this program. */
export function call(target: Label): Instruction {
  return instruction(BPF_JMP | JMP_OP.call, R0, BPF_PSEUDO_CALL, 0, 0, { target });
}

/** Makes the instruction that leaves a function, with the result in R0. */
export function exit(): Instruction {
  return instruction(BPF_JMP | JMP_OP.exit, R0, 0, 0, 0);
}

// Pure: no I/O, no FFI.
// Arithmetic instructions of 64 and 32 bits. A 32-bit instruction computes with the low halves of
// its operands and sets the high half of `dst` to zero. The numbers of the operations stand in
// opcode.ts.

import { ALU_OP, BPF_ALU, BPF_ALU64, BPF_K, BPF_X } from "./opcode.ts";
import { type Instruction, instruction } from "./instruction.ts";
import type { Register } from "./register.ts";

/** Right-hand side of an instruction: a register, or `{ imm }` with a signed 32-bit number. */
export type Operand = Register | {
  /** Signed 32-bit number that is part of the instruction. */
  readonly imm: number;
};

/** Makes an operand of a signed 32-bit number. */
export function imm(value: number): Operand {
  return { imm: value };
}

/**
 * Makes an arithmetic instruction; `offset` 1 makes a division signed, 8 to 32 a move
 * sign-extending.
 */
function alu(
  width: number,
  op: keyof typeof ALU_OP,
  dst: Register,
  operand: Operand,
  offset = 0,
): Instruction {
  return typeof operand === "number"
    ? instruction(width | ALU_OP[op] | BPF_X, dst, operand, offset, 0)
    : instruction(width | ALU_OP[op] | BPF_K, dst, 0, offset, operand.imm);
}

/** Makes the 64-bit instruction `dst += operand`. */
export function add64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "add", dst, operand);
}

/** Makes the 32-bit instruction `dst += operand`. */
export function add32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "add", dst, operand);
}

/** Makes the 64-bit instruction `dst -= operand`. */
export function sub64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "sub", dst, operand);
}

/** Makes the 32-bit instruction `dst -= operand`. */
export function sub32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "sub", dst, operand);
}

/** Makes the 64-bit instruction `dst *= operand`. */
export function mul64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "mul", dst, operand);
}

/** Makes the 32-bit instruction `dst *= operand`. */
export function mul32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "mul", dst, operand);
}

/** Makes the 64-bit instruction `dst /= operand`, unsigned; x / 0 is 0. */
export function div64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "div", dst, operand);
}

/** Makes the 32-bit instruction `dst /= operand`, unsigned; x / 0 is 0. */
export function div32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "div", dst, operand);
}

/** Makes the 64-bit instruction `dst |= operand`. */
export function or64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "or", dst, operand);
}

/** Makes the 32-bit instruction `dst |= operand`. */
export function or32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "or", dst, operand);
}

/** Makes the 64-bit instruction `dst &= operand`. */
export function and64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "and", dst, operand);
}

/** Makes the 32-bit instruction `dst &= operand`. */
export function and32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "and", dst, operand);
}

/** Makes the 64-bit instruction `dst <<= operand`. */
export function lsh64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "lsh", dst, operand);
}

/** Makes the 32-bit instruction `dst <<= operand`. */
export function lsh32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "lsh", dst, operand);
}

/** Makes the 64-bit instruction `dst >>= operand`, a logical shift. */
export function rsh64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "rsh", dst, operand);
}

/** Makes the 32-bit instruction `dst >>= operand`, a logical shift. */
export function rsh32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "rsh", dst, operand);
}

/** Makes the 64-bit instruction `dst %= operand`, unsigned; x % 0 is x. */
export function mod64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "mod", dst, operand);
}

/** Makes the 32-bit instruction `dst %= operand`, unsigned; x % 0 is x. */
export function mod32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "mod", dst, operand);
}

/** Makes the 64-bit instruction `dst ^= operand`. */
export function xor64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "xor", dst, operand);
}

/** Makes the 32-bit instruction `dst ^= operand`. */
export function xor32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "xor", dst, operand);
}

/** Makes the 64-bit instruction `dst = operand`. */
export function mov64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "mov", dst, operand);
}

/** Makes the 32-bit instruction `dst = operand`. */
export function mov32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "mov", dst, operand);
}

/** Makes the 64-bit instruction `dst s>>= operand`, an arithmetic shift. */
export function arsh64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "arsh", dst, operand);
}

/** Makes the 32-bit instruction `dst s>>= operand`, an arithmetic shift. */
export function arsh32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "arsh", dst, operand);
}

/** Makes the 64-bit instruction `dst s/= operand`, signed (Linux 6.6). */
export function sdiv64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "div", dst, operand, 1);
}

/** Makes the 32-bit instruction `dst s/= operand`, signed (Linux 6.6). */
export function sdiv32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "div", dst, operand, 1);
}

/** Makes the 64-bit instruction `dst s%= operand`, signed (Linux 6.6). */
export function smod64(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU64, "mod", dst, operand, 1);
}

/** Makes the 32-bit instruction `dst s%= operand`, signed (Linux 6.6). */
export function smod32(dst: Register, operand: Operand): Instruction {
  return alu(BPF_ALU, "mod", dst, operand, 1);
}

/** Makes the 64-bit instruction `dst = (sN)src`, sign-extending the low `bits` (Linux 6.6). */
export function movsx64(dst: Register, src: Register, bits: 8 | 16 | 32): Instruction {
  return alu(BPF_ALU64, "mov", dst, src, bits);
}

/** Makes the 32-bit instruction `dst = (sN)src`, sign-extending the low `bits` to 32 (Linux 6.6). */
export function movsx32(dst: Register, src: Register, bits: 8 | 16): Instruction {
  return alu(BPF_ALU, "mov", dst, src, bits);
}

/** Makes the 64-bit instruction `dst = -dst`. */
export function neg64(dst: Register): Instruction {
  return instruction(BPF_ALU64 | ALU_OP.neg, dst, 0, 0, 0);
}

/** Makes the 32-bit instruction `dst = -dst`. */
export function neg32(dst: Register): Instruction {
  return instruction(BPF_ALU | ALU_OP.neg, dst, 0, 0, 0);
}

/** Converts the low `bits` of `dst` between host order and big endian. */
export function be(dst: Register, bits: 16 | 32 | 64): Instruction {
  return instruction(BPF_ALU | ALU_OP.end | BPF_X, dst, 0, 0, bits);
}

/** Converts the low `bits` of `dst` between host order and little endian. */
export function le(dst: Register, bits: 16 | 32 | 64): Instruction {
  return instruction(BPF_ALU | ALU_OP.end | BPF_K, dst, 0, 0, bits);
}

/** Swaps the bytes of the low `bits` of `dst`, whatever the host order (Linux 6.6). */
export function bswap(dst: Register, bits: 16 | 32 | 64): Instruction {
  return instruction(BPF_ALU64 | ALU_OP.end, dst, 0, 0, bits);
}

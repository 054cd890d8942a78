// Pure: no I/O, no FFI.
// One eBPF instruction as an object and as bytes.
//
//    0        1         2        4            8
//   +--------+----+----+--------+------------+
//   | opcode | dst| src| offset | immediate  |   little endian; dst is the low nibble
//   +--------+----+----+--------+------------+
//
// A 64-bit immediate takes a second slot. The immediate of the second slot is the high half, and
// all its other fields are zero.

import { BPF_DW, BPF_IMM, BPF_LD } from "./opcode.ts";
import type { Register } from "./register.ts";

/** A place in the program that jumps and calls can name before its position is known. */
export class Label {
  /** Number of the slot that the label stands for, -1 while the label is not bound. */
  slot: number = -1;

  /**
   * Makes a label that is not bound yet.
   *
   * @param name Name for error messages and listings.
   */
  constructor(readonly name: string = "") {}
}

/** An object with a map's descriptor. The descriptor is read when the program is assembled. */
export interface MapReference {
  /** File descriptor of the map. */
  readonly fd: number;
}

/** One instruction, split into its fields. */
export interface Instruction {
  /** Opcode: the bits of class, operation and source that opcode.ts draws. */
  readonly opcode: number;
  /** Number of the destination register. */
  readonly dst: number;
  /** Number of the source register, or one of BPF_PSEUDO_*. */
  readonly src: number;
  /** Signed 16-bit offset: the distance of a jump, or a displacement in memory. */
  readonly offset: number;
  /** Signed 32-bit immediate, or the low half of a 64-bit immediate. */
  readonly imm: number;
  /** High half of a 64-bit immediate, signed. */
  readonly immHigh?: number;
  /** Label that becomes `offset` (jumps) or `imm` (calls, gotol, function addresses). */
  readonly target?: Label;
  /** Map whose descriptor becomes `imm` when the program is assembled. */
  readonly map?: MapReference;
}

/** Opcode of the 64-bit immediate load, the only instruction of two slots. */
export const LD_IMM64 = BPF_LD | BPF_IMM | BPF_DW;

/** Makes an instruction from its fields. The types are the only check of the register numbers. */
export function instruction(
  opcode: number,
  dst: Register,
  src: number,
  offset: number,
  imm: number,
  rest?: Pick<Instruction, "immHigh" | "target" | "map">,
): Instruction {
  return { opcode, dst, src, offset, imm, ...rest };
}

/** Most slots of a program that the kernel takes; include/linux/bpf.h: BPF_COMPLEXITY_LIMIT_INSNS. */
export const MAX_SLOTS = 1_000_000;

/** Counts the slots of an instruction: 2 for a 64-bit immediate load, else 1. */
export function slots(instruction: Instruction): number {
  return instruction.opcode === LD_IMM64 ? 2 : 1;
}

/**
 * Writes one instruction at byte `at` of a view.
 *
 * @throws {RangeError} The offset or the immediate does not fit its field, and cutting it would
 * change the program.
 */
export function encode(view: DataView, at: number, instruction: Instruction): void {
  const { offset, imm } = instruction;
  if (offset !== offset << 16 >> 16) {
    throw new RangeError(`Cannot encode offset ${offset}: 16 bits`);
  }
  if (imm !== (imm | 0)) throw new RangeError(`Cannot encode immediate ${imm}: 32 bits`);
  view.setUint8(at, instruction.opcode);
  view.setUint8(at + 1, instruction.dst | instruction.src << 4);
  view.setInt16(at + 2, instruction.offset, true);
  view.setInt32(at + 4, instruction.imm, true);
  if (slots(instruction) === 2) view.setInt32(at + 12, instruction.immHigh ?? 0, true);
}

/**
 * Reads instructions from their bytes; labels and map objects are not restored.
 *
 * @throws {RangeError} The length is not a whole number of instructions.
 */
export function decode(bytes: Uint8Array): Instruction[] {
  if (bytes.length % 8 !== 0) {
    throw new RangeError(`Cannot decode ${bytes.length} bytes: not a multiple of 8`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const out: Instruction[] = [];
  for (let at = 0; at < bytes.length; at += 8) {
    const opcode = view.getUint8(at);
    const one = {
      opcode,
      dst: view.getUint8(at + 1) & 15,
      src: view.getUint8(at + 1) >> 4,
      offset: view.getInt16(at + 2, true),
      imm: view.getInt32(at + 4, true),
    };
    if (opcode !== LD_IMM64) {
      out.push(one);
      continue;
    }
    if (at + 16 > bytes.length) throw new RangeError("Cannot decode a 64-bit immediate: cut short");
    out.push({ ...one, immHigh: view.getInt32(at + 12, true) });
    at += 8;
  }
  return out;
}

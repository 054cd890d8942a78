// Pure: no I/O, no FFI.
// One eBPF instruction and its bytes.
//
//    0        1         2        4            8
//   +--------+----+----+--------+------------+
//   | opcode | dst| src| offset | immediate  |   little endian; dst is the low nibble
//   +--------+----+----+--------+------------+
//   A 64-bit immediate takes a second slot whose immediate is the high half, all else zero.

import { BPF_DW, BPF_IMM, BPF_LD } from "./opcode.ts";
import type { Register } from "./register.ts";

/** A place in the program that jumps and calls name before it is known. */
export class Label {
  /** Slot number once bound, -1 before. */
  slot: number = -1;

  /**
   * Not bound yet.
   *
   * @param name For error messages and listings.
   */
  constructor(readonly name: string = "") {}
}

/** Something with a map descriptor: the number is read when the program is assembled. */
export interface MapReference {
  /** Descriptor of the map. */
  readonly fd: number;
}

/** One instruction. */
export interface Instruction {
  /** Class, operation and source bits. */
  readonly opcode: number;
  /** Destination register. */
  readonly dst: number;
  /** Source register or pseudo source. */
  readonly src: number;
  /** Signed 16-bit offset. */
  readonly offset: number;
  /** Signed 32-bit immediate; the low half of a 64-bit one. */
  readonly imm: number;
  /** High half of a 64-bit immediate. */
  readonly immHigh?: number;
  /** Where `offset` (jumps) or `imm` (calls, gotol, function addresses) must lead. */
  readonly target?: Label;
  /** The map whose descriptor becomes `imm`. */
  readonly map?: MapReference;
}

/** Opcode of the two-slot load. */
export const LD_IMM64 = BPF_LD | BPF_IMM | BPF_DW;

/** An instruction from its parts; the two registers are checked by type only. */
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

/** 2 for a 64-bit immediate, else 1. */
export function slots(instruction: Instruction): number {
  return instruction.opcode === LD_IMM64 ? 2 : 1;
}

/**
 * Writes one instruction at byte `at`.
 *
 * @throws {RangeError} Offset or immediate do not fit their fields: they would become others.
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
 * Instructions from their bytes, without labels or map objects.
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

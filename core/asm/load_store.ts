// Pure: no I/O, no FFI.
// Loads, stores, atomic operations and 64-bit immediates. Offsets are in bytes, signed, of 16 bits.

import {
  ALU_OP,
  BPF_ATOMIC,
  BPF_B,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_FETCH,
  BPF_H,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MEM,
  BPF_MEMSX,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  BPF_ST,
  BPF_STORE_REL,
  BPF_STX,
  BPF_W,
  BPF_XCHG,
} from "./opcode.ts";
import {
  type Instruction,
  instruction,
  type Label,
  LD_IMM64,
  type MapReference,
} from "./instruction.ts";
import type { Register } from "./register.ts";

/** Width of a memory access in bytes. */
export type AccessSize = 1 | 2 | 4 | 8;

const SIZE = { 1: BPF_B, 2: BPF_H, 4: BPF_W, 8: BPF_DW } as const;

/** Makes the load `dst = *(uN *)(src + offset)`, zero-extended to 64 bits. */
export function load(size: AccessSize, dst: Register, src: Register, offset: number): Instruction {
  return instruction(BPF_LDX | BPF_MEM | SIZE[size], dst, src, offset, 0);
}

/** Makes the load `dst = *(sN *)(src + offset)`, sign-extended to 64 bits (Linux 6.6). */
export function loadSigned(
  size: 1 | 2 | 4,
  dst: Register,
  src: Register,
  offset: number,
): Instruction {
  return instruction(BPF_LDX | BPF_MEMSX | SIZE[size], dst, src, offset, 0);
}

/** Makes the store `*(uN *)(dst + offset) = src`. */
export function store(size: AccessSize, dst: Register, offset: number, src: Register): Instruction {
  return instruction(BPF_STX | BPF_MEM | SIZE[size], dst, src, offset, 0);
}

/** Makes the store `*(uN *)(dst + offset) = value` of a sign-extended 32-bit immediate. */
export function storeImm(
  size: AccessSize,
  dst: Register,
  offset: number,
  value: number,
): Instruction {
  return instruction(BPF_ST | BPF_MEM | SIZE[size], dst, 0, offset, value);
}

/** Makes the move `dst = value` of a 64-bit immediate; takes two slots. */
export function loadImm64(dst: Register, value: bigint): Instruction {
  return instruction(LD_IMM64, dst, 0, 0, Number(BigInt.asIntN(32, value)), {
    immHigh: Number(BigInt.asIntN(32, value >> 32n)),
  });
}

/** Makes the move `dst = map`, for helpers that take a map. */
export function loadMap(dst: Register, map: MapReference): Instruction {
  return instruction(LD_IMM64, dst, BPF_PSEUDO_MAP_FD, 0, 0, { map, immHigh: 0 });
}

/**
 * Makes the move `dst = &map[0] + offset`: an address in the value of an array map of one entry
 * (Linux 5.2).
 */
export function loadMapValue(dst: Register, map: MapReference, offset: number): Instruction {
  return instruction(LD_IMM64, dst, BPF_PSEUDO_MAP_VALUE, 0, 0, { map, immHigh: offset });
}

/** Makes the move `dst = &variable`: the address of a kernel variable by BTF id (Linux 5.10). */
export function loadBtfId(dst: Register, btfId: number): Instruction {
  return instruction(LD_IMM64, dst, BPF_PSEUDO_BTF_ID, 0, btfId, { immHigh: 0 });
}

/** Makes the move `dst = &function` of a function of this program, for helpers that call back. */
export function loadFunction(dst: Register, target: Label): Instruction {
  return instruction(LD_IMM64, dst, BPF_PSEUDO_FUNC, 0, 0, { target, immHigh: 0 });
}

/** Makes an atomic operation; `op` is the immediate that chooses the operation. */
function atomic(
  size: 4 | 8,
  op: number,
  dst: Register,
  offset: number,
  src: Register,
): Instruction {
  return instruction(BPF_STX | BPF_ATOMIC | SIZE[size], dst, src, offset, op);
}

/** Name of an atomic read-modify-write operation. */
export type AtomicOp = "add" | "or" | "and" | "xor";

/** Makes the atomic operation `lock *(uN *)(dst + offset) op= src`. */
export function atomicOp(
  size: 4 | 8,
  op: AtomicOp,
  dst: Register,
  offset: number,
  src: Register,
): Instruction {
  return atomic(size, ALU_OP[op], dst, offset, src);
}

/** Makes an atomic operation that leaves the old value in `src` (Linux 5.12). */
export function atomicFetchOp(
  size: 4 | 8,
  op: AtomicOp,
  dst: Register,
  offset: number,
  src: Register,
): Instruction {
  return atomic(size, ALU_OP[op] | BPF_FETCH, dst, offset, src);
}

/** Makes the atomic swap of `src` and `*(uN *)(dst + offset)` (Linux 5.12). */
export function atomicExchange(
  size: 4 | 8,
  dst: Register,
  offset: number,
  src: Register,
): Instruction {
  return atomic(size, BPF_XCHG, dst, offset, src);
}

/**
 * Makes the atomic operation that stores `src` if memory equals R0, and leaves the old value in R0
 * (Linux 5.12).
 */
export function atomicCompareExchange(
  size: 4 | 8,
  dst: Register,
  offset: number,
  src: Register,
): Instruction {
  return atomic(size, BPF_CMPXCHG, dst, offset, src);
}

/** Makes the load `dst = load_acquire((uN *)(src + offset))` (Linux 6.15). */
export function loadAcquire(
  size: AccessSize,
  dst: Register,
  src: Register,
  offset: number,
): Instruction {
  return instruction(BPF_STX | BPF_ATOMIC | SIZE[size], dst, src, offset, BPF_LOAD_ACQ);
}

/** Makes the store `store_release((uN *)(dst + offset), src)` (Linux 6.15). */
export function storeRelease(
  size: AccessSize,
  dst: Register,
  offset: number,
  src: Register,
): Instruction {
  return instruction(BPF_STX | BPF_ATOMIC | SIZE[size], dst, src, offset, BPF_STORE_REL);
}

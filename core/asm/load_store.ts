// Pure: no I/O, no FFI.
// Loads, stores, atomics and 64-bit immediates.

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

/** Bytes of a memory access. */
export type AccessSize = 1 | 2 | 4 | 8;

const SIZE = { 1: BPF_B, 2: BPF_H, 4: BPF_W, 8: BPF_DW } as const;

/** `dst = *(uN *)(src + offset)`, zero-extended. */
export function load(size: AccessSize, dst: Register, src: Register, offset: number): Instruction {
  return instruction(BPF_LDX | BPF_MEM | SIZE[size], dst, src, offset, 0);
}

/** `dst = *(sN *)(src + offset)`, sign-extended (Linux 6.6). */
export function loadSigned(
  size: 1 | 2 | 4,
  dst: Register,
  src: Register,
  offset: number,
): Instruction {
  return instruction(BPF_LDX | BPF_MEMSX | SIZE[size], dst, src, offset, 0);
}

/** `*(uN *)(dst + offset) = src`. */
export function store(size: AccessSize, dst: Register, offset: number, src: Register): Instruction {
  return instruction(BPF_STX | BPF_MEM | SIZE[size], dst, src, offset, 0);
}

/** `*(uN *)(dst + offset) = value`, a sign-extended 32-bit immediate. */
export function storeImm(
  size: AccessSize,
  dst: Register,
  offset: number,
  value: number,
): Instruction {
  return instruction(BPF_ST | BPF_MEM | SIZE[size], dst, 0, offset, value);
}

/** `dst = value`, 64 bits. */
export function loadImm64(dst: Register, value: bigint): Instruction {
  return instruction(LD_IMM64, dst, 0, 0, Number(BigInt.asIntN(32, value)), {
    immHigh: Number(BigInt.asIntN(32, value >> 32n)),
  });
}

/** `dst = map`, for helpers that take a map. */
export function loadMap(dst: Register, map: MapReference): Instruction {
  return instruction(LD_IMM64, dst, BPF_PSEUDO_MAP_FD, 0, 0, { map, immHigh: 0 });
}

/** `dst = &map[0] + offset`: an address in the value of an array map of one entry (Linux 5.2). */
export function loadMapValue(dst: Register, map: MapReference, offset: number): Instruction {
  return instruction(LD_IMM64, dst, BPF_PSEUDO_MAP_VALUE, 0, 0, { map, immHigh: offset });
}

/** `dst = &variable`: the address of a kernel variable by BTF id (Linux 5.10). */
export function loadBtfId(dst: Register, btfId: number): Instruction {
  return instruction(LD_IMM64, dst, BPF_PSEUDO_BTF_ID, 0, btfId, { immHigh: 0 });
}

/** `dst = &function` of this program, for helpers that call back. */
export function loadFunction(dst: Register, target: Label): Instruction {
  return instruction(LD_IMM64, dst, BPF_PSEUDO_FUNC, 0, 0, { target, immHigh: 0 });
}

function atomic(
  size: 4 | 8,
  op: number,
  dst: Register,
  offset: number,
  src: Register,
): Instruction {
  return instruction(BPF_STX | BPF_ATOMIC | SIZE[size], dst, src, offset, op);
}

/** Read-modify-write operations. */
export type AtomicOp = "add" | "or" | "and" | "xor";

/** `lock *(uN *)(dst + offset) op= src`. */
export function atomicOp(
  size: 4 | 8,
  op: AtomicOp,
  dst: Register,
  offset: number,
  src: Register,
): Instruction {
  return atomic(size, ALU_OP[op], dst, offset, src);
}

/** The same, with the old value in `src` afterwards (Linux 5.12). */
export function atomicFetchOp(
  size: 4 | 8,
  op: AtomicOp,
  dst: Register,
  offset: number,
  src: Register,
): Instruction {
  return atomic(size, ALU_OP[op] | BPF_FETCH, dst, offset, src);
}

/** Swaps `src` with `*(uN *)(dst + offset)` (Linux 5.12). */
export function atomicExchange(
  size: 4 | 8,
  dst: Register,
  offset: number,
  src: Register,
): Instruction {
  return atomic(size, BPF_XCHG, dst, offset, src);
}

/** Stores `src` if memory equals R0; R0 holds the old value afterwards (Linux 5.12). */
export function atomicCompareExchange(
  size: 4 | 8,
  dst: Register,
  offset: number,
  src: Register,
): Instruction {
  return atomic(size, BPF_CMPXCHG, dst, offset, src);
}

/** `dst = load_acquire((uN *)(src + offset))` (Linux 6.15). */
export function loadAcquire(
  size: AccessSize,
  dst: Register,
  src: Register,
  offset: number,
): Instruction {
  return instruction(BPF_STX | BPF_ATOMIC | SIZE[size], dst, src, offset, BPF_LOAD_ACQ);
}

/** `store_release((uN *)(dst + offset), src)` (Linux 6.15). */
export function storeRelease(
  size: AccessSize,
  dst: Register,
  offset: number,
  src: Register,
): Instruction {
  return instruction(BPF_STX | BPF_ATOMIC | SIZE[size], dst, src, offset, BPF_STORE_REL);
}

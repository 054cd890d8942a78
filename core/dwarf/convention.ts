// Pure: no I/O, no FFI.
// What callers and functions have agreed on: which arguments arrive in which registers. For functions whose
// debug information tells where they keep arguments, not where they got them.
// System V psABI for x86-64, section 3.2.3; Procedure Call Standard for the Arm 64-bit Architecture.

import type { Piece, Storage, Sum } from "./expression.ts";
import { byteSize, type DebugType, resolved } from "./types.ts";

/** The agreement of one kind of processor. */
export interface Convention {
  /** Where the frame was before the call, at a function's first instruction. */
  readonly cfaAtEntry: Sum;
  /** DWARF's number of the register that frames may be counted from. */
  readonly framePointer: number;
  /** Names of registers as in struct pt_regs, by DWARF's numbers; others cannot be read. */
  readonly registers: readonly string[];
  /** Storage of arguments of those types, in order. */
  arguments(types: readonly DebugType[], result: DebugType): Storage[];
  /** Storage of a result when the function returns. */
  result(type: DebugType): Storage;
}

type Class = "none" | "integer" | "float";

/** Scalars of a type with their offsets; undefined if it has something that is passed in memory. */
function scalars(type: DebugType, at = 0, depth = 0): [offset: number, Class, size: number][] {
  const inner = resolved(type);
  if (depth > 8) return [[at, "integer", 64]];
  switch (inner.kind) {
    case "record":
      // More would not fit registers anyway.
      return inner.members().slice(0, 128).flatMap((one) =>
        one.bits === undefined
          ? scalars(one.type, at + one.offset, depth + 1)
          : [[at + Math.floor(one.offset / 8), "integer", 1]]
      );
    case "array": {
      const count = Math.min(16, inner.counts.reduce((product, one) => product * one, 1));
      const size = byteSize(inner.of);
      return Array.from({ length: count }, (_, i) => scalars(inner.of, at + i * size, depth + 1))
        .flat();
    }
    case "base":
      return [[at, inner.encoding === "float" ? "float" : "integer", inner.size]];
    default:
      return [[at, "integer", byteSize(inner)]];
  }
}

/** Words of a value of up to 16 bytes; undefined if it is passed in memory. */
function classify(type: DebugType): Class[] | undefined {
  const size = byteSize(type);
  if (size > 16) return undefined;
  const words: Class[] = Array.from({ length: Math.ceil(size / 8) }, () => "none");
  for (const [offset, kind, bytes] of scalars(type)) {
    const isWide = bytes === 16;
    // Of 80 bits in the memory of 128.
    if (kind === "float" && isWide) return undefined;
    if (offset % Math.max(1, Math.min(bytes, 8)) !== 0) return undefined; // packed
    for (const word of isWide ? [0, 1] : [Math.floor(offset / 8)]) {
      if (word < words.length && words[word] !== "integer") words[word] = kind;
    }
  }
  return words;
}

function isReference(type: DebugType): boolean {
  const inner = resolved(type);
  return inner.kind === "record" && inner.byReference;
}

function registers(pieces: Piece[]): Storage {
  return pieces.length === 1 ? pieces[0].storage : { kind: "pieces", pieces };
}

/** x86-64: ax dx cx bx si di bp sp r8 … r15; then ip, and xmm0 as 17. */
const X86_64: Convention = {
  cfaAtEntry: { register: 7, offset: 8 },
  framePointer: 6,
  registers: "ax dx cx bx si di bp sp r8 r9 r10 r11 r12 r13 r14 r15 ip".split(" "),
  arguments(types, result) {
    const free = { integer: [5, 4, 1, 2, 8, 9], float: [17, 18, 19, 20, 21, 22, 23, 24] };
    // The caller's memory for a result that fits no registers comes first.
    if (byteSize(result) > 0 && (classify(result) === undefined || isReference(result))) {
      free.integer.shift();
    }
    let stack = 8;
    const pushed = (size: number, isWide: boolean): Storage => {
      if (isWide) stack = Math.ceil((stack - 8) / 16) * 16 + 8;
      const offset = stack;
      stack += Math.ceil(size / 8) * 8;
      return { kind: "memory", register: 7, offset };
    };
    return types.map((type) => {
      if (isReference(type)) {
        const register = free.integer.shift();
        return register === undefined
          ? { kind: "indirect", register: 7, offset: (stack += 8) - 8 }
          : { kind: "memory", register, offset: 0 };
      }
      const size = byteSize(type);
      const words = classify(type);
      const inner = resolved(type);
      const isWide = inner.kind === "base" && inner.size === 16;
      if (words === undefined) return pushed(size, isWide);
      const wanted = (kind: Class) => words.filter((one) => one === kind).length;
      const fits = wanted("integer") <= free.integer.length && wanted("float") <= free.float.length;
      if (!fits) return pushed(size, isWide);
      return inRegisters(words, size, free);
    });
  },
  result(type) {
    const words = isReference(type) ? undefined : classify(type);
    return words === undefined
      ? { kind: "memory", register: 0, offset: 0 }
      : inRegisters(words, byteSize(type), { integer: [0, 1], float: [17, 18] });
  },
};

/** Where words of these classes are, in registers that are taken in order. */
function inRegisters(
  words: readonly Class[],
  size: number,
  free: { readonly integer: number[]; readonly float: number[] },
): Storage {
  const used = words.map((kind, i) => ({ kind, size: Math.min(8, size - i * 8) }))
    .filter(({ kind }) => kind !== "none");
  if (used.length === 0) return { kind: "constant", value: 0n };
  return registers(used.map(({ kind, size }) => ({
    storage: { kind: "register", register: free[kind as "integer" | "float"].shift()! },
    size,
  })));
}

/** AArch64: x0 … x30, sp as 31, the program counter as 32, v0 as 64. */
const AARCH64: Convention = {
  cfaAtEntry: { register: 31, offset: 0 },
  framePointer: 29,
  registers: [...Array.from({ length: 31 }, (_, i) => `r${i}`), "sp", "ip"],
  arguments(types) {
    let integers = 0;
    let floats = 0;
    let stack = 0;
    const pushed = (size: number): Storage => {
      const offset = stack;
      stack += Math.ceil(size / 8) * 8;
      return { kind: "memory", register: 31, offset };
    };
    return types.map((type) => {
      const size = byteSize(type);
      const inner = resolved(type);
      const parts = size <= 64 && !isReference(type) ? scalars(type) : [];
      const isFloat = parts.length > 0 && parts.length <= 4 &&
        parts.every(([, kind, bytes]) => kind === "float" && bytes === parts[0][2]);
      if (isFloat) {
        if (floats + parts.length > 8) {
          floats = 8;
          return pushed(size);
        }
        return registers(parts.map(([, , bytes]) => ({
          storage: { kind: "register", register: 64 + floats++ },
          size: bytes,
        })));
      }
      if (isReference(type) || (inner.kind === "record" && size > 16)) {
        return integers < 8
          ? { kind: "memory", register: integers++, offset: 0 }
          : { kind: "indirect", register: 31, offset: (stack += 8) - 8 };
      }
      const words = Math.max(1, Math.ceil(size / 8));
      if (inner.kind === "base" && words === 2) integers += integers % 2;
      if (integers + words > 8) {
        integers = 8;
        return pushed(size);
      }
      return registers(Array.from({ length: words }, (_, i) => ({
        storage: { kind: "register", register: integers++ },
        size: Math.min(8, size - i * 8),
      })));
    });
  },
  result(type) {
    const size = byteSize(type);
    // The function does not say where it has written a larger one.
    if (isReference(type) || size > 16) return { kind: "absent", reason: "is in memory" };
    return AARCH64.arguments([type], { kind: "void" })[0];
  },
};

/** The agreement on this kind of machine. */
export const convention: Convention = Deno.build.arch === "aarch64" ? AARCH64 : X86_64;

// Pure: no I/O, no FFI.
// Lists a program as the kernel does (kernel/bpf/disasm.c), so that the lines can be compared with
// the verifier's log and with `bpftool prog dump xlated`.

import { decode, type Instruction, LD_IMM64, slots } from "./instruction.ts";
import { HELPERS } from "./generated/helpers.ts";
import {
  ALU_OP,
  BPF_ABS,
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_FETCH,
  BPF_IND,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MEM,
  BPF_MEMSX,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  BPF_ST,
  BPF_STORE_REL,
  BPF_STX,
  BPF_X,
  BPF_XCHG,
  JMP_OP,
} from "./opcode.ts";

/** Functions that name the operands of an instruction; each has a default. */
export interface DisassembleOptions {
  /** Makes the text after "call " for a call; undefined gives the default, "name#number". */
  call?(instruction: Instruction, slot: number): string | undefined;
  /** Makes the right-hand side of a 64-bit immediate load; undefined gives the default. */
  imm64?(instruction: Instruction): string | undefined;
}

const ALU_TEXT: Record<number, string> = {
  [ALU_OP.add]: "+=",
  [ALU_OP.sub]: "-=",
  [ALU_OP.mul]: "*=",
  [ALU_OP.div]: "/=",
  [ALU_OP.or]: "|=",
  [ALU_OP.and]: "&=",
  [ALU_OP.lsh]: "<<=",
  [ALU_OP.rsh]: ">>=",
  [ALU_OP.mod]: "%=",
  [ALU_OP.xor]: "^=",
  [ALU_OP.mov]: "=",
  [ALU_OP.arsh]: "s>>=",
};

const JMP_TEXT: Record<number, string> = {
  [JMP_OP.jeq]: "==",
  [JMP_OP.jgt]: ">",
  [JMP_OP.jge]: ">=",
  [JMP_OP.jset]: "&",
  [JMP_OP.jne]: "!=",
  [JMP_OP.jsgt]: "s>",
  [JMP_OP.jsge]: "s>=",
  [JMP_OP.jlt]: "<",
  [JMP_OP.jle]: "<=",
  [JMP_OP.jslt]: "s<",
  [JMP_OP.jsle]: "s<=",
};

const ATOMIC_TEXT: Record<number, string> = {
  [ALU_OP.add]: "add",
  [ALU_OP.or]: "or",
  [ALU_OP.and]: "and",
  [ALU_OP.xor]: "xor",
};

const SIZE_TEXT = ["32", "16", "8", "64"];

function signed(value: number): string {
  return value < 0 ? `${value}` : `+${value}`;
}

function alu(one: Instruction): string | undefined {
  const wide = (one.opcode & 7) === BPF_ALU64;
  const op = one.opcode & 0xf0;
  const useRegister = (one.opcode & BPF_X) !== 0;
  const prefix = wide ? "r" : "w";
  if (op === ALU_OP.end) {
    const name = wide ? "bswap" : useRegister ? "be" : "le";
    return `r${one.dst} = ${name}${one.imm} r${one.dst}`;
  }
  if (op === ALU_OP.neg) return `${prefix}${one.dst} = -${prefix}${one.dst}`;
  let text = ALU_TEXT[op];
  if (text === undefined) return undefined;
  if ((op === ALU_OP.div || op === ALU_OP.mod) && one.offset === 1) text = `s${text}`;
  if (!useRegister) return `${prefix}${one.dst} ${text} ${one.imm}`;
  if (op === ALU_OP.mov && one.offset === -1) {
    return `r${one.dst} = &(void __percpu *)(r${one.src})`;
  }
  const cast = op === ALU_OP.mov && one.offset > 0 ? `(s${one.offset})` : "";
  return `${prefix}${one.dst} ${text} ${cast}${prefix}${one.src}`;
}

function atomic(one: Instruction, size: string): string | undefined {
  const place = `(u${size} *)(r${one.dst} ${signed(one.offset)})`;
  const width = size === "64" ? "64" : "";
  switch (one.imm) {
    case BPF_XCHG:
      return `r${one.src} = atomic${width}_xchg(${place}, r${one.src})`;
    case BPF_CMPXCHG:
      return `r0 = atomic${width}_cmpxchg(${place}, r0, r${one.src})`;
    case BPF_LOAD_ACQ:
      return `${width ? "r" : "w"}${one.dst} = ` +
        `load_acquire((u${size} *)(r${one.src} ${signed(one.offset)}))`;
    case BPF_STORE_REL:
      return `store_release(${place}, ${width ? "r" : "w"}${one.src})`;
  }
  const name = ATOMIC_TEXT[one.imm & 0xf0];
  if (name === undefined) return undefined;
  return one.imm & BPF_FETCH
    ? `r${one.src} = atomic${width}_fetch_${name}(${place}, r${one.src})`
    : `lock *${place} ${ALU_TEXT[one.imm & 0xf0]} r${one.src}`;
}

function loadStore(one: Instruction, options: DisassembleOptions): string | undefined {
  const size = SIZE_TEXT[one.opcode >> 3 & 3];
  const mode = one.opcode & 0xe0;
  const to = `(r${one.dst} ${signed(one.offset)})`;
  const from = `(r${one.src} ${signed(one.offset)})`;
  switch (one.opcode & 7) {
    case BPF_LDX:
      if (mode === BPF_MEM) return `r${one.dst} = *(u${size} *)${from}`;
      if (mode === BPF_MEMSX) return `r${one.dst} = *(s${size} *)${from}`;
      return undefined;
    case BPF_ST:
      return mode === BPF_MEM ? `*(u${size} *)${to} = ${one.imm}` : undefined;
    case BPF_STX:
      if (mode === BPF_MEM) return `*(u${size} *)${to} = r${one.src}`;
      return mode === BPF_ATOMIC ? atomic(one, size) : undefined;
    case BPF_LD:
      if (one.opcode === LD_IMM64) {
        return `r${one.dst} = ${options.imm64?.(one) ?? imm64(one)}`;
      }
      if (mode === BPF_ABS) return `r0 = *(u${size} *)skb[${one.imm}]`;
      if (mode === BPF_IND) return `r0 = *(u${size} *)skb[r${one.src} + ${one.imm}]`;
  }
  return undefined;
}

function imm64(one: Instruction): string {
  const high = one.immHigh ?? 0;
  switch (one.src) {
    case BPF_PSEUDO_MAP_FD:
      return `map[fd:${one.imm}]`;
    case BPF_PSEUDO_MAP_VALUE:
      return `map[fd:${one.imm}][0]+${high}`;
    case BPF_PSEUDO_BTF_ID:
      return `btf[${one.imm}]`;
    case BPF_PSEUDO_FUNC:
      return `subprog[${signed(one.imm)}]`;
  }
  return `0x${(BigInt(high >>> 0) << 32n | BigInt(one.imm >>> 0)).toString(16)}`;
}

function call(one: Instruction): string {
  if (one.src === BPF_PSEUDO_CALL) return `pc${signed(one.imm)}`;
  if (one.src === BPF_PSEUDO_KFUNC_CALL) return `kernel-function#${one.imm}`;
  return `${HELPERS[one.imm] ?? "unknown"}#${one.imm}`;
}

function jump(one: Instruction, slot: number, options: DisassembleOptions): string | undefined {
  const narrow = (one.opcode & 7) === BPF_JMP32;
  const op = one.opcode & 0xf0;
  switch (op) {
    case JMP_OP.call:
      return narrow ? undefined : `call ${options.call?.(one, slot) ?? call(one)}`;
    case JMP_OP.exit:
      return narrow ? undefined : "exit";
    case JMP_OP.ja:
      return narrow ? `gotol pc${signed(one.imm)}` : `goto pc${signed(one.offset)}`;
    case JMP_OP.jcond:
      return narrow ? undefined : `may_goto pc${signed(one.offset)}`;
  }
  const text = JMP_TEXT[op];
  if (text === undefined) return undefined;
  const prefix = narrow ? "w" : "r";
  const operand = one.opcode & BPF_X ? `${prefix}${one.src}` : `0x${(one.imm >>> 0).toString(16)}`;
  return `if ${prefix}${one.dst} ${text} ${operand} goto pc${signed(one.offset)}`;
}

/**
 * Makes the text of one instruction, without slot number and opcode.
 *
 * @param one The instruction, with its labels resolved.
 * @param slot Number of its slot, for {@linkcode DisassembleOptions.call}.
 * @param options How to name maps and functions.
 * @returns The text; "BUG_ff" for the unknown opcode 0xff, as the kernel writes it.
 */
export function formatInstruction(
  one: Instruction,
  slot = 0,
  options: DisassembleOptions = {},
): string {
  let text: string | undefined;
  switch (one.opcode & 7) {
    case BPF_ALU:
    case BPF_ALU64:
      text = alu(one);
      break;
    case BPF_JMP:
    case BPF_JMP32:
      text = jump(one, slot, options);
      break;
    default:
      text = loadStore(one, options);
  }
  return text ?? `BUG_${one.opcode.toString(16).padStart(2, "0")}`;
}

/**
 * Lists a program, one line per instruction: ` 0: (b7) r0 = 0`.
 *
 * @param bytes The program, 8 bytes per slot.
 * @param options How to name maps and functions.
 * @returns Lines, each ending in a newline.
 * @throws {RangeError} The length is not a whole number of instructions.
 */
export function disassemble(bytes: Uint8Array, options: DisassembleOptions = {}): string {
  let out = "";
  let slot = 0;
  for (const one of decode(bytes)) {
    const opcode = one.opcode.toString(16).padStart(2, "0");
    // The width is bpftool's "% 4d".
    out += `${` ${slot}`.padStart(4)}: (${opcode}) ${formatInstruction(one, slot, options)}\n`;
    slot += slots(one);
  }
  return out;
}

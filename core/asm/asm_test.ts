// Tests of the assembler and the disassembler: each instruction against its bytes and its text.

import { assertEquals, assertThrows } from "@std/assert";
import {
  ALU_OP,
  Assembler,
  BPF_FUNC,
  decode,
  disassemble,
  formatInstruction,
  type Instruction,
  Label,
} from "./mod.ts";
import * as asm from "./mod.ts";
import { encode, slots } from "./instruction.ts";

const { imm, R0, R1, R2, R6, R10 } = asm;

/** A label that is bound already, for a jump to `slot`. */
function at(slot: number): Label {
  const label = new Label("there");
  label.slot = slot;
  return label;
}

/** Each instruction that can be made, beside the text that the kernel prints for it. */
const ALL: [Instruction, string][] = [];

const ALU_TEXT: Record<string, string> = {
  add: "+=",
  sub: "-=",
  mul: "*=",
  div: "/=",
  or: "|=",
  and: "&=",
  lsh: "<<=",
  rsh: ">>=",
  mod: "%=",
  xor: "^=",
  mov: "=",
  arsh: "s>>=",
};
for (const [name, text] of Object.entries(ALU_TEXT)) {
  for (const [width, prefix] of [["64", "r"], ["32", "w"]]) {
    const make = (asm as unknown as Record<string, typeof asm.add64>)[`${name}${width}`];
    ALL.push([make(R1, R2), `${prefix}1 ${text} ${prefix}2`]);
    ALL.push([make(R1, imm(-7)), `${prefix}1 ${text} -7`]);
  }
}
const JUMP_TEXT: Record<string, string> = {
  jeq: "==",
  jne: "!=",
  jgt: ">",
  jge: ">=",
  jlt: "<",
  jle: "<=",
  jset: "&",
  jsgt: "s>",
  jsge: "s>=",
  jslt: "s<",
  jsle: "s<=",
};
for (const [name, text] of Object.entries(JUMP_TEXT)) {
  for (const [width, prefix] of [["", "r"], ["32", "w"]]) {
    const make = (asm as unknown as Record<string, typeof asm.jeq>)[`${name}${width}`];
    ALL.push([make(R1, R2, at(5)), `if ${prefix}1 ${text} ${prefix}2 goto pc+4`]);
    ALL.push([make(R1, imm(-1), at(0)), `if ${prefix}1 ${text} 0xffffffff goto pc-1`]);
  }
}
for (const size of [1, 2, 4, 8] as const) {
  ALL.push([asm.load(size, R1, R2, -8), `r1 = *(u${size * 8} *)(r2 -8)`]);
  ALL.push([asm.store(size, R10, -8, R1), `*(u${size * 8} *)(r10 -8) = r1`]);
  ALL.push([asm.storeImm(size, R10, -8, 3), `*(u${size * 8} *)(r10 -8) = 3`]);
  const register = size === 8 ? "r" : "w";
  ALL.push([
    asm.loadAcquire(size, R1, R2, 4),
    `${register}1 = load_acquire((u${size * 8} *)(r2 +4))`,
  ]);
  ALL.push([
    asm.storeRelease(size, R1, 4, R2),
    `store_release((u${size * 8} *)(r1 +4), ${register}2)`,
  ]);
}
for (const size of [1, 2, 4] as const) {
  ALL.push([asm.loadSigned(size, R1, R2, 0), `r1 = *(s${size * 8} *)(r2 +0)`]);
}
for (const [size, suffix] of [[4, ""], [8, "64"]] as const) {
  const place = `(u${size * 8} *)(r10 -8)`;
  for (const op of ["add", "or", "and", "xor"] as const) {
    ALL.push([asm.atomicOp(size, op, R10, -8, R1), `lock *${place} ${ALU_TEXT[op]} r1`]);
    ALL.push([
      asm.atomicFetchOp(size, op, R10, -8, R1),
      `r1 = atomic${suffix}_fetch_${op}(${place}, r1)`,
    ]);
  }
  ALL.push([asm.atomicExchange(size, R10, -8, R1), `r1 = atomic${suffix}_xchg(${place}, r1)`]);
  ALL.push([
    asm.atomicCompareExchange(size, R10, -8, R1),
    `r0 = atomic${suffix}_cmpxchg(${place}, r0, r1)`,
  ]);
}
ALL.push(
  [asm.sdiv64(R1, R2), "r1 s/= r2"],
  [asm.sdiv32(R1, imm(3)), "w1 s/= 3"],
  [asm.smod64(R1, imm(3)), "r1 s%= 3"],
  [asm.smod32(R1, R2), "w1 s%= w2"],
  [asm.movsx64(R1, R2, 8), "r1 = (s8)r2"],
  [asm.movsx64(R1, R2, 32), "r1 = (s32)r2"],
  [asm.movsx32(R1, R2, 16), "w1 = (s16)w2"],
  [asm.neg64(R1), "r1 = -r1"],
  [asm.neg32(R1), "w1 = -w1"],
  [asm.be(R1, 16), "r1 = be16 r1"],
  [asm.le(R1, 64), "r1 = le64 r1"],
  [asm.bswap(R1, 32), "r1 = bswap32 r1"],
  [asm.ja(at(9)), "goto pc+8"],
  [asm.jal(at(100000)), "gotol pc+99999"],
  [asm.mayGoto(at(2)), "may_goto pc+1"],
  [asm.callHelper(BPF_FUNC.ktime_get_ns), "call bpf_ktime_get_ns#5"],
  [asm.callKfunc(1234), "call kernel-function#1234"],
  [asm.call(at(7)), "call pc+6"],
  [asm.exit(), "exit"],
  [asm.loadImm64(R1, 0x1234_5678_9abc_def0n), "r1 = 0x123456789abcdef0"],
  [asm.loadImm64(R1, -1n), "r1 = 0xffffffffffffffff"],
  [asm.loadMap(R1, { fd: 9 }), "r1 = map[fd:9]"],
  [asm.loadMapValue(R1, { fd: 9 }, 16), "r1 = map[fd:9][0]+16"],
  [asm.loadBtfId(R1, 77), "r1 = btf[77]"],
  [asm.loadFunction(R2, at(4)), "r2 = subprog[+3]"],
);

Deno.test("every instruction survives encode and decode", () => {
  for (const [one] of ALL) {
    const bytes = new Uint8Array(slots(one) * 8);
    encode(new DataView(bytes.buffer), 0, one);
    const [back, ...more] = decode(bytes);
    assertEquals(more, []);
    const { opcode, dst, src, offset, imm, immHigh } = one;
    assertEquals(back, {
      opcode,
      dst,
      src,
      offset,
      imm,
      ...(immHigh !== undefined && { immHigh }),
    });
  }
});

Deno.test("every instruction reads as the kernel prints it", () => {
  for (const [one, text] of ALL) {
    const program = new Assembler().emit(one);
    const [resolved] = decode(program.assemble());
    assertEquals(formatInstruction(resolved), text);
  }
});

Deno.test("no operation is missing from the table", () => {
  const codes = new Set(ALL.map(([one]) => one.opcode));
  for (const op of Object.values(ALU_OP)) {
    if (op === ALU_OP.neg || op === ALU_OP.end) continue;
    for (const variant of [0x04, 0x0c, 0x07, 0x0f]) assertEquals(codes.has(op | variant), true);
  }
  for (let op = 0x10; op <= 0xd0; op += 0x10) {
    if (op === 0x80 || op === 0x90) continue;
    for (const variant of [0x05, 0x0d, 0x06, 0x0e]) assertEquals(codes.has(op | variant), true);
  }
});

Deno.test("Assembler resolves labels forwards and backwards over two-slot instructions", () => {
  const program = new Assembler();
  const top = program.label("top");
  const end = program.label("end");
  program.bind(top);
  program.emit(asm.jeq(R1, imm(0), end), asm.loadImm64(R0, 1n), asm.ja(top));
  program.bind(end);
  program.emit(asm.exit());
  assertEquals(
    disassemble(program.assemble()),
    "   0: (15) if r1 == 0x0 goto pc+3\n" +
      "   1: (18) r0 = 0x1\n" +
      "   3: (05) goto pc-4\n" +
      "   4: (95) exit\n",
  );
});

Deno.test("Assembler refuses an unbound label, a label bound twice and a jump too far", () => {
  const unbound = new Assembler();
  unbound.emit(asm.ja(unbound.label("lost")));
  assertThrows(() => unbound.assemble());
  const twice = new Assembler();
  const label = twice.label();
  twice.bind(label);
  assertThrows(() => twice.bind(label));
  const far = new Assembler();
  const end = far.label("end");
  far.emit(asm.ja(end));
  for (let i = 0; i < 32768; i++) far.emit(asm.mov64(R0, imm(0)));
  far.bind(end);
  assertThrows(() => far.assemble());
});

Deno.test("lengthenJumps() replaces jumps that are too long, and those that become so", () => {
  const program = new Assembler();
  const [end, near, fn] = [program.label("end"), program.label("near"), program.label("fn")];
  program.emit(asm.jne(R1, imm(1), near), asm.jeq(R1, imm(0), end), asm.call(fn), asm.ja(end));
  // The first jump just reaches its label, until the second one takes two slots more.
  for (let i = 0; i < 32764; i++) program.emit(asm.mov64(R0, imm(0)));
  program.bind(near);
  program.emit(asm.mov64(R0, imm(0)), asm.mov64(R0, imm(0)));
  program.bind(end);
  program.emit(asm.exit());
  program.bind(fn);
  program.emit(asm.mov64(R0, imm(1)), asm.exit());
  assertThrows(() => program.assemble());
  assertEquals(program.lengthenJumps(), true);
  assertEquals(program.lengthenJumps(), false);
  const lines = disassemble(program.assemble()).split("\n");
  assertEquals(lines.slice(0, 8), [
    "   0: (55) if r1 != 0x1 goto pc+1",
    "   1: (05) goto pc+1",
    "   2: (06) gotol pc+32769",
    "   3: (15) if r1 == 0x0 goto pc+1",
    "   4: (05) goto pc+1",
    "   5: (06) gotol pc+32768",
    "   6: (85) call pc+32768",
    "   7: (05) goto pc+32766",
  ]);
});

Deno.test("dropUnreachable() removes dead code and keeps jumps right", () => {
  const program = new Assembler();
  const end = program.label("end");
  const dead = program.label("dead");
  const fn = program.label("fn");
  program.emit(asm.jeq(R1, imm(0), end), asm.call(fn), asm.ja(end));
  program.bind(dead);
  program.emit(asm.loadImm64(R6, 5n), asm.ja(dead));
  program.bind(end);
  program.emit(asm.exit());
  program.bind(fn);
  program.emit(asm.mov64(R0, imm(1)), asm.exit());
  assertEquals(
    disassemble(program.dropUnreachable().assemble()),
    "   0: (15) if r1 == 0x0 goto pc+2\n" +
      "   1: (85) call pc+2\n" +
      "   2: (05) goto pc+0\n" +
      "   3: (95) exit\n" +
      "   4: (b7) r0 = 1\n" +
      "   5: (95) exit\n",
  );
});

Deno.test("decode() refuses what is not whole instructions", () => {
  assertThrows(() => decode(new Uint8Array(7)));
  assertThrows(() => decode(new Uint8Array([0x18, 0, 0, 0, 0, 0, 0, 0])));
});

Deno.test("an unknown opcode is shown as the kernel shows it", () => {
  assertEquals(disassemble(new Uint8Array([0xff, 0, 0, 0, 0, 0, 0, 0])), "   0: (ff) BUG_ff\n");
});

// Pure: no I/O, no FFI.
// Functions of the language that are code: each leaves a scalar in R0 or writes its value to memory.

import { add64, be, imm, mov64 } from "../../../core/asm/alu.ts";
import { callHelper, ja, jeq, jge, jgt, jlt, jne, jsge } from "../../../core/asm/jump.ts";
import { load } from "../../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../../core/asm/generated/helpers.ts";
import { R0, R1, R10, R2, R3, R4, R5 } from "../../../core/asm/register.ts";
import type { Node } from "../ir.ts";
import { cSize, storageSize, type StringType, words } from "../lang/types.ts";
import { evaluateBuiltin } from "./builtins.ts";
import type { Place } from "./frame.ts";
import { type Gen, shifted } from "./gen.ts";
import { emitRounds } from "./loops.ts";
import { locate, place } from "./memory.ts";
import { callRead, spaceOf } from "./read.ts";
import { evaluate } from "./scalar.ts";
import { placeStack, stackLength } from "./stacks.ts";

type Call = Node & { op: "call" };

const CLOCKS = [
  BPF_FUNC.ktime_get_boot_ns,
  BPF_FUNC.ktime_get_ns,
  BPF_FUNC.ktime_get_tai_ns,
  BPF_FUNC.ktime_get_tai_ns,
];

/** Calls whose value fits a register. */
const SCALAR: Readonly<Record<string, (gen: Gen, node: Call) => void>> = {
  strncmp,
  strstr,
  strlen,
  memcmp,
  stack_len: (gen, node) => stackLength(gen, node.args[0]),
  nsecs: (gen, node) => gen.emit(callHelper(CLOCKS[node.numbers![0]])),
  signal: (gen, node) => send(gen, node, BPF_FUNC.send_signal),
  signal_thread: (gen, node) => send(gen, node, BPF_FUNC.send_signal_thread),
  write_user: writeUser,
  bswap(gen, node) {
    evaluate(gen, node.args[0]);
    const size = node.numbers![0];
    if (size > 1) gen.emit(be(R0, size * 8 as 16 | 32 | 64));
  },
};

/** Calls whose value is made in memory. */
const MEMORY: Readonly<Record<string, (gen: Gen, node: Call, to: Place) => void>> = {
  str(gen, node, to) {
    gen.zero(to, storageSize(node.type));
    readText(gen, node, () => gen.address(R1, to));
  },
  buf,
  buf_memory(gen, node, to) {
    const bytes = node.numbers![0];
    gen.zero(to, storageSize(node.type));
    gen.frame.scope(() => {
      const from = locate(gen, node.args[0]);
      gen.address(R3, from);
      gen.copy(shifted(to, 8), bytes);
    });
    if (node.args.length === 1) return gen.saveConstant(to, bytes);
    evaluate(gen, node.args[1]);
    clamp(gen, 0, bytes);
    gen.emit(mov64(R0, R2));
    gen.save(to);
  },
  str_limit(gen, node, to) {
    const { limit, size } = node.type as StringType;
    gen.zero(to, size);
    gen.frame.scope(() => {
      const [text, length] = node.args;
      const spill = gen.frame.slot();
      evaluate(gen, length);
      clamp(gen, 1, limit);
      gen.emit(mov64(R0, R2));
      gen.save(spill);
      const from = locate(gen, text);
      gen.load(R0, spill);
      clamp(gen, 1, limit);
      gen.address(R3, from);
      gen.address(R1, to);
      gen.emit(callHelper(BPF_FUNC.probe_read_kernel_str));
    });
  },
  str_concat: concat,
  stack: placeStack,
  usym(gen, node, to) {
    evaluate(gen, node.args[0]);
    gen.save(to);
    evaluateBuiltin(gen, "pid");
    gen.save(shifted(to, 8));
  },
  ntop,
  macaddr,
  strftime(gen, node, to) {
    evaluate(gen, node.args[0]);
    gen.save(to);
    const text = gen.shared.intern((node.args[1] as Node & { op: "text" }).value);
    gen.constant(R0, BigInt(text) | BigInt(node.numbers![0]) << 32n);
    gen.save(shifted(to, 8));
  },
  cgroup_path(gen, node, to) {
    evaluate(gen, node.args[0]);
    gen.save(to);
    const text = gen.shared.intern((node.args[1] as Node & { op: "text" }).value);
    gen.constant(R0, BigInt(text));
    gen.save(shifted(to, 8));
  },
};

/** R0 = the value. */
export function evaluateCall(gen: Gen, node: Call): void {
  const emit = SCALAR[node.name];
  if (emit === undefined) throw new TypeError(`Cannot evaluate ${node.name}() into a register`);
  emit(gen, node);
}

/** Writes the value to memory. */
export function placeCall(gen: Gen, node: Call, to: Place): void {
  const emit = MEMORY[node.name];
  if (emit === undefined) throw new TypeError(`Cannot make ${node.name}() in memory`);
  emit(gen, node, to);
}

/**
 * str(): R0 is the length with its NUL, 0 if the memory could not be read.
 *
 * @param destination Puts the address into R1 and leaves R2 and R3 alone.
 */
export function readText(gen: Gen, node: Node, destination: () => void): void {
  const { limit } = node.type as StringType;
  const [pointer, length] = (node as Call).args;
  const ok = gen.asm.label("read");
  if (length === undefined) {
    evaluate(gen, pointer);
    gen.emit(mov64(R3, R0), mov64(R2, imm(limit)));
  } else {
    gen.frame.scope(() => {
      const spill = gen.frame.slot();
      evaluate(gen, pointer);
      gen.save(spill);
      evaluate(gen, length);
      clamp(gen, 1, limit);
      gen.load(R3, spill);
    });
  }
  callRead(gen, "text", spaceOf(pointer), node, R2, destination);
  gen.emit(jsge(R0, imm(0), ok), mov64(R0, imm(0)));
  gen.asm.bind(ok);
}

/** R2 = R0 between two bounds, as unsigned. */
function clamp(gen: Gen, least: number, most: number): void {
  const done = gen.asm.label("clamped");
  const low = gen.asm.label("low");
  gen.emit(mov64(R2, imm(most)), jge(R0, imm(most), done), mov64(R2, R0));
  if (least > 0) gen.emit(jne(R2, imm(0), low), mov64(R2, imm(least)));
  gen.asm.bind(low);
  gen.asm.bind(done);
}

function buf(gen: Gen, node: Call, to: Place): void {
  const { limit } = node.type as Node["type"] & { kind: "buffer" };
  const [address, size] = node.args;
  gen.zero(to, 8 + words(limit));
  gen.frame.scope(() => {
    const spill = gen.frame.slot();
    evaluate(gen, address);
    gen.save(spill);
    evaluate(gen, size);
    clamp(gen, 0, limit);
    gen.emit(mov64(R0, R2));
    gen.save(to);
    gen.load(R3, spill);
    callRead(gen, "bytes", spaceOf(address), node, R2, () => gen.address(R1, shifted(to, 8)));
  });
}

/** 0 if the first n bytes are equal, or all up to the NUL; else 1. */
function strncmp(gen: Gen, node: Call): void {
  const [left, right] = node.args as (Node & { type: StringType })[];
  const count = Math.min(node.numbers![0], left.type.size, right.type.size);
  if (count === 0) return gen.constant(R0, 0n);
  gen.frame.scope(() => {
    const a = locate(gen, left);
    const b = locate(gen, right);
    if (count > SHORT_LOOP) return compareInRounds(gen, a, b, count, { same: true });
    const differ = gen.asm.label("differ");
    const done = gen.asm.label("compared");
    const same = gen.asm.label("same");
    const loop = gen.asm.label("compare");
    gen.emit(mov64(R3, imm(0)));
    gen.address(R4, a);
    gen.address(R5, b);
    gen.asm.bind(loop);
    gen.emit(
      load(1, R0, R4, 0),
      load(1, R1, R5, 0),
      jne(R0, R1, differ),
      jeq(R0, imm(0), same),
      add64(R4, imm(1)),
      add64(R5, imm(1)),
      add64(R3, imm(1)),
      jlt(R3, imm(count), loop),
    );
    gen.asm.bind(same);
    gen.emit(mov64(R0, imm(0)), ja(done));
    gen.asm.bind(differ);
    gen.emit(mov64(R0, imm(1)));
    gen.asm.bind(done);
  });
}

/** Rounds that are cheaper to verify than to call a function for. */
const SHORT_LOOP = 64;

/**
 * R0 = how the first bytes that differ compare: 1 or -1; 0 if none does.
 *
 * @param options `same`: a NUL ends both, and whatever differs is 1.
 */
function compareInRounds(
  gen: Gen,
  a: Place,
  b: Place,
  count: number,
  options: { same: boolean },
): void {
  const result = gen.frame.scratchBlock(8);
  const counter = gen.frame.scratchBlock(8);
  // Indexed by a number that only run time knows: not on the stack.
  const [left, right] = [a, b].map((from) => {
    const copy = gen.frame.scratchBlock(Math.max(72, words(count)));
    gen.address(R3, from);
    gen.copy(copy, count);
    return copy;
  });
  gen.saveConstant(result, 0);
  gen.saveConstant(counter, 0);
  emitRounds(gen, count, ({ end }) => {
    const differ = gen.asm.label("differ");
    const next = gen.asm.label("next");
    gen.load(R2, counter);
    gen.emit(mov64(R0, R2), add64(R0, imm(1)));
    gen.save(counter);
    gen.emit(jgt(R2, imm(count - 1), end));
    gen.address(R4, left);
    gen.address(R5, right);
    gen.emit(add64(R4, R2), add64(R5, R2), load(1, R0, R4, 0), load(1, R1, R5, 0));
    gen.emit(jne(R0, R1, differ));
    if (options.same) gen.emit(jeq(R0, imm(0), end));
    gen.emit(ja(next));
    gen.asm.bind(differ);
    const greater = gen.asm.label("greater");
    gen.emit(mov64(R2, imm(1)), jgt(R0, R1, greater));
    if (!options.same) gen.emit(mov64(R2, imm(-1)));
    gen.asm.bind(greater);
    gen.save(result, 8, R2);
    gen.emit(ja(end));
    gen.asm.bind(next);
  });
  gen.load(R0, result);
}

/** R0 = where the second text begins in the first; -1 if it does not. */
function strstr(gen: Gen, node: Call): void {
  const [haystack, needle] = node.args as (Node & { type: StringType })[];
  const limit = haystack.type.size;
  const longest = needle.type.size;
  gen.frame.scope(() => {
    const result = gen.frame.scratchBlock(8);
    const counter = gen.frame.scratchBlock(8);
    // Room behind the text, so that the needle can be laid over its end.
    const text = gen.frame.scratchBlock(Math.max(72, limit + longest));
    const wanted = gen.frame.scratchBlock(longest);
    gen.zero(text, Math.max(72, limit + longest));
    place(gen, haystack, text);
    place(gen, needle, wanted);
    gen.saveConstant(result, -1);
    gen.saveConstant(counter, 0);
    emitRounds(gen, limit, ({ next, end }) => {
      const loop = gen.asm.label("match");
      const found = gen.asm.label("found");
      gen.load(R2, counter);
      gen.emit(mov64(R0, R2), add64(R0, imm(1)));
      gen.save(counter);
      gen.emit(jgt(R2, imm(limit - 1), end));
      gen.address(R4, text);
      gen.emit(add64(R4, R2));
      gen.address(R5, wanted);
      gen.emit(mov64(R3, imm(0)));
      gen.asm.bind(loop);
      gen.emit(
        load(1, R0, R5, 0),
        jeq(R0, imm(0), found),
        load(1, R1, R4, 0),
        jeq(R1, imm(0), end),
        jne(R0, R1, next),
        add64(R4, imm(1)),
        add64(R5, imm(1)),
        add64(R3, imm(1)),
        jlt(R3, imm(longest), loop),
      );
      gen.asm.bind(found);
      gen.save(result, 8, R2);
      gen.emit(ja(end));
    });
    gen.load(R0, result);
  });
}

function strlen(gen: Gen, node: Call): void {
  const [value] = node.args as (Node & { type: StringType })[];
  const done = gen.asm.label("length");
  gen.frame.scope(() => {
    const copy = gen.frame.scratchBlock(Math.max(72, value.type.size));
    if (value.op === "call" && value.name === "str") {
      readText(gen, value, () => gen.address(R1, copy));
    } else {
      const from = locate(gen, value);
      gen.address(R3, from);
      gen.address(R1, copy);
      gen.emit(mov64(R2, imm(value.type.size)), callHelper(BPF_FUNC.probe_read_kernel_str));
    }
    const some = gen.asm.label("some");
    gen.emit(jsge(R0, imm(1), some), mov64(R0, imm(1)));
    gen.asm.bind(some);
    gen.emit(add64(R0, imm(-1)));
  });
  gen.asm.bind(done);
}

/** The first byte that differs decides; 0 if none does. */
function memcmp(gen: Gen, node: Call): void {
  const count = node.numbers![0];
  const done = gen.asm.label("compared");
  const differ = gen.asm.label("differ");
  gen.frame.scope(() => {
    const [a, b] = node.args.map((arg) => {
      const size = Math.max(72, storageSize(arg.type), words(count));
      const at = gen.frame.scratchBlock(size);
      gen.zero(at, size);
      place(gen, arg, at);
      return at;
    });
    if (count > SHORT_LOOP) {
      compareInRounds(gen, a, b, count, { same: false });
      return gen.emit(ja(done));
    }
    const loop = gen.asm.label("compare");
    gen.emit(mov64(R3, imm(0)));
    gen.address(R4, a);
    gen.address(R5, b);
    gen.asm.bind(loop);
    gen.emit(
      load(1, R0, R4, 0),
      load(1, R1, R5, 0),
      jne(R0, R1, differ),
      add64(R4, imm(1)),
      add64(R5, imm(1)),
      add64(R3, imm(1)),
      jlt(R3, imm(count), loop),
      mov64(R0, imm(0)),
      ja(done),
    );
    const greater = gen.asm.label("greater");
    gen.asm.bind(differ);
    gen.emit(jgt(R0, R1, greater), mov64(R0, imm(-1)), ja(done));
    gen.asm.bind(greater);
    gen.emit(mov64(R0, imm(1)));
  });
  gen.asm.bind(done);
}

function concat(gen: Gen, node: Call, target: Place): void {
  const { limit, size } = node.type as StringType;
  const [left, right] = node.args as (Node & { type: StringType })[];
  const whole = words(left.type.limit + right.type.limit);
  gen.frame.scope(() => {
    // The second half begins where only run time knows, which stacks do not allow; and it may not fit.
    const most = left.type.limit + right.type.limit - 1;
    const apart = target.base === R10 || target.pointer !== undefined || most > size;
    const to = apart ? gen.frame.scratchBlock(Math.max(72, whole)) : target;
    gen.zero(to, apart ? Math.max(72, whole) : size);
    const first = locate(gen, left);
    const second = locate(gen, right);
    const some = gen.asm.label("some");
    gen.address(R3, first);
    gen.address(R1, to);
    gen.emit(mov64(R2, imm(left.type.limit)), callHelper(BPF_FUNC.probe_read_kernel_str));
    gen.emit(jsge(R0, imm(1), some), mov64(R0, imm(1)));
    gen.asm.bind(some);
    gen.address(R3, second);
    gen.address(R1, shifted(to, -1));
    gen.emit(
      add64(R1, R0),
      mov64(R2, imm(right.type.limit)),
      callHelper(BPF_FUNC.probe_read_kernel_str),
    );
    if (!apart) return;
    gen.zero(target, size);
    gen.address(R3, to);
    gen.address(R1, target);
    gen.emit(mov64(R2, imm(limit)), callHelper(BPF_FUNC.probe_read_kernel_str));
  });
}

/** Family, then the bytes of the address. */
function ntop(gen: Gen, node: Call, to: Place): void {
  const [family, value] = node.args;
  gen.zero(to, 24);
  evaluate(gen, family);
  gen.save(to);
  if (node.numbers === undefined) {
    evaluate(gen, value);
    return gen.save(shifted(to, 8), 4);
  }
  bytesOf(gen, node, value, shifted(to, 8), node.numbers[0], node.numbers[1] === 1);
}

function macaddr(gen: Gen, node: Call, to: Place): void {
  gen.zero(to, 8);
  bytesOf(gen, node, node.args[0], to, 6, node.numbers![0] === 1);
}

/** Copies bytes from an address, or from a value. */
function bytesOf(
  gen: Gen,
  node: Node,
  value: Node,
  to: Place,
  bytes: number,
  isAddress: boolean,
): void {
  if (isAddress) {
    evaluate(gen, value);
    gen.emit(mov64(R3, R0));
    return callRead(gen, "bytes", spaceOf(value), node, imm(bytes), () => gen.address(R1, to));
  }
  gen.frame.scope(() => {
    const from = locate(gen, value);
    const data = value.type.kind === "buffer" ? shifted(from, 8) : from;
    gen.address(R3, data);
    gen.copy(to, Math.min(bytes, Math.max(1, cSize(value.type))));
  });
}

function send(gen: Gen, node: Call, helper: number): void {
  evaluate(gen, node.args[0]);
  gen.emit(mov64(R1, R0), callHelper(helper));
}

/** R0 = whether the bytes were written. */
function writeUser(gen: Gen, node: Call): void {
  const [target, source] = node.args;
  const size = node.numbers![0];
  const failed = gen.asm.label("failed");
  const done = gen.asm.label("written");
  gen.frame.scope(() => {
    const address = gen.frame.slot();
    const data = gen.frame.scratchBlock(Math.max(72, words(size)));
    bytesOf(gen, node, source, data, size, source.type.kind === "pointer");
    evaluate(gen, target);
    gen.save(address);
    gen.address(R2, data);
    gen.load(R1, address);
    gen.emit(mov64(R3, imm(size)), callHelper(BPF_FUNC.probe_write_user));
  });
  gen.emit(jne(R0, imm(0), failed), mov64(R0, imm(1)), ja(done));
  gen.asm.bind(failed);
  gen.emit(mov64(R0, imm(0)));
  gen.asm.bind(done);
}

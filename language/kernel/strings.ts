// Pure: no I/O, no FFI.
// Functions on text and bytes, as code.

import { add64, imm, mov64, sub64 } from "../../core/asm/alu.ts";
import type { Label } from "../../core/asm/instruction.ts";
import { callHelper, ja, jeq, jge, jgt, jlt, jne } from "../../core/asm/jump.ts";
import { load } from "../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R10, R2, R3, R4, R5, type Register } from "../../core/asm/register.ts";
import type { MemoryCallNode, RegisterCallNode } from "../model/functions.ts";
import { storageSize, type StringType, words } from "../model/types.ts";
import type { Place } from "./frame.ts";
import { type Gen, shifted } from "./emitter.ts";
import { emitRounds } from "./loops.ts";
import { locate, place } from "./memory.ts";
import { callRead, spaceOf } from "./read.ts";
import { evaluate } from "./scalar.ts";

/**
 * str(): R0 is the length with its NUL, 0 if the memory could not be read.
 *
 * @param destination Puts the address into R1 and leaves R2 and R3 alone.
 */
export function readText(
  gen: Gen,
  node: MemoryCallNode<"str">,
  destination: () => void,
): void {
  const { limit } = node.type as StringType;
  const { address, length } = node;
  if (length === undefined || length.op === "constant") {
    const most = length === undefined ? limit : Math.min(limit, Number(length.value));
    evaluate(gen, address);
    gen.emit(mov64(R3, R0), mov64(R2, imm(Math.max(1, most))));
  } else {
    gen.frame.scope(() => {
      const spill = gen.frame.slot();
      evaluate(gen, address);
      gen.save(spill);
      evaluate(gen, length);
      clamp(gen, 1, limit);
      gen.load(R3, spill);
    });
  }
  callRead(gen, "text", spaceOf(address), node, R2, destination);
  gen.atLeast(0);
}

/** R2 = R0 between two bounds, as unsigned. */
export function clamp(gen: Gen, least: number, most: number): void {
  const done = gen.asm.label("clamped");
  gen.emit(mov64(R2, imm(most)), jge(R0, imm(most), done), mov64(R2, R0));
  if (least > 0) gen.emit(jne(R2, imm(0), done), mov64(R2, imm(least)));
  gen.asm.bind(done);
}

/** R0 = 0 if the first n bytes are equal, or all up to the NUL; else 1. */
export function strncmp(gen: Gen, node: RegisterCallNode<"strncmp">): void {
  const { left, right } = node;
  const count = Math.min(node.count, left.type.size, right.type.size);
  gen.frame.scope(() => {
    const [a, b] = [locate(gen, left), locate(gen, right)];
    if (count > 0) compareBytes(gen, a, b, count, { text: true });
    else gen.constant(R0, 0n);
  });
}

/** Rounds that are cheaper to verify than to call a function for. */
const SHORT_LOOP = 64;

/**
 * R0 = how the first bytes that differ compare: 1 or -1; 0 if none does.
 *
 * @param options `text`: a NUL ends both, and whatever differs is 1.
 */
function compareBytes(
  gen: Gen,
  a: Place,
  b: Place,
  count: number,
  options: { text: boolean },
): void {
  if (count > SHORT_LOOP) return compareInRounds(gen, a, b, count, options);
  const loop = gen.asm.label("compare");
  const same = gen.asm.label("same");
  const done = gen.asm.label("compared");
  const differ = gen.asm.label("differ");
  gen.emit(mov64(R3, imm(0)));
  gen.address(R4, a);
  gen.address(R5, b);
  gen.asm.bind(loop);
  gen.emit(load(1, R0, R4, 0), load(1, R1, R5, 0), jne(R0, R1, differ));
  if (options.text) gen.emit(jeq(R0, imm(0), same));
  gen.emit(
    add64(R4, imm(1)),
    add64(R5, imm(1)),
    add64(R3, imm(1)),
    jlt(R3, imm(count), loop),
  );
  gen.asm.bind(same);
  gen.emit(mov64(R0, imm(0)), ja(done));
  gen.asm.bind(differ);
  emitOrder(gen, R0, options);
  gen.asm.bind(done);
}

/** `into` = how R0 and R1, which differ, compare: text only differs, bytes by as much as they do. */
function emitOrder(gen: Gen, into: Register, { text }: { text: boolean }): void {
  if (text) gen.emit(mov64(into, imm(1)));
  else {
    gen.emit(sub64(R0, R1));
    if (into !== R0) gen.emit(mov64(into, R0));
  }
}

/** Compares bytes by a function that is called for each byte: the verifier does not take long loops. */
function compareInRounds(
  gen: Gen,
  a: Place,
  b: Place,
  count: number,
  options: { text: boolean },
): void {
  const result = gen.frame.block(8);
  const counter = gen.frame.block(8);
  // Indexed by a number that only run time knows: not on the stack.
  const [left, right] = [a, b].map((from) => {
    const copy = gen.frame.block(Math.max(72, words(count)));
    gen.address(R3, from);
    gen.copy(copy, count);
    return copy;
  });
  gen.saveConstant(result, 0);
  gen.saveConstant(counter, 0);
  emitRounds(gen, count, ({ next, end }) => {
    const differ = gen.asm.label("differ");
    takeIndex(gen, counter, count, end);
    gen.address(R4, left);
    gen.address(R5, right);
    gen.emit(add64(R4, R2), add64(R5, R2), load(1, R0, R4, 0), load(1, R1, R5, 0));
    gen.emit(jne(R0, R1, differ));
    if (options.text) gen.emit(jeq(R0, imm(0), end));
    gen.emit(ja(next));
    gen.asm.bind(differ);
    emitOrder(gen, R2, options);
    gen.save(result, 8, R2);
    gen.emit(ja(end));
  });
  gen.load(R0, result);
}

/** R2 = the next index, which the verifier knows to be below `count`. Clobbers R0 and R1. */
function takeIndex(gen: Gen, counter: Place, count: number, end: Label): void {
  gen.load(R2, counter);
  gen.emit(mov64(R0, R2), add64(R0, imm(1)));
  gen.save(counter);
  gen.emit(jgt(R2, imm(count - 1), end));
}

/** R0 = where the second text begins in the first; -1 if it does not. */
export function strstr(gen: Gen, node: RegisterCallNode<"strstr">): void {
  const { haystack, needle } = node;
  const limit = haystack.type.size;
  const longest = needle.type.size;
  gen.frame.scope(() => {
    const result = gen.frame.block(8);
    const counter = gen.frame.block(8);
    // Room behind the text, so that the needle can be laid over its end.
    const text = gen.frame.block(Math.max(72, limit + longest));
    const wanted = gen.frame.block(longest);
    gen.zero(text, Math.max(72, limit + longest));
    place(gen, haystack, text);
    place(gen, needle, wanted);
    gen.saveConstant(result, -1);
    gen.saveConstant(counter, 0);
    emitRounds(gen, limit, ({ next, end }) => {
      const loop = gen.asm.label("match");
      const found = gen.asm.label("found");
      takeIndex(gen, counter, limit, end);
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

/** R0 = bytes of a text without its NUL. */
export function strlen(gen: Gen, { text }: RegisterCallNode<"strlen">): void {
  gen.frame.scope(() => {
    const copy = gen.frame.block(Math.max(72, text.type.size));
    if (text.op === "memory_call" && text.name === "str") {
      readText(gen, text, () => gen.address(R1, copy));
    } else {
      gen.copyText(locate(gen, text), copy, text.type.size);
    }
    gen.atLeast(1);
    gen.emit(add64(R0, imm(-1)));
  });
}

/** R0: the difference of the first bytes that differ; 0 if none do. */
export function memcmp(gen: Gen, node: RegisterCallNode<"memcmp">): void {
  const { count } = node;
  gen.frame.scope(() => {
    const [a, b] = [node.left, node.right].map((arg) => {
      const size = Math.max(72, storageSize(arg.type), words(count));
      const at = gen.frame.block(size);
      gen.zero(at, size);
      place(gen, arg, at);
      return at;
    });
    compareBytes(gen, a, b, count, { text: false });
  });
}

/** The two joined, cut to what the type has room for. */
export function concat(gen: Gen, node: MemoryCallNode<"str_concat">, target: Place): void {
  const { limit, size } = node.type as StringType;
  const { left, right } = node;
  const whole = words(left.type.limit + right.type.limit);
  gen.frame.scope(() => {
    // The second half begins where only run time knows, which stacks do not allow; and it may not fit.
    const most = left.type.limit + right.type.limit - 1;
    const apart = target.base === R10 || target.pointer !== undefined || most > limit;
    const to = apart ? gen.frame.block(Math.max(72, whole)) : target;
    gen.zero(to, apart ? Math.max(72, whole) : size);
    const first = locate(gen, left);
    const second = locate(gen, right);
    gen.copyText(first, to, left.type.limit);
    gen.atLeast(1);
    gen.address(R3, second);
    gen.address(R1, shifted(to, -1));
    gen.emit(
      add64(R1, R0),
      mov64(R2, imm(right.type.limit)),
      callHelper(BPF_FUNC.probe_read_kernel_str),
    );
    if (!apart) return;
    gen.zero(target, size);
    gen.copyText(to, target, limit);
  });
}

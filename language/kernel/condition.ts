// Pure: no I/O, no FFI.
// Conditions, as code that falls through if they hold; equality of values that do not fit a register.

import { add64, and64, imm, mov64 } from "../../core/asm/alu.ts";
import type { Label } from "../../core/asm/instruction.ts";
import { ja, jeq, jge, jgt, jle, jlt, jne, jsge, jsgt, jsle, jslt } from "../../core/asm/jump.ts";
import { R0, R1, R2, R3, R4, R5 } from "../../core/asm/register.ts";
import type { Node } from "../model/ir.ts";
import type { Gen } from "./emitter.ts";
import { evaluate, evaluateOperands } from "./scalar.ts";
import { load, loadImm64 } from "../../core/asm/load_store.ts";
import { storageSize, typeName } from "../model/types.ts";
import type { Place } from "./frame.ts";
import { literalWords, locate, place } from "./memory.ts";

/** The jump to take when a comparison does not hold. */
const INVERSE = {
  "==": [jne, jne],
  "!=": [jeq, jeq],
  "<": [jge, jsge],
  ">": [jle, jsle],
  "<=": [jgt, jsgt],
  ">=": [jlt, jslt],
} as const;

/** Jumps to `no` if the condition is false, else falls through. Clobbers R0 to R5. */
export function emitCondition(gen: Gen, node: Node, no: Label): void {
  switch (node.op) {
    case "constant":
      if (node.value === 0n) gen.emit(ja(no));
      return;
    case "and":
      emitCondition(gen, node.left, no);
      gen.branch(() => emitCondition(gen, node.right, no));
      return;
    case "or": {
      const right = gen.asm.label("or");
      const yes = gen.asm.label("true");
      emitCondition(gen, node.left, right);
      gen.emit(ja(yes));
      gen.asm.bind(right);
      gen.branch(() => emitCondition(gen, node.right, no));
      gen.asm.bind(yes);
      return;
    }
    case "not": {
      const yes = gen.asm.label("true");
      emitCondition(gen, node.operand, yes);
      gen.emit(ja(no));
      gen.asm.bind(yes);
      return;
    }
    case "compare": {
      const operand = evaluateOperands(gen, node.left, node.right);
      return gen.emit(INVERSE[node.operator][node.signed ? 1 : 0](R0, operand, no));
    }
    case "same":
      return compare(gen, node, no);
    default:
      evaluate(gen, node);
      gen.emit(jeq(R0, imm(0), no));
  }
}

/** A value in memory. */
interface Located {
  readonly place: Place;
  readonly size: number;
}

/** Jumps to `no` unless both are equal (or different). Clobbers R0 to R5. */
export function compare(gen: Gen, node: Node & { op: "same" }, no: Label): void {
  const differ = node.negate ? gen.asm.label("differ") : no;
  gen.frame.scope(() => {
    const { left, right } = node;
    const [literal, other] = left.op === "text" ? [left, right] : [right, left];
    if (literal.op === "text" && other.type.kind === "string") {
      compareWithLiteral(gen, literal.value, inMemory(gen, other, other), differ);
    } else {
      compareMemory(gen, inMemory(gen, left, node), inMemory(gen, right, node), differ);
    }
  });
  if (node.negate) {
    gen.emit(ja(no));
    gen.asm.bind(differ);
  }
}

/** A string may keep its own size; everything else is brought to the common type. */
function inMemory(gen: Gen, node: Node, as: { type: Node["type"]; as?: Node["type"] }): Located {
  const type = as.as ?? as.type;
  if (node.type.kind === "string" || typeName(node.type) === typeName(type)) {
    return { place: locate(gen, node), size: storageSize(node.type) };
  }
  const size = storageSize(type);
  const at = gen.frame.block(size);
  place(gen, node, at, type);
  return { place: at, size };
}

/** Word by word up to the literal's NUL. */
function compareWithLiteral(gen: Gen, literal: string, text: Located, differ: Label): void {
  const { length } = literal;
  if (length >= text.size) return gen.emit(ja(differ));
  gen.address(R2, text.place);
  const words = literalWords(literal, length + 8 & ~7);
  const tail = (length + 1) % 8;
  words.forEach((word, i) => {
    gen.emit(load(8, R0, R2, i * 8));
    if (i === words.length - 1 && tail !== 0) {
      gen.emit(loadImm64(R1, (1n << BigInt(tail * 8)) - 1n), and64(R0, R1));
    }
    gen.constant(R1, word);
    gen.emit(jne(R0, R1, differ));
  });
}

/**
 * Both padded with zeros: equal if all words are, to the end of the shorter memory, and what the
 * longer one has beyond it is empty. A word with a NUL ends both texts, which the padding makes
 * visible in the next word.
 */
function compareMemory(gen: Gen, a: Located, b: Located, differ: Label): void {
  const [short, long] = a.size <= b.size ? [a, b] : [b, a];
  const loop = gen.asm.label("compare");
  gen.emit(mov64(R3, imm(0)));
  gen.address(R4, short.place);
  gen.address(R5, long.place);
  gen.asm.bind(loop);
  gen.emit(
    load(8, R0, R4, 0),
    load(8, R1, R5, 0),
    jne(R0, R1, differ),
    add64(R4, imm(8)),
    add64(R5, imm(8)),
    add64(R3, imm(8)),
    jlt(R3, imm(short.size), loop),
  );
  if (long.size > short.size) gen.emit(load(8, R1, R5, 0), jne(R1, imm(0), differ));
}

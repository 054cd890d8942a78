// Pure: no I/O, no FFI.
// Strings: memory of a fixed size, zero-padded, so that they can be keys and be compared by words.

import { add64, and64, imm, mov64 } from "../../../core/asm/alu.ts";
import type { Label } from "../../../core/asm/instruction.ts";
import { callHelper, ja, jeq, jge, jlt, jne, jsge } from "../../../core/asm/jump.ts";
import { load, loadImm64, store } from "../../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3, R4, R5 } from "../../../core/asm/register.ts";
import type { CallExpr, Expr } from "../lang/ast.ts";
import type { StringType } from "../lang/types.ts";
import { emitCondition, evaluate } from "./expr.ts";
import type { Place } from "./frame.ts";
import type { Gen } from "./gen.ts";
import { lookupMap } from "./maps.ts";

/** Type of a string expression. */
export function stringType(gen: Gen, expr: Expr): StringType {
  return gen.typeOf(expr) as StringType;
}

/** Writes a string to `place`, zero-padded to `size` bytes. Clobbers R0 to R5. */
export function placeString(gen: Gen, expr: Expr, place: Place, size: number): void {
  const own = stringType(gen, expr).size;
  switch (expr.kind) {
    case "string":
      return placeLiteral(gen, expr.value, place, size);
    case "name": // comm: the helper pads
      if (size > own) gen.zero(place, size);
      gen.address(R1, place);
      return gen.emit(mov64(R2, imm(own)), callHelper(BPF_FUNC.get_current_comm));
    case "call":
      gen.zero(place, size);
      return readInto(gen, expr, () => gen.address(R1, place));
    case "variable": {
      if (size > own) gen.zero(place, size);
      gen.address(R3, gen.variables.get(expr.name)!);
      return gen.copy(place, Math.min(own, size));
    }
    case "map": {
      const missing = gen.asm.label("missing");
      gen.zero(place, size);
      lookupMap(gen, expr);
      gen.emit(jeq(R0, imm(0), missing), mov64(R3, R0));
      gen.copy(place, Math.min(own, size));
      gen.asm.bind(missing);
      return;
    }
    case "ternary": {
      const otherwise = gen.asm.label("else");
      const done = gen.asm.label("end");
      emitCondition(gen, expr.condition, otherwise);
      placeString(gen, expr.then!, place, size);
      gen.emit(ja(done));
      gen.asm.bind(otherwise);
      placeString(gen, expr.otherwise, place, size);
      gen.asm.bind(done);
      return;
    }
    default:
      throw new TypeError(`Cannot make a string of a ${expr.kind}`);
  }
}

function placeLiteral(gen: Gen, value: string, place: Place, size: number): void {
  const words = literalWords(value, size);
  if (words.length * 8 < size) gen.zero(place, size);
  gen.address(R1, place);
  words.forEach((word, i) => {
    gen.constant(R0, word);
    gen.emit(store(8, R1, i * 8, R0));
  });
}

/** The text as little-endian words, with at least one NUL, cut to `limit` bytes. */
function literalWords(value: string, limit: number): bigint[] {
  const bytes = new Uint8Array(limit);
  const written = Math.min(value.length, limit - 1);
  for (let i = 0; i < written; i++) bytes[i] = value.charCodeAt(i);
  const view = new DataView(bytes.buffer);
  return Array.from(
    { length: Math.floor(written / 8) + 1 },
    (_, i) => view.getBigUint64(i * 8, true),
  );
}

/**
 * str(): reads user memory. R0 is the length with its NUL, 0 if the memory could not be read.
 *
 * @param destination Puts the address into R1 and leaves R2 and R3 alone.
 */
export function readInto(gen: Gen, expr: CallExpr, destination: () => void): void {
  const size = stringType(gen, expr).limit;
  const [pointer, length] = expr.args;
  const ok = gen.asm.label("read");
  if (length === undefined || length.kind === "integer") {
    evaluate(gen, pointer);
    gen.emit(mov64(R3, R0), mov64(R2, imm(size)));
  } else {
    gen.frame.scope(() => {
      const spill = gen.frame.slot();
      const long = gen.asm.label("long");
      const some = gen.asm.label("some");
      evaluate(gen, pointer);
      gen.save(spill);
      evaluate(gen, length);
      // 1 to size bytes.
      gen.emit(mov64(R2, imm(size)), jge(R0, imm(size), long), mov64(R2, R0));
      gen.asm.bind(long);
      gen.emit(jne(R2, imm(0), some), mov64(R2, imm(1)));
      gen.asm.bind(some);
      gen.emit(load(8, R3, spill.base, spill.offset));
    });
  }
  destination();
  gen.emit(callHelper(BPF_FUNC.probe_read_user_str), jsge(R0, imm(0), ok), mov64(R0, imm(0)));
  gen.asm.bind(ok);
}

/** Memory that holds a string: its variable, or a copy. */
export function stringInMemory(gen: Gen, expr: Expr): { place: Place; size: number } {
  const { size } = stringType(gen, expr);
  if (expr.kind === "variable") return { place: gen.variables.get(expr.name)!, size };
  const place = gen.frame.block(size);
  placeString(gen, expr, place, size);
  return { place, size };
}

/** Jumps to `no` unless the strings are equal (or different). Clobbers R0 to R5. */
export function compareStrings(
  gen: Gen,
  left: Expr,
  right: Expr,
  outcome: { equal: boolean; no: Label },
): void {
  const differ = outcome.equal ? outcome.no : gen.asm.label("differ");
  gen.frame.scope(() => {
    const [literal, other] = left.kind === "string" ? [left, right] : [right, left];
    if (literal.kind === "string") {
      compareWithLiteral(gen, literal.value, stringInMemory(gen, other), differ);
    } else {
      compareMemory(gen, stringInMemory(gen, left), stringInMemory(gen, right), differ);
    }
  });
  if (!outcome.equal) {
    gen.emit(ja(outcome.no));
    gen.asm.bind(differ);
  }
}

/** Word by word up to the literal's NUL. */
function compareWithLiteral(
  gen: Gen,
  literal: string,
  text: { place: Place; size: number },
  differ: Label,
): void {
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
function compareMemory(
  gen: Gen,
  a: { place: Place; size: number },
  b: { place: Place; size: number },
  differ: Label,
): void {
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

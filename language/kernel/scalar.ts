// Pure: no I/O, no FFI.
// Expressions that fit a register: their value ends up in R0, widened to 64 bits.

import {
  add64,
  and64,
  arsh64,
  imm,
  lsh64,
  mov64,
  mul64,
  neg64,
  type Operand,
  or64,
  rsh64,
  sub64,
  xor64,
} from "../../core/asm/alu.ts";
import { ja, jeq, jlt, jne } from "../../core/asm/jump.ts";
import { load, loadMap, loadMapValue } from "../../core/asm/load_store.ts";
import { R0, R1, R2, R6, R9 } from "../../core/asm/register.ts";
import { emitLoad } from "../../core/kernel_plane/location.ts";
import { OUTCOME, type Outcome } from "../../core/contract/outcome.ts";
import type { Arithmetic, Node } from "../model/ir.ts";
import { cSize, isScalar, keepsValue, stepSize, type Type } from "../model/types.ts";
import { FAULT } from "../model/plan.ts";
import { accessSize } from "../model/storage.ts";
import { emitActions } from "./actions.ts";
import { contextKey, evaluateBuiltin } from "./builtins.ts";
import { emitCondition } from "./condition.ts";
import { emitDivision } from "./division.ts";
import { LOAD_SPILL } from "./frame.ts";
import { evaluateCall } from "./functions.ts";
import { type Gen, shifted } from "./emitter.ts";
import { deleteFromMap, emitLength, hasKey, readAggregate, readMap, stepMap } from "./maps.ts";
import { locate } from "./memory.ts";
import { emitRead } from "./read.ts";
import { emitFault } from "./records.ts";

/** Evaluates a scalar into R0. Clobbers R1 to R5. */
export function evaluate(gen: Gen, node: Node): void {
  switch (node.op) {
    case "constant":
      return gen.constant(R0, node.value);
    case "local":
      return gen.load(R0, gen.locals.get(node.local)!);
    case "map":
      return readMap(gen, node);
    case "aggregate":
      return readAggregate(gen, node.map, node.key);
    case "builtin":
      return evaluateBuiltin(gen, node.name);
    case "context":
      return keep(gen, contextKey(node), () => {
        emitLoad(gen.asm, gen.site.layout, gen.site.layout.locations[node.at], R6, LOAD_SPILL);
        narrow(gen, node.type);
      });
    case "load":
      return evaluateLoad(gen, node);
    case "part":
      return evaluatePart(gen, node);
    case "element":
      return evaluateElement(gen, node);
    case "unary":
      evaluate(gen, node.operand);
      return gen.emit(node.operator === "-" ? neg64(R0) : xor64(R0, imm(-1)));
    case "binary": {
      const operand = evaluateOperands(gen, node.left, node.right);
      return emitArithmetic(gen, node.operator, operand, node.signed, node);
    }
    case "compare":
    case "same":
    case "not":
    case "and":
    case "or":
      return evaluateTruth(gen, node);
    case "choose":
      return evaluateChoice(gen, node);
    case "block":
      emitActions(gen, node.body);
      if (node.type.kind !== "none") evaluate(gen, node.value);
      return;
    case "inline":
      emitInline(gen, node);
      if (isScalar(node.type)) gen.load(R0, gen.locals.get(node.result)!);
      return;
    case "convert":
      return evaluateConversion(gen, node);
    case "step":
      return evaluateStep(gen, node);
    case "call":
      return evaluateCall(gen, node);
    case "has_key":
      return hasKey(gen, node.map, node.key);
    case "delete":
      return deleteFromMap(gen, node.map, node.key);
    case "len":
      return emitLength(gen, node.map);
    case "address":
      if (node.map !== undefined) gen.emit(loadMap(R0, gen.mapReference(node.map)));
      else gen.address(R0, gen.locals.get(node.local!)!);
      return asNumber(gen);
    case "text":
    case "tuple":
    case "contexts":
    case "memory_builtin":
    case "memory_call":
      throw new TypeError(`Cannot evaluate a ${node.op} into a register`);
  }
}

/** Makes R0 a number for the verifier, which allows little arithmetic on addresses. */
function asNumber(gen: Gen): void {
  gen.frame.scope(() => {
    const number = gen.frame.slot();
    gen.save(number);
    gen.load(R0, number);
  });
}

/** Computes once what is used again on every way from here. */
export function keep(gen: Gen, key: string, compute: () => void): void {
  const place = gen.kept.get(key);
  if (place === undefined) return compute();
  if (gen.filled.has(key)) return gen.load(R0, place);
  compute();
  gen.save(place);
  gen.filled.add(key);
}

/** Widens R0 from its C type: registers may hold anything above a narrow value. */
export function narrow(gen: Gen, type: Type): void {
  if (type.kind === "bool") return gen.emit(and64(R0, imm(255)));
  if (type.kind !== "integer" || type.size === 8) return;
  const shift = imm(64 - type.size * 8);
  gen.emit(lsh64(R0, shift), type.signed ? arsh64(R0, shift) : rsh64(R0, shift));
}

/** R0 = the bits of a bit field out of its unit in R0. */
function extract(gen: Gen, type: Type, bits: { shift: number; width: number }): void {
  const signed = type.kind === "integer" && type.signed;
  gen.emit(
    lsh64(R0, imm(64 - bits.width - bits.shift)),
    (signed ? arsh64 : rsh64)(R0, imm(64 - bits.width)),
  );
}

function evaluateLoad(gen: Gen, node: Node & { op: "load" }): void {
  const size = accessSize(node.type);
  emitRead(gen, node, { base: 10, offset: LOAD_SPILL }, size);
  gen.emit(load(size, R0, 10, LOAD_SPILL));
  if (node.bits !== undefined) extract(gen, node.type, node.bits);
  else narrow(gen, node.type);
}

function evaluatePart(gen: Gen, node: Node & { op: "part" }): void {
  gen.frame.scope(() => {
    const place = shifted(locate(gen, node.object), node.offset);
    if (!node.c) return gen.load(R0, place);
    gen.load(R0, place, accessSize(node.type));
    if (node.bits !== undefined) extract(gen, node.type, node.bits);
    else narrow(gen, node.type);
  });
}

/**
 * R1 = address of an element. An index past the array is reported, and the element is then a word of zeros.
 */
export function elementAddress(gen: Gen, node: Node & { op: "element" }): void {
  const { of, count } = node.object.type as Type & { kind: "array" };
  const inside = gen.asm.label("inside");
  const done = gen.asm.label("element");
  const index = gen.frame.slot();
  evaluate(gen, node.index);
  gen.save(index);
  const place = locate(gen, node.object);
  gen.load(R0, index);
  gen.emit(jlt(R0, imm(Math.max(1, count)), inside));
  emitFault(gen, node, FAULT.index);
  gen.emit(loadMapValue(R1, gen.references.zeros, 0), ja(done));
  gen.asm.bind(inside);
  gen.emit(mul64(R0, imm(cSize(of))));
  gen.emit(mov64(R2, R0));
  gen.address(R1, place);
  gen.emit(add64(R1, R2));
  gen.asm.bind(done);
}

function evaluateElement(gen: Gen, node: Node & { op: "element" }): void {
  gen.frame.scope(() => {
    elementAddress(gen, node);
    gen.emit(load(accessSize(node.type), R0, R1, 0));
    narrow(gen, node.type);
  });
}

function evaluateTruth(gen: Gen, node: Node): void {
  const no = gen.asm.label("false");
  const done = gen.asm.label("end");
  emitCondition(gen, node, no);
  gen.emit(mov64(R0, imm(1)), ja(done));
  gen.asm.bind(no);
  gen.emit(mov64(R0, imm(0)));
  gen.asm.bind(done);
}

function evaluateChoice(gen: Gen, node: Node & { op: "choose" }): void {
  const otherwise = gen.asm.label("else");
  const done = gen.asm.label("end");
  if (node.then === undefined) {
    evaluate(gen, node.condition);
    gen.emit(jne(R0, imm(0), done));
  } else {
    const { then } = node;
    emitCondition(gen, node.condition, otherwise);
    gen.branch(() => evaluate(gen, then));
    gen.emit(ja(done));
    gen.asm.bind(otherwise);
  }
  gen.branch(() => evaluate(gen, node.otherwise));
  gen.asm.bind(done);
}

/** A function of the script: `return` leads to its end. */
export function emitInline(gen: Gen, node: Node & { op: "inline" }): void {
  const end = gen.asm.label("return");
  const outer = gen.exits;
  gen.exits = { leave: outer.leave, return: end };
  const result = gen.locals.get(node.result);
  if (result !== undefined && node.type.kind !== "none") gen.saveConstant(result, 0);
  gen.branch(() => emitActions(gen, node.body));
  gen.asm.bind(end);
  gen.exits = outer;
}

function evaluateConversion(gen: Gen, node: Node & { op: "convert" }): void {
  const from = node.operand.type;
  if (!isScalar(from)) {
    // An array of bytes as a number.
    gen.frame.scope(() => {
      const place = locate(gen, node.operand);
      gen.load(R0, place, accessSize(from));
    });
    return narrow(gen, node.type);
  }
  evaluate(gen, node.operand);
  if (node.type.kind === "bool" && from.kind !== "bool") {
    const zero = gen.asm.label("zero");
    gen.emit(jeq(R0, imm(0), zero), mov64(R0, imm(1)));
    gen.asm.bind(zero);
    return;
  }
  if (!keepsValue(from, node.type)) narrow(gen, node.type);
}

function evaluateStep(gen: Gen, node: Node & { op: "step" }): void {
  const { target, by, prefix } = node;
  if (target.op === "map") return stepMap(gen, target, by, prefix);
  const place = gen.locals.get(target.local)!;
  const { type } = target;
  const size = stepSize(type);
  gen.load(R0, place);
  gen.emit(add64(R0, imm(by * size)));
  narrow(gen, type);
  gen.save(place);
  if (!prefix) {
    gen.emit(sub64(R0, imm(by * size)));
    narrow(gen, type);
  }
}

/** True for what can be loaded into R1 without touching R0. */
function isSimple(gen: Gen, node: Node): boolean {
  return node.op === "local" && gen.locals.get(node.local)!.pointer === undefined;
}

/** Right operand as an immediate where it fits, else in R1; the left one in R0. */
export function evaluateOperands(gen: Gen, left: Node, right: Node): Operand {
  if (right.op === "constant" && BigInt.asIntN(32, right.value) === right.value) {
    evaluate(gen, left);
    return imm(Number(right.value));
  }
  if (isSimple(gen, right)) {
    evaluate(gen, left);
    gen.load(R1, gen.locals.get((right as Node & { op: "local" }).local)!);
    return R1;
  }
  gen.frame.scope(() => {
    const spill = gen.frame.slot();
    evaluate(gen, left);
    gen.save(spill);
    evaluate(gen, right);
    gen.emit(mov64(R1, R0));
    gen.load(R0, spill);
  });
  return R1;
}

/** R0 = R0 operator operand. */
export function emitArithmetic(
  gen: Gen,
  operator: Arithmetic,
  operand: Operand,
  signed: boolean,
  at: Pick<Node, "span">,
): void {
  switch (operator) {
    case "+":
      return gen.emit(add64(R0, operand));
    case "-":
      return gen.emit(sub64(R0, operand));
    case "*":
      return gen.emit(mul64(R0, operand));
    case "&":
      return gen.emit(and64(R0, operand));
    case "|":
      return gen.emit(or64(R0, operand));
    case "^":
      return gen.emit(xor64(R0, operand));
    case "<<":
    case ">>": {
      // The kernel refuses a constant shift of 64 and more; a register's is taken modulo 64.
      const by = typeof operand === "number" ? operand : imm(operand.imm & 63);
      return gen.emit((operator === "<<" ? lsh64 : signed ? arsh64 : rsh64)(R0, by));
    }
    case "/":
    case "%":
      return emitDivision(gen, operator, operand, signed, at);
  }
}

/** Raises the outcome to `value` at least: R9 has a bit for each outcome. */
export function raiseOutcome(gen: Gen, value: Outcome): void {
  gen.emit(or64(R9, imm(1 << value)));
}

/**
 * R0 = the highest outcome whose bit R9 has. The number comes from scratch memory, so the verifier need
 * not tell apart the ways that lead here.
 */
export function emitOutcome(gen: Gen): void {
  gen.frame.scope(() => {
    const outcome = gen.frame.slot();
    gen.emit(mov64(R0, imm(HIGHEST)), rsh64(R0, R9), and64(R0, imm(3)));
    gen.save(outcome);
    gen.load(R0, outcome);
  });
}

/** Two bits for each set of outcomes, found by shifting by the set: `filtered` has no bit in a set. */
const HIGHEST = [2, 4, 6, 8, 10, 12, 14].reduce(
  (table, set) => table | Math.floor(Math.log2(set)) << set,
  OUTCOME.filtered,
);

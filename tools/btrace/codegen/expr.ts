// Pure: no I/O, no FFI.
// Expressions that fit a register: their value ends up in R0.

import {
  add64,
  and64,
  arsh64,
  div64,
  imm,
  lsh64,
  mod64,
  mov64,
  mul64,
  neg64,
  type Operand,
  or64,
  rsh64,
  sub64,
  xor64,
} from "../../../core/asm/alu.ts";
import type { Label } from "../../../core/asm/instruction.ts";
import {
  callHelper,
  ja,
  jeq,
  jge,
  jgt,
  jle,
  jlt,
  jne,
  jsge,
  jsgt,
  jsle,
  jslt,
} from "../../../core/asm/jump.ts";
import { load, loadMapValue, store } from "../../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R6, R9 } from "../../../core/asm/register.ts";
import { CONTROL } from "../../../core/blocks.ts";
import { parseCType } from "../../../core/c_type.ts";
import { emitLoad, narrow } from "../../../core/location.ts";
import { OUTCOME } from "../../../core/provider.ts";
import { emitPidTgid } from "../../../core/thread_id.ts";
import type { BinaryExpr, BinaryOperator, Expr, StepExpr, VariableExpr } from "../lang/ast.ts";
import { isSignedOperation } from "../passes/signedness.ts";
import { LOAD_SPILL } from "./frame.ts";
import type { Gen } from "./gen.ts";
import { readMap, stepMap } from "./maps.ts";
import { emitDivideByZero } from "./records.ts";
import { compareStrings } from "./text.ts";

/** Evaluates a scalar into R0. Clobbers R1 to R5. */
export function evaluate(gen: Gen, expr: Expr): void {
  switch (expr.kind) {
    case "integer":
      return gen.constant(R0, expr.value);
    case "bool":
      return gen.emit(mov64(R0, imm(expr.value ? 1 : 0)));
    case "name":
      return evaluateName(gen, expr.name);
    case "variable":
      return loadVariable(gen, expr);
    case "map":
      return readMap(gen, expr);
    case "field":
    case "index":
      return evaluateArgument(gen, expr);
    case "unary":
      return evaluateUnary(gen, expr);
    case "step":
      return evaluateStep(gen, expr);
    case "binary":
      if (isLogical(expr.operator) || isComparison(expr.operator)) return evaluateTruth(gen, expr);
      return evaluateBinary(gen, expr);
    case "ternary": {
      const otherwise = gen.asm.label("else");
      const done = gen.asm.label("end");
      if (expr.then === undefined) {
        evaluate(gen, expr.condition);
        gen.emit(jne(R0, imm(0), done));
      } else {
        emitCondition(gen, expr.condition, otherwise);
        evaluate(gen, expr.then);
        gen.emit(ja(done));
        gen.asm.bind(otherwise);
      }
      evaluate(gen, expr.otherwise);
      gen.asm.bind(done);
      return;
    }
    case "string":
    case "call":
      throw new TypeError(`Cannot evaluate a ${expr.kind} into a register`);
  }
}

function loadVariable(gen: Gen, expr: VariableExpr): void {
  const place = gen.variables.get(expr.name)!;
  gen.emit(load(8, R0, place.base, place.offset));
}

function evaluateName(gen: Gen, name: string): void {
  switch (name) {
    case "pid":
      emitPidTgid(gen.asm, gen.site.namespace, LOAD_SPILL);
      return gen.emit(rsh64(R0, imm(32)));
    case "tid":
      emitPidTgid(gen.asm, gen.site.namespace, LOAD_SPILL);
      return gen.emit(lsh64(R0, imm(32)), rsh64(R0, imm(32)));
    case "uid":
      return gen.emit(
        callHelper(BPF_FUNC.get_current_uid_gid),
        lsh64(R0, imm(32)),
        rsh64(R0, imm(32)),
      );
    case "gid":
      return gen.emit(callHelper(BPF_FUNC.get_current_uid_gid), rsh64(R0, imm(32)));
    case "cpu":
      return gen.emit(callHelper(BPF_FUNC.get_smp_processor_id));
    case "nsecs":
      return gen.emit(callHelper(BPF_FUNC.ktime_get_boot_ns));
    case "elapsed":
      return gen.emit(
        callHelper(BPF_FUNC.ktime_get_boot_ns),
        loadMapValue(R1, gen.site.control, CONTROL.startTime),
        load(8, R1, R1, 0),
        sub64(R0, R1),
      );
    case "probe":
      return gen.emit(load(8, R0, gen.probe.base, gen.probe.offset));
    default: {
      // argN is the raw register; retval has a type.
      emitLoad(gen.asm, gen.site.layout, gen.site.layout.locations[name], R6, LOAD_SPILL);
      if (name === "retval") gen.emit(...narrow(parseCType(gen.clause.probes[0].retval!)));
    }
  }
}

/** args.NAME, args.NAME[N] */
function evaluateArgument(gen: Gen, expr: Expr & { kind: "field" | "index" }): void {
  const field = expr.kind === "field" ? expr : expr.object as Expr & { kind: "field" };
  const arg = gen.clause.probes[0].args.find(({ name }) => name === field.field)!;
  const index = expr.kind === "index" && expr.index.kind === "integer"
    ? Number(expr.index.value)
    : 0;
  const at = arg.at.replace(/\d+$/, (digits) => `${Number(digits) + index}`);
  emitLoad(gen.asm, gen.site.layout, gen.site.layout.locations[at], R6, LOAD_SPILL);
  gen.emit(...narrow(parseCType(arg.type)));
}

function evaluateUnary(gen: Gen, expr: Expr & { kind: "unary" }): void {
  if (expr.operator === "!") return evaluateTruth(gen, expr);
  evaluate(gen, expr.operand);
  gen.emit(expr.operator === "-" ? neg64(R0) : xor64(R0, imm(-1)));
}

function evaluateStep(gen: Gen, expr: StepExpr): void {
  const by = expr.operator === "++" ? 1 : -1;
  if (expr.target.kind === "map") return stepMap(gen, expr.target, by, expr.prefix);
  const place = gen.variables.get(expr.target.name)!;
  loadVariable(gen, expr.target);
  gen.emit(mov64(R1, R0), add64(R1, imm(by)), store(8, place.base, place.offset, R1));
  if (expr.prefix) gen.emit(mov64(R0, R1));
}

/** A condition as 0 or 1. */
function evaluateTruth(gen: Gen, expr: Expr): void {
  const no = gen.asm.label("false");
  const done = gen.asm.label("end");
  emitCondition(gen, expr, no);
  gen.emit(mov64(R0, imm(1)), ja(done));
  gen.asm.bind(no);
  gen.emit(mov64(R0, imm(0)));
  gen.asm.bind(done);
}

/** Right operand as an immediate where it fits, else in R1; the left one in R0. */
function evaluateOperands(gen: Gen, left: Expr, right: Expr): Operand {
  if (right.kind === "integer" && BigInt.asIntN(32, right.value) === right.value) {
    evaluate(gen, left);
    return imm(Number(right.value));
  }
  if (right.kind === "variable") {
    evaluate(gen, left);
    const place = gen.variables.get(right.name)!;
    gen.emit(load(8, R1, place.base, place.offset));
    return R1;
  }
  gen.frame.scope(() => {
    const spill = gen.frame.slot();
    evaluate(gen, left);
    gen.save(spill);
    evaluate(gen, right);
    gen.emit(mov64(R1, R0), load(8, R0, spill.base, spill.offset));
  });
  return R1;
}

function evaluateBinary(gen: Gen, expr: BinaryExpr): void {
  const operand = evaluateOperands(gen, expr.left, expr.right);
  const signed = isSignedOperation(expr, gen.typeOf(expr.left), gen.typeOf(expr.right));
  emitArithmetic(gen, expr.operator, operand, signed, expr);
}

/** R0 = R0 operator operand. */
export function emitArithmetic(
  gen: Gen,
  operator: BinaryOperator,
  operand: Operand,
  signed: boolean,
  expr: object & { span: Expr["span"] },
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
      return emitDivision(gen, operator, operand, signed, expr);
  }
}

/**
 * Division and remainder; by zero it is 1 and reported. Signed ones are done on magnitudes, because
 * the signed instructions need Linux 6.6: the quotient is negative if the signs differ, the remainder
 * has the dividend's sign.
 */
function emitDivision(
  gen: Gen,
  operator: "/" | "%",
  operand: Operand,
  signed: boolean,
  expr: object & { span: Expr["span"] },
): void {
  const done = gen.asm.label("divided");
  if (typeof operand === "number" || operand.imm === 0) {
    const nonzero = gen.asm.label("nonzero");
    if (typeof operand !== "number") gen.emit(mov64(R1, operand));
    gen.emit(jne(R1, imm(0), nonzero));
    emitDivideByZero(gen, expr);
    gen.emit(mov64(R0, imm(1)), ja(done));
    gen.asm.bind(nonzero);
  } else {
    gen.emit(mov64(R1, operand));
  }
  const apply = operator === "/" ? div64 : mod64;
  if (!signed) {
    gen.emit(apply(R0, R1));
  } else {
    const dividend = gen.asm.label("dividend");
    const divisor = gen.asm.label("divisor");
    gen.emit(mov64(R2, R0));
    if (operator === "/") gen.emit(xor64(R2, R1));
    gen.emit(jsge(R0, imm(0), dividend), neg64(R0));
    gen.asm.bind(dividend);
    gen.emit(jsge(R1, imm(0), divisor), neg64(R1));
    gen.asm.bind(divisor);
    gen.emit(apply(R0, R1), jsge(R2, imm(0), done), neg64(R0));
  }
  gen.asm.bind(done);
}

function isLogical(operator: BinaryOperator): boolean {
  return operator === "&&" || operator === "||";
}

function isComparison(operator: BinaryOperator): boolean {
  return operator in INVERSE;
}

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
export function emitCondition(gen: Gen, expr: Expr, no: Label): void {
  if (expr.kind === "binary") {
    if (expr.operator === "&&") {
      emitCondition(gen, expr.left, no);
      emitCondition(gen, expr.right, no);
      return;
    }
    if (expr.operator === "||") {
      const right = gen.asm.label("or");
      const yes = gen.asm.label("true");
      emitCondition(gen, expr.left, right);
      gen.emit(ja(yes));
      gen.asm.bind(right);
      emitCondition(gen, expr.right, no);
      gen.asm.bind(yes);
      return;
    }
    if (isComparison(expr.operator)) return emitComparison(gen, expr, no);
  }
  if (expr.kind === "unary" && expr.operator === "!") {
    const yes = gen.asm.label("true");
    emitCondition(gen, expr.operand, yes);
    gen.emit(ja(no));
    gen.asm.bind(yes);
    return;
  }
  evaluate(gen, expr);
  gen.emit(jeq(R0, imm(0), no));
}

function emitComparison(gen: Gen, expr: BinaryExpr, no: Label): void {
  const left = gen.typeOf(expr.left);
  const right = gen.typeOf(expr.right);
  if (left.kind === "string" && right.kind === "string") {
    return compareStrings(gen, expr.left, expr.right, { equal: expr.operator === "==", no });
  }
  const jumps = INVERSE[expr.operator as keyof typeof INVERSE];
  const name = expr.left.kind === "string" ? expr.left : expr.right;
  if ((left.kind === "probe" || right.kind === "probe") && name.kind === "string") {
    evaluate(gen, expr.left.kind === "string" ? expr.right : expr.left);
    gen.emit(jumps[0](R0, imm(gen.shared.probeNumber(name.value)), no));
    return;
  }
  const operand = evaluateOperands(gen, expr.left, expr.right);
  gen.emit(jumps[isSignedOperation(expr, left, right) ? 1 : 0](R0, operand, no));
}

/** Raises the outcome to `value` at least. */
export function raiseOutcome(gen: Gen, value: typeof OUTCOME[keyof typeof OUTCOME]): void {
  const higher = gen.asm.label("outcome");
  gen.emit(jge(R9, imm(value), higher), mov64(R9, imm(value)));
  gen.asm.bind(higher);
}

// Pure: no I/O, no FFI.
// Computes what is constant. Signed 64-bit arithmetic, as at run time.

import type { BinaryOperator, Clause, Expr, Program, Stmt } from "../lang/ast.ts";
import type { Diagnostics } from "../lang/diagnostics.ts";

/** A program in which every operation on literals is a literal. */
export function fold(program: Program, diagnostics: Diagnostics): Program {
  const expr = (one: Expr): Expr => foldExpr(one, diagnostics);
  const stmt = (one: Stmt): Stmt => {
    switch (one.kind) {
      case "expr":
        return { ...one, expr: expr(one.expr) };
      case "assign":
        return { ...one, target: foldTarget(one.target, diagnostics), value: expr(one.value) };
      case "if":
        return {
          ...one,
          condition: expr(one.condition),
          then: one.then.map(stmt),
          otherwise: one.otherwise.map(stmt),
        };
    }
  };
  const clause = (one: Clause): Clause => ({
    ...one,
    predicate: one.predicate && expr(one.predicate),
    body: one.body.map(stmt),
  });
  return { clauses: program.clauses.map(clause) };
}

function foldTarget<T extends Expr>(target: T, diagnostics: Diagnostics): T {
  return target.kind === "map"
    ? { ...target, keys: target.keys.map((key) => foldExpr(key, diagnostics)) }
    : target;
}

function foldExpr(one: Expr, diagnostics: Diagnostics): Expr {
  const inner = (expr: Expr) => foldExpr(expr, diagnostics);
  switch (one.kind) {
    case "map":
      return foldTarget(one, diagnostics);
    case "field":
      return { ...one, object: inner(one.object) };
    case "index":
      return { ...one, object: inner(one.object), index: inner(one.index) };
    case "call":
      return { ...one, args: one.args.map(inner) };
    case "step":
      return { ...one, target: foldTarget(one.target, diagnostics) };
    case "unary": {
      const operand = inner(one.operand);
      if (operand.kind === "integer" && one.operator !== "!") {
        const value = one.operator === "-" ? -operand.value : ~operand.value;
        // ~ is unsigned, as in C on an unsigned long.
        const result = one.operator === "-" ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
        return { kind: "integer", value: result, span: one.span };
      }
      return { ...one, operand };
    }
    case "binary": {
      const left = inner(one.left);
      const right = inner(one.right);
      if (left.kind === "integer" && right.kind === "integer") {
        const value = foldBinary(one.operator, left.value, right.value);
        if (value === "divide") {
          diagnostics.error("divide-by-zero", "unable to fold: divide or modulo by zero", one.span);
        } else if (typeof value === "bigint") {
          if (value < -(1n << 63n) || value >= 1n << 64n) {
            diagnostics.error("overflow", "unable to fold: literal overflows 64 bits", one.span);
          }
          return {
            kind: "integer",
            value: BigInt.asUintN(64, value) === value ? value : BigInt.asIntN(64, value),
            span: one.span,
          };
        } else if (typeof value === "boolean") {
          return { kind: "bool", value, span: one.span };
        }
      }
      return { ...one, left, right };
    }
    case "ternary":
      return {
        ...one,
        condition: inner(one.condition),
        then: one.then && inner(one.then),
        otherwise: inner(one.otherwise),
      };
    default:
      return one;
  }
}

function foldBinary(
  operator: BinaryOperator,
  a: bigint,
  b: bigint,
): bigint | boolean | "divide" | undefined {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0n ? "divide" : a / b;
    case "%":
      return b === 0n ? "divide" : a % b;
    case "&":
      return a & b;
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    case "<<":
      return BigInt.asIntN(64, a << (b & 63n));
    case ">>":
      return a >> (b & 63n);
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case ">":
      return a > b;
    case "<=":
      return a <= b;
    case ">=":
      return a >= b;
    default:
      return undefined;
  }
}

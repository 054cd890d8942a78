// Pure: no I/O, no FFI.
// Operators: what they take, what they give, what is known while compiling.

import type { BinaryOperator } from "../syntax/ast.ts";
import type { Span } from "../syntax/diagnostics.ts";
import type { Arithmetic, Comparison, Node } from "../model/ir.ts";
import type { TextNode } from "../model/functions.ts";
import { isText } from "../model/storage.ts";
import {
  arithmeticType,
  BOOL,
  INT64,
  integer,
  isCharArray,
  isNumeric,
  isScalar,
  isSigned,
  literalType,
  type ScalarType,
  stepSize,
  string,
  type Type,
  typeName,
  UINT64,
  widen,
} from "../model/types.ts";
import type { Context } from "./context.ts";
import { broken, constant } from "./nodes.ts";
import { foldBinary } from "./fold.ts";

const COMPARISONS: readonly string[] = ["==", "!=", "<", ">", "<=", ">="];

/** True for a literal or something computed from literals. */
export function isConstant(node: Node): node is Node & { op: "constant" } {
  return node.op === "constant";
}

/** A literal that is not negative takes the signedness of what it meets. */
function adapted(node: Node, other: Type): Type {
  const neutral = isConstant(node) && node.value >= 0n;
  return neutral && !isSigned(other) ? UINT64 : node.type;
}

/** True if the operation compares, divides or shifts as signed: if an operand is. */
export function isSignedOperation(operator: string, left: Node, right: Node): boolean {
  const a = adapted(left, right.type);
  const b = adapted(right, left.type);
  return isSigned(a) || (operator !== ">>" && isSigned(b));
}

/** Text of the probe's name, of a char array, of a literal; undefined if the node is no text. */
export function asString(context: Context, node: Node): TextNode | undefined {
  const { type, span } = node;
  if (isText(node)) return node;
  if (type.kind === "coded" && type.as === "probe") {
    const value = context.probe.name;
    return { op: "text", value, type: string(value.length + 1), span };
  }
  if (isCharArray(type)) {
    return { op: "convert", operand: node, type: string(type.count + 1), span };
  }
  return undefined;
}

/** The node of `left operator right`. */
export function binary(
  context: Context,
  operator: BinaryOperator,
  left: Node,
  right: Node,
  span: Span,
): Node {
  if (operator === "&&" || operator === "||") return logical(context, operator, left, right, span);
  if (isConstant(left) && isConstant(right) && isNumeric(left.type) && isNumeric(right.type)) {
    const folded = fold(context, operator, left, right, span);
    if (folded !== undefined) return folded;
  }
  if (left.op === "text" && right.op === "text") {
    const folded = foldText(operator, left, right, span);
    if (folded !== undefined) return folded;
  }
  if (COMPARISONS.includes(operator)) {
    return compare(context, operator as Comparison, left, right, span);
  }
  const moved = movePointer(context, operator, left, right, span);
  if (moved !== undefined) return moved;
  if (!isNumeric(left.type) || !isNumeric(right.type)) {
    return mismatch(context, operator, left, right, span);
  }
  return {
    op: "binary",
    operator: operator as Arithmetic,
    left,
    right,
    signed: isSignedOperation(operator, left, right),
    type: resultType(operator, left, right),
    span,
  };
}

function resultType(operator: string, left: Node, right: Node): Type {
  if (operator === "-") return INT64;
  const a = adapted(left, right.type);
  const b = adapted(right, left.type);
  if (operator === "<<" || operator === ">>") return arithmeticType(a, a);
  return arithmeticType(a, b);
}

/** Literals are joined and compared while compiling: text that a program makes is not. */
function foldText(operator: string, left: Node, right: Node, span: Span): Node | undefined {
  if (left.op !== "text" || right.op !== "text") return undefined;
  const [a, b] = [left.value, right.value];
  if (operator === "+") {
    return { op: "text", value: a + b, type: string(a.length + b.length + 1), span };
  }
  const order = { "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b }[operator];
  return order === undefined ? undefined : constant(order ? 1n : 0n, BOOL, span);
}

function fold(
  context: Context,
  operator: BinaryOperator,
  left: Node & { op: "constant" },
  right: Node & { op: "constant" },
  span: Span,
): Node | undefined {
  const value = foldBinary(operator, left.value, right.value);
  if (value === undefined) return undefined;
  if (typeof value === "boolean") return constant(value ? 1n : 0n, BOOL, span);
  if (value === "divide") {
    context.error(
      "divide-by-zero",
      "unable to fold literals due to overflow or underflow",
      span,
      "the divisor is zero",
    );
    return broken(span);
  }
  if (value < -(1n << 63n) || value >= 1n << 64n) return unfoldable(context, span);
  // A cast makes more of a literal than its value.
  const cast = left.cast === true || right.cast === true;
  const type = cast ? resultType(operator, left, right) : literalType(value);
  const kept = type.kind === "integer" && type.signed
    ? BigInt.asIntN(64, value)
    : type.kind === "integer" && cast
    ? BigInt.asUintN(64, value)
    : value;
  return { ...constant(kept, type as ScalarType, span), ...(cast && { cast }) } as Node;
}

function unfoldable(context: Context, span: Span): Node {
  context.error("overflow", "unable to fold literals due to overflow or underflow", span);
  return broken(span);
}

function logical(
  context: Context,
  operator: "&&" | "||",
  left: Node,
  right: Node,
  span: Span,
): Node {
  for (const side of [left, right]) {
    if (!isNumeric(side.type)) return mismatch(context, operator, left, right, span);
  }
  if (isConstant(left)) {
    const decides = (left.value !== 0n) === (operator === "||");
    if (decides) return constant(operator === "||" ? 1n : 0n, BOOL, span);
    if (isConstant(right)) return constant(right.value !== 0n ? 1n : 0n, BOOL, span);
  }
  return { op: operator === "&&" ? "and" : "or", left, right, type: BOOL, span };
}

function compare(
  context: Context,
  operator: Comparison,
  left: Node,
  right: Node,
  span: Span,
): Node {
  if (isNumeric(left.type) && isNumeric(right.type)) {
    const signed = isSignedOperation(operator, left, right);
    return { op: "compare", operator, left, right, signed, type: BOOL, span };
  }
  if (operator === "==" || operator === "!=") {
    const negate = operator === "!=";
    const a = asString(context, left) ?? left;
    const b = asString(context, right) ?? right;
    if (a.op === "text" && b.op === "text") {
      return constant((a.value === b.value) !== negate ? 1n : 0n, BOOL, span);
    }
    const as = comparable(a.type) ? widen(a.type, b.type) : undefined;
    if (as !== undefined && isScalar(as)) {
      return { op: "compare", operator, left: a, right: b, signed: false, type: BOOL, span };
    }
    if (as !== undefined) {
      return { op: "same", left: a, right: b, as, negate, type: BOOL, span };
    }
  }
  return mismatch(context, operator, left, right, span);
}

function comparable(type: Type): boolean {
  switch (type.kind) {
    case "none":
    case "struct":
      return false;
    case "tuple":
      return type.elements.every((one) => comparable(one.type));
    default:
      return true;
  }
}

/** Pointers move by elements. */
function movePointer(
  context: Context,
  operator: string,
  left: Node,
  right: Node,
  span: Span,
): Node | undefined {
  const a = left.type.kind === "pointer";
  const b = right.type.kind === "pointer";
  if (!a && !b) return undefined;
  if (operator === "-" && a && b) {
    const size = stepSize(left.type);
    const bytes: Node = {
      op: "binary",
      operator: "-",
      left,
      right,
      signed: true,
      type: INT64,
      span,
    };
    return size === 1
      ? bytes
      : binary(context, "/", bytes, constant(BigInt(size), INT64, span), span);
  }
  if (operator !== "+" && (operator !== "-" || !a)) return undefined;
  const [base, by] = a ? [left, right] : [right, left];
  if (!isNumeric(by.type)) return undefined;
  return offsetPointer(context, operator, base, by, span);
}

/** The pointer `by` elements behind `base`. */
export function offsetPointer(
  context: Context,
  operator: "+" | "-",
  base: Node,
  by: Node,
  span: Span,
): Node {
  const size = stepSize(base.type);
  const scaled = size === 1
    ? by
    : binary(context, "*", by, constant(BigInt(size), integer(8, isSigned(by.type)), span), span);
  return {
    op: "binary",
    operator,
    left: base,
    right: scaled,
    signed: false,
    type: base.type,
    span,
  };
}

function mismatch(
  context: Context,
  operator: string,
  left: Node,
  right: Node,
  span: Span,
): Node {
  context.error(
    "type-mismatch",
    `Type mismatch for '${operator}': comparing ${typeName(left.type)} with ` +
      typeName(right.type),
    span,
  );
  return COMPARISONS.includes(operator) ? constant(0n, BOOL, span) : broken(span);
}

/** The node of `-a`, `~a` or `!a`. */
export function unary(
  context: Context,
  operator: "-" | "~" | "!" | "+",
  operand: Node,
  span: Span,
): Node {
  if (!isNumeric(operand.type)) {
    context.error(
      "type-mismatch",
      `The '${operator}' operator can not be used on expressions of type ` +
        `'${typeName(operand.type)}'`,
      span,
    );
    return broken(span);
  }
  if (operator === "+") return operand;
  if (operator === "!") {
    return isConstant(operand)
      ? constant(operand.value === 0n ? 1n : 0n, BOOL, span)
      : { op: "not", operand, type: BOOL, span };
  }
  if (isConstant(operand)) {
    // ~ is unsigned, as in C on an unsigned long.
    const { type, cast } = operand;
    if (cast && type.kind === "integer") {
      const bits = type.size * 8;
      const value = operator === "-" ? -operand.value : ~operand.value;
      const kept = type.signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
      return { ...constant(kept, type, span), cast } as Node;
    }
    const value = operator === "-"
      ? BigInt.asIntN(64, -operand.value)
      : BigInt.asUintN(64, ~operand.value);
    return constant(value, literalType(value), span);
  }
  return { op: "unary", operator, operand, type: operator === "-" ? INT64 : UINT64, span };
}

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
  type CodedType,
  COUNTED,
  INT64,
  integer,
  isCharArray,
  isLiteral,
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
import type { CodeName, Context } from "./context.ts";
import { broken, constant, warnOfCast } from "./nodes.ts";
import { foldBinary } from "./fold.ts";

const COMPARISONS: readonly string[] = ["==", "!=", "<", ">", "<=", ">="];

/** True for a literal or something computed from literals. */
export function isConstant(node: Node): node is Node & { op: "constant" } {
  return node.op === "constant";
}

/** A literal that is not negative takes the signedness of what it meets. */
function adapted(node: Node, other: Type): Type {
  const neutral = isLiteral(node.type) || isConstant(node) && node.value >= 0n;
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
  if (isNamed(type) && node.op === "convert" && isConstant(node.operand)) {
    const value = context.environment.codeName(type.as, node.operand.value);
    return { op: "text", value, type: string(value.length + 1), span };
  }
  return undefined;
}

/** True for text that is longer than strings may be. */
export function isTooLong({ config: { maxStrlen } }: Context, text: string): boolean {
  return maxStrlen > 0 && text.length >= maxStrlen;
}

/** Reports text that is too long. */
export function tellTooLong(context: Context, text: string, span: Span): void {
  const { maxStrlen } = context.config;
  context.error("text-length", `String is too long (over ${maxStrlen} bytes): ${text}`, span);
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
  const isEmpty = left.op === "text" && isConstant(right) ||
    isConstant(left) && right.op === "text";
  if (operator === "+" && isEmpty) {
    context.warning("empty-text", "literal string will always be empty", span);
    return { op: "text", value: "", type: string(1), span };
  }
  const moved = movePointer(context, operator, left, right, span);
  if (moved !== undefined) return moved;
  const pointers = left.type.kind === "pointer" || right.type.kind === "pointer";
  if (pointers || left.type.kind === "string" && right.type.kind === "string") {
    return unusable(context, operator, left, right, span);
  }
  if (!isNumeric(left.type) || !isNumeric(right.type)) {
    return mismatch(context, operator, left, right, span);
  }
  warnOfSigns(context, left, right);
  const type = resultType(operator, left, right);
  const result: Node = {
    op: "binary",
    operator: operator as Arithmetic,
    left,
    right,
    signed: isSignedOperation(operator, left, right),
    type: type === BOOL ? UINT64 : type,
    span,
  };
  return type === BOOL ? { op: "convert", operand: result, type, span } : result;
}

/** An unsigned number of 64 bits beside a signed one becomes signed. */
function warnOfSigns(context: Context, left: Node, right: Node): void {
  for (const [one, other] of [[left, right], [right, left]]) {
    if (isSigned(adapted(other, one.type))) warnOfCast(context, one, INT64);
  }
}

function resultType(operator: string, left: Node, right: Node): Type {
  if (left.type.kind === "bool" && right.type.kind === "bool") return BOOL;
  if (isLiteral(left.type) && isLiteral(right.type)) return COUNTED;
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
  if (left.type.kind === "bool" && right.type.kind === "bool") {
    return constant(value === 0n ? 0n : 1n, BOOL, span);
  }
  // A cast makes more of a literal than its value.
  const cast = left.cast === true || right.cast === true;
  const shifts = operator === ">>" || operator === "<<";
  if (shifts && (right.value < 0n || right.value > 63n)) return unfoldable(context, span);
  if (operator === "<<" && !cast) {
    // What is shifted out is lost.
    const kept = left.value < 0n ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
    return constant(kept, literalType(kept), span);
  }
  if (value < -(1n << 63n) || value >= 1n << 64n) return unfoldable(context, span);
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
  // Beside a bool, a literal text is true if it has a character.
  const isTrue = (text: Node, other: Node) =>
    text.op === "text" && other.type.kind === "bool"
      ? constant(text.value === "" ? 0n : 1n, BOOL, text.span)
      : text;
  [left, right] = [isTrue(left, right), isTrue(right, left)];
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
    warnOfSigns(context, left, right);
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
    const named = sameName(context, a, b, span) ?? sameName(context, b, a, span);
    if (named !== undefined) return negate ? unary(context, "!", named, span) : named;
    if (isPlainTuple(a.type) && isPlainTuple(b.type)) {
      return constant(negate ? 1n : 0n, BOOL, span);
    }
  }
  if (left.type.kind === "string" && right.type.kind === "string") {
    return unusable(context, operator, left, right, span);
  }
  return mismatch(context, operator, left, right, span);
}

/** Whether a number whose name is printed has the name that a literal says. */
function sameName(context: Context, coded: Node, text: Node, span: Span): Node | undefined {
  if (text.op !== "text" || !isNamed(coded.type)) return undefined;
  const number: Node = { op: "convert", operand: coded, type: INT64, span };
  const codes = context.environment.codesNamed(coded.type.as, text.value);
  return codes.map((code) => binary(context, "==", number, constant(code, INT64, span), span))
    .reduce((a, b) => logical(context, "||", a, b, span), constant(0n, BOOL, span));
}

/** True for numbers whose names are the same on every system. */
function isNamed(type: Type): type is CodedType & { as: CodeName } {
  return type.kind === "coded" && ["strerror", "signal", "syscall"].includes(type.as);
}

/** True for a tuple without names whose elements can be compared. */
function isPlainTuple(type: Type): boolean {
  return type.kind === "tuple" && comparable(type) &&
    type.elements.every(({ name }) => name === undefined);
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
  if (operator !== "+" && (operator !== "-" || !a)) return undefined;
  const [base, by] = a ? [left, right] : [right, left];
  if (by.type.kind !== "integer") return undefined;
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

/** Reports operands of one type that the operator does not take. */
function unusable(
  context: Context,
  operator: string,
  left: Node,
  right: Node,
  span: Span,
): Node {
  const message = left.op === "text" && right.op === "text"
    ? "illegal literal operation with strings"
    : `The ${operator} operator can not be used on expressions of types ` +
      `${typeName(left.type)}, ${typeName(right.type)}`;
  context.error("type-mismatch", message, span);
  return COMPARISONS.includes(operator) ? constant(0n, BOOL, span) : broken(span);
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
  operator: "-" | "~" | "!",
  operand: Node,
  span: Span,
): Node {
  const isNegatable = operand.type.kind === "bool" && operator === "!";
  if (operand.type.kind !== "integer" && !isNegatable) {
    context.error(
      "type-mismatch",
      `The ${operator} operator can not be used on expressions of type '${typeName(operand.type)}'`,
      span,
    );
    return broken(span);
  }
  if (operator === "!") {
    return isConstant(operand)
      ? constant(operand.value === 0n ? 1n : 0n, BOOL, span)
      : { op: "not", operand, type: BOOL, span };
  }
  if (isConstant(operand)) {
    // ~ is unsigned, as in C on an unsigned long; of a cast, it has the cast's width.
    const { type, cast } = operand;
    if (cast && type.kind === "integer") {
      const bits = type.size * 8;
      const value = operator === "-" ? -operand.value : ~operand.value;
      const signed = type.signed && (operator === "-" || type.size === 8);
      const kept = signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
      return { ...constant(kept, integer(type.size, signed), span), cast } as Node;
    }
    if (operator === "-" && operand.value > 1n << 63n) {
      context.error("overflow", "negative value will underflow", span);
      return broken(span);
    }
    const value = operator === "-"
      ? BigInt.asIntN(64, -operand.value)
      : BigInt.asUintN(64, ~operand.value);
    return constant(value, literalType(value), span);
  }
  const { type } = operand;
  const size = type.kind === "integer" ? type.size : 8;
  // A signed number has a negative; all other results have the operand's width.
  if (operator === "-" && isSigned(type)) {
    return { op: "unary", operator, operand, type: INT64, span };
  }
  const full = isSigned(type) && size === 8 ? INT64 : UINT64;
  const result: Node = { op: "unary", operator, operand, type: full, span };
  if (size === 8) return result;
  const narrow: Node = { op: "convert", operand: result, type: integer(size, false), span };
  return { op: "convert", operand: narrow, type: UINT64, span };
}

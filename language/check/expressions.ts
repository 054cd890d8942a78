// Pure: no I/O, no FFI.
// Expressions that are neither operators nor functions: names, variables, maps, choices, blocks.

import type { Block, Expr, IfExpr, MapExpr, VariableExpr } from "../syntax/ast.ts";
import { didYouMean } from "../syntax/diagnostics.ts";
import type { Span } from "../syntax/diagnostics.ts";
import type { Action, Node } from "../model/ir.ts";
import {
  BOOL,
  COUNTED,
  INT64,
  isNumeric,
  literalType,
  NONE,
  pointer,
  storageSize,
  string,
  type Type,
  typeName,
  UINT64,
  UNKNOWN,
  widen,
} from "../model/types.ts";
import type { Context } from "./context.ts";
import { append, broken, constant, mapNode, warnOfCast } from "./nodes.ts";
import { call } from "./functions/mod.ts";
import { aggregateValue, cast, checkVariant, dereference, element, member } from "./memory.ts";
import { argument, name } from "./names.ts";
import { binary, isConstant, isTooLong, tellTooLong, unary } from "./operators.ts";
import { grow } from "./variable_types.ts";

/** A variable that is in scope. */
export function variableNode(context: Context, expr: VariableExpr): Node {
  const local = context.variables.lookup(expr.name);
  if (local === undefined) {
    const near = didYouMean(expr.name, context.variables.names());
    context.error(
      "undefined-variable",
      `Undefined or undeclared variable: ${expr.name.replace(/#.*/, "")}`,
      expr.span,
      near && `did you mean ${near}?`,
    );
    return broken(expr.span);
  }
  if (local.unresolved && context.variables.isUnassigned(local)) {
    context.error("unresolved", "Could not resolve the type of this variable", expr.span);
  }
  if (context.variables.isUnassigned(local)) {
    const message = `Variable used before it was assigned: ${local.name}`;
    context.warning("unassigned", message, expr.span);
  }
  return { op: "local", local, type: local.type, span: expr.span };
}

function mapRead(context: Context, expr: MapExpr): Node {
  return entry(context, expr, context.key(expr));
}

/** `@m[key]`; of an aggregation as a number. */
export function entry(context: Context, expr: MapExpr, key: Node | undefined): Node {
  const map = context.maps.get(expr.name);
  const { value } = map;
  if (value?.kind !== "aggregation") return mapNode(map, key, value ?? UNKNOWN, expr.span);
  const node = mapNode(map, key, UINT64, expr.span) as Node & { op: "map" };
  const number = aggregateValue(node, expr.span);
  if (number !== undefined) return number;
  context.error(
    "aggregation",
    `${expr.name} holds a ${value.name}(): it can be printed, cleared and zeroed, not read in ` +
      `an expression`,
    expr.span,
  );
  return broken(expr.span);
}

/** The typed node of an expression; of type none if it has no value. */
export function expression(context: Context, expr: Expr): Node {
  const node = typed(context, expr);
  const { kind } = node.type;
  if (kind !== "tuple" && kind !== "array" && kind !== "struct") return node;
  if (context.flow.measuring) return node;
  const size = storageSize(node.type);
  if (size <= MAX_VALUE) return node;
  context.error(
    "too-large",
    `This value has ${size} bytes; a value may have ${MAX_VALUE}`,
    expr.span,
  );
  return broken(expr.span);
}

/**
 * Most bytes of a tuple, an array or a structure. A map that takes a tuple of itself would grow for
 * ever.
 */
const MAX_VALUE = 1 << 18;

/** The value that a field, an index or an address is taken of: of whatever size, it is not copied. */
function whole(context: Context, expr: Expr): Node {
  const node = typed(context, expr);
  return node.type.kind === "none" ? context.value(expr) : node;
}

function literal({ value, span }: Extract<Expr, { kind: "string" }>): Node {
  return { op: "text", value, type: string(value.length + 1), span };
}

function typed(context: Context, expr: Expr): Node {
  const { span } = expr;
  context.budget.spend("checks", span);
  switch (expr.kind) {
    case "integer":
      if (expr.param === "") {
        const message = `Positional parameter $${expr.index} is empty or not provided.`;
        context.warning("no-parameter", message, span);
      }
      return constant(expr.value, literalType(expr.value), span);
    case "string":
      if (isTooLong(context, expr.value)) tellTooLong(context, expr.value, span);
      return literal(expr);
    case "bool":
      return constant(expr.value ? 1n : 0n, BOOL, span);
    case "param":
      return broken(span); // replaced before
    case "name":
      // kstack is kstack().
      return /^[ku]stack$/.test(expr.name)
        ? call(context, { kind: "call", name: expr.name, args: [], span })
        : name(context, expr.name, span);
    case "variable":
      return variableNode(context, expr);
    case "map":
      return mapRead(context, expr);
    case "field":
      if (expr.object.kind === "name" && expr.object.name === "args") {
        return argument(context, expr.field, span);
      }
      return member(context, whole(context, expr.object), expr.field, span);
    case "index":
      return element(context, whole(context, expr.object), context.value(expr.index), span);
    case "call":
      return call(context, expr);
    case "unary":
      return prefixed(context, expr);
    case "step":
      return step(context, expr);
    case "binary":
      if (expr.left.kind === "string" && expr.right.kind === "string" && expr.operator !== "+") {
        // What the script itself compares is never text of the program: of any length.
        return binary(context, expr.operator, literal(expr.left), literal(expr.right), span);
      }
      return binary(
        context,
        expr.operator,
        context.value(expr.left),
        context.value(expr.right),
        span,
      );
    case "ternary":
      return ternary(context, expr);
    case "cast":
      return casted(context, expr);
    case "type":
      context.error("no-value", "A type is no value", span);
      return broken(span);
    case "tuple": {
      const elements = expr.elements.map((one) => context.value(one.value));
      const types = elements.map(({ type }, i) => ({ name: expr.elements[i].name, type }));
      return { op: "tuple", elements, type: { kind: "tuple", elements: types }, span };
    }
    case "if":
      return ifValue(context, expr);
    case "block":
      return blockValue(context, expr.block, span);
    case "expansion":
      return context.expanding(span, () => blockValue(context, expr.block, span));
  }
}

function prefixed(context: Context, expr: Expr & { kind: "unary" }): Node {
  const { operator, operand, span } = expr;
  if (operator === "*") return dereference(context, context.value(operand), span);
  if (operator !== "&") return unary(context, operator, context.value(operand), span);
  if (operand.kind === "variable") {
    // Whoever has the address may assign.
    const local = context.variables.lookup(operand.name);
    if (local !== undefined) context.variables.markAssigned(local);
    const node = variableNode(context, operand);
    if (node.op !== "local") return broken(span);
    return { op: "address", local: node.local, type: pointer(node.type, "kernel"), span };
  }
  if (operand.kind === "map" && operand.keys.length === 0) {
    const map = context.maps.get(operand.name);
    context.maps.read(map, operand.span);
    return {
      op: "address",
      map,
      type: pointer(NONE, "kernel"),
      span,
    };
  }
  const node = whole(context, operand);
  if (node.op === "load" && node.bits === undefined) {
    const { address, offset } = node;
    const space = address.type.kind === "pointer" ? address.type.space : undefined;
    const type = pointer(node.type, space);
    if (offset === 0) return { ...address, type };
    const right = constant(BigInt(offset), UINT64, span);
    return { op: "binary", operator: "+", left: address, right, signed: false, type, span };
  }
  const message = "syntax: address-of operator (&) can only be used on a map or variable";
  context.error("address", message, { start: span.start + 1, end: span.end });
  return broken(span);
}

function step(context: Context, expr: Expr & { kind: "step" }): Node {
  const { target, span, operator, prefix } = expr;
  const by = operator === "++" ? 1 : -1;
  // What only counts up may stay unsigned.
  const byType = by > 0 ? COUNTED : INT64;
  if (target.kind === "map") {
    const key = context.key(target);
    const map = context.maps.get(target.name);
    // A pointer stays one.
    const { value } = map;
    const type = value?.kind === "pointer"
      ? value
      : value === undefined || value.kind === "integer"
      ? byType
      : "signed" in value && value.signed
      ? INT64
      : UINT64;
    context.maps.assign(map, type, span, context);
    const found = entry(context, target, key);
    if (found.op !== "map" || !isNumeric(found.type)) {
      return broken(span);
    }
    return { op: "step", target: found, by, prefix, type: found.type, span };
  }
  const node = variableNode(context, target);
  if (node.op !== "local") return node;
  if (node.type.kind !== "integer" && node.type.kind !== "pointer") {
    context.error(
      "type-mismatch",
      `Type mismatch for ${target.name}: trying to assign value of type ` +
        `'${operator === "++" ? "uint64" : "int64"}' when variable ` +
        `already has a type '${typeName(node.type)}'`,
      span,
    );
    return broken(span);
  }
  if (node.type.kind === "integer" && !context.variables.isFixed(node.local)) {
    grow(context, node.local, byType, span);
  }
  return { op: "step", target: node, by, prefix, type: node.type, span };
}

function ternary(context: Context, expr: Expr & { kind: "ternary" }): Node {
  const condition = context.condition(expr.condition, expr.span);
  // Of a literal text, the text itself is the first result.
  const isText = expr.then === undefined && expr.condition.kind === "string";
  const then = isText ? context.any(expr.condition) : expr.then && context.any(expr.then);
  const otherwise = context.any(expr.otherwise);
  return choose(context, condition, then, otherwise, expr.span);
}

/** The type of `other`, if a literal fits in: the literal has no type of its own then. */
function literalAdapted(literal: Node, other: Node): Type | undefined {
  if (!isConstant(literal) || literal.cast || isConstant(other) && !other.cast) return undefined;
  if (literal.type.kind !== "integer" || other.type.kind !== "integer") return undefined;
  const { size, signed } = other.type;
  const kept = signed
    ? BigInt.asIntN(size * 8, literal.value)
    : BigInt.asUintN(size * 8, literal.value);
  return kept === literal.value ? other.type : undefined;
}

function choose(
  context: Context,
  condition: Node,
  then: Node | undefined,
  otherwise: Node,
  span: Span,
): Node {
  const first = then ?? condition;
  if (first.type.kind === "none" && otherwise.type.kind === "none") {
    const actions = (node: Node): Action[] => node.op === "block" ? [...node.body] : [];
    return {
      op: "block",
      body: [
        {
          op: "if",
          arms: [{ condition, then: actions(first) }],
          otherwise: actions(otherwise),
          span,
        },
      ],
      value: constant(0n, UINT64, span),
      type: NONE,
      span,
    };
  }
  const type = literalAdapted(first, otherwise) ?? literalAdapted(otherwise, first) ??
    widen(first.type, otherwise.type);
  const isLiteral = (node: Node) => node.op === "text" || isConstant(node) && !node.cast;
  const isKnown = isConstant(condition) &&
    (type === undefined || isLiteral(first) && isLiteral(otherwise));
  if (isKnown) return condition.value !== 0n ? first : otherwise;
  if (type === undefined || type.kind === "none") {
    context.error(
      "type-mismatch",
      `Branches must return the same type or compatible types: have '${
        typeName(first.type)
      }' and ` +
        `'${typeName(otherwise.type)}'`,
      span,
    );
    return first;
  }
  for (const one of [first, otherwise]) warnOfCast(context, one, type);
  if (isConstant(condition)) {
    const taken = condition.value !== 0n ? first : otherwise;
    if (typeName(taken.type) === typeName(type)) return taken;
    return { op: "convert", operand: taken, type, span };
  }
  return { op: "choose", condition, then, otherwise, type, span };
}

function ifValue(context: Context, expr: IfExpr): Node {
  const condition = context.condition(expr.condition, expr.span);
  if (expr.comptime) {
    if (!isConstant(condition)) {
      context.error("comptime", "Unable to evaluate at compile time.", expr.condition.span);
      return broken(expr.span);
    }
    const taken = condition.value !== 0n ? expr.then : expr.otherwise;
    return taken === undefined
      ? { ...constant(0n, UINT64, expr.span), type: NONE }
      : blockValue(context, taken, expr.span);
  }
  const then = blockValue(context, expr.then, expr.span);
  const otherwise: Node = expr.otherwise === undefined
    ? { ...constant(0n, UINT64, expr.span), type: NONE }
    : blockValue(context, expr.otherwise, expr.span);
  return choose(context, condition, then, otherwise, expr.span);
}

function blockValue(context: Context, block: Block, span: Span): Node {
  return context.variables.scoped(() => {
    const { body, value } = context.statements(block, true);
    if (value === undefined || value.type.kind === "none") {
      if (value?.op === "block") append(body, value.body);
      return {
        op: "block",
        body,
        value: { ...constant(0n, UINT64, span), type: NONE },
        type: NONE,
        span,
      };
    }
    if (body.length === 0) return value;
    return { op: "block", body, value, type: value.type, span };
  });
}

function casted(context: Context, expr: Expr & { kind: "cast" }): Node {
  const to = context.type(expr.to);
  const operand = context.value(expr.operand);
  if (expr.to.name === "string" && expr.to.suffixes.length === 0) {
    context.error(
      "cast",
      `Cannot cast from "${typeName(operand.type)}" to "string"`,
      expr.head,
      "a size is part of the type: string[64]",
    );
    return broken(expr.head);
  }
  if (typeName(to) === typeName(operand.type) && operand.op !== "aggregate") {
    const message = `Unnecessary cast: expression is already of type ${typeName(to)}`;
    context.warning("cast", message, expr.head);
  }
  if (to.kind === "pointer" && ["string", "buffer", "tuple"].includes(operand.type.kind)) {
    return addressOfCopy(context, expr, operand, to.to);
  }
  checkVariant(context, to, operand, expr.head);
  // A cast is told by its type, without the operand.
  return cast(context, to, operand, expr.head);
}

/** The address of a copy of a value, as a cast of text to a pointer gives it. */
function addressOfCopy(context: Context, owner: Expr, value: Node, to: Type): Node {
  const { span } = owner;
  const local = context.variables.temporary(owner, value.type);
  const type = pointer(to, "kernel");
  const address: Node = { op: "address", local, type, span };
  return { op: "block", body: [{ op: "assign", local, value, span }], value: address, type, span };
}

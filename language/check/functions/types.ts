// Pure: no I/O, no FFI.
// Functions on types, and on what the command line gave.

import type { CallExpr, Expr } from "../../syntax/ast.ts";
import type { Span } from "../../syntax/diagnostics.ts";
import type { Node } from "../../model/ir.ts";
import {
  BOOL,
  findField,
  INT64,
  literalType,
  pointer,
  string,
  toldSize,
  type Type,
  typeName,
  UINT64,
} from "../../model/types.ts";
import type { Context } from "../context.ts";
import { broken, constant } from "../nodes.ts";
import { reportUnstable } from "../config.ts";
import { cast } from "../memory.ts";
import { isConstant } from "../operators.ts";
import { parseNumber } from "../params.ts";
import { type Handler, type Handlers, literalText } from "./arguments.ts";

/** A type, or the type of an expression, which is not evaluated. */
export function typeOf(context: Context, expr: Expr): Type {
  if (expr.kind === "type") return context.type(expr.type);
  if (expr.kind === "name") {
    const named = context.types.type(expr.name);
    if (named !== undefined) return named;
  }
  return context.value(expr).type;
}

function sizeOf(context: Context, call: CallExpr): Node {
  return constant(BigInt(toldSize(typeOf(context, call.args[0]))), UINT64, call.span);
}

/** offsetof(T, a.b.c) */
function offsetOf(context: Context, call: CallExpr): Node {
  const type = typeOf(context, call.args[0]);
  return constant(BigInt(memberOffset(context, type, call.args[1]) ?? 0), UINT64, call.span);
}

function memberOffset(context: Context, type: Type, path: Expr): number | undefined {
  const names = memberPath(path);
  if (names === undefined) {
    context.error("field-expected", "expected the name of a member", path.span);
    return undefined;
  }
  let at = 0;
  let current: Type = type;
  for (const name of names) {
    const field = current.kind === "struct" ? findField(current, name) : undefined;
    if (field === undefined) {
      context.error(
        "unknown-field",
        `'${typeName(current)}' has no member named '${name}'`,
        path.span,
      );
      return undefined;
    }
    at += field.offset;
    current = field.type;
  }
  return at;
}

function memberPath(expr: Expr): string[] | undefined {
  if (expr.kind === "name") return [expr.name];
  if (expr.kind !== "field") return undefined;
  const rest = memberPath(expr.object);
  return rest && [...rest, expr.field];
}

/** container_of(pointer, T, member) */
function containerOf(context: Context, call: CallExpr): Node {
  const { span } = call;
  const inner = context.value(call.args[0]);
  const type = typeOf(context, call.args[1]);
  const offset = memberOffset(context, type, call.args[2]);
  const space = inner.type.kind === "pointer" ? inner.type.space : undefined;
  if (inner.type.kind !== "pointer") {
    context.error("type-mismatch", "container_of() expects a pointer", call.args[0].span);
  }
  return {
    op: "binary",
    operator: "-",
    left: inner,
    right: constant(BigInt(offset ?? 0), UINT64, span),
    signed: false,
    type: pointer(type, space),
    span,
  };
}

function is(test: (node: Node) => boolean): Handler {
  return (context, call) => constant(test(context.value(call.args[0])) ? 1n : 0n, BOOL, call.span);
}

/** is_err(): an error number where a pointer should be. */
function isError(context: Context, call: CallExpr): Node {
  const { span } = call;
  return {
    op: "compare",
    operator: ">=",
    left: cast(context, UINT64, cast(context, INT64, context.value(call.args[0]), span), span),
    right: constant((1n << 64n) - 4095n, UINT64, span),
    signed: false,
    type: BOOL,
    span,
  };
}

function typeInfo(context: Context, call: CallExpr): Node {
  const { span } = call;
  reportUnstable(context.config.unstableTypeinfo, "typeinfo", span, context);
  const type = typeOf(context, call.args[0]);
  const text = (value: string): Node => ({
    op: "text",
    value,
    type: string(value.length + 1),
    span,
  });
  const base = type.kind === "struct" ? type.name.split(" ")[0] : type.kind;
  const elements = [constant(0n, INT64, span), text(base), text(typeName(type))];
  const names = ["btf_id", "base_type", "full_type"];
  return {
    op: "tuple",
    elements,
    type: {
      kind: "tuple",
      elements: elements.map((one, i) => ({ name: names[i], type: one.type })),
    },
    span,
  };
}

/** getopt(name[, default[, description]]) */
function getopt(context: Context, call: CallExpr): Node {
  const { span } = call;
  const name = literalText(context, call, 0);
  if (name === undefined) return broken(span);
  const fallback = call.args.length > 1 ? context.value(call.args[1]) : constant(0n, BOOL, span);
  if (fallback.op !== "constant" && fallback.op !== "text") {
    context.error("literal-expected", "getopt() expects a literal as default", call.args[1].span);
    return broken(span);
  }
  const description = call.args.length > 2 ? literalText(context, call, 2) : undefined;
  const shown = fallback.op === "text"
    ? fallback.value
    : fallback.type.kind === "bool"
    ? `${fallback.value !== 0n}`
    : `${fallback.value}`;
  context.parameters.set(name, { description, fallback: shown });
  const given = context.named.get(name);
  if (given === undefined) return fallback;
  return named(context, name, given, fallback, span);
}

function named(context: Context, name: string, given: string, fallback: Node, span: Span): Node {
  const wrong = (kind: string) => {
    context.error(
      "option",
      `program command line option --${name} invalid ${kind} (value: ${given})`,
      span,
    );
    return broken(span);
  };
  if (fallback.op === "text") {
    return { op: "text", value: given, type: string(given.length + 1), span };
  }
  if (fallback.type.kind === "bool") {
    if (/^(true|1|)$/i.test(given)) return constant(1n, BOOL, span);
    if (/^(false|0)$/i.test(given)) return constant(0n, BOOL, span);
    return wrong("bool");
  }
  const value = parseNumber(given);
  return value === undefined ? wrong("integer") : constant(value, literalType(value), span);
}

/** The functions of this file. */
export const TYPES = {
  sizeof: sizeOf,
  offsetof: offsetOf,
  typeinfo: typeInfo,
  container_of: containerOf,
  is_ptr: is(({ type }) => type.kind === "pointer"),
  is_array: is(({ type }) => type.kind === "array"),
  is_str: is(({ type }) => type.kind === "string"),
  is_integer: is(({ type }) => type.kind === "integer"),
  is_unsigned_integer: is(({ type }) => type.kind === "integer" && !type.signed),
  is_literal: is((node) => isConstant(node) || node.op === "text"),
  is_err: isError,
  getopt,
} satisfies Handlers;

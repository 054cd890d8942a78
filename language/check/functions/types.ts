// Pure: no I/O, no FFI.
// Functions on types, and on what the command line gave.

import type { CallExpr, Expr } from "../../syntax/ast.ts";
import { NOWHERE, type Span } from "../../syntax/diagnostics.ts";
import { isBuiltin } from "../../model/builtins.ts";
import type { Node } from "../../model/ir.ts";
import {
  BOOL,
  findField,
  INT64,
  integer,
  isNumeric,
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
import { isConstant } from "../operators.ts";
import { parseNumber } from "../params.ts";
import { type Handler, type Handlers, literalText } from "./arguments.ts";

/** Bytes of types that scripts cannot make values of. */
const INTERNAL_SIZES: Readonly<Record<string, number>> = {
  ...{ count_t: 8, sum_t: 8, min_t: 8, max_t: 8, avg_t: 8, stats_t: 8, timestamp: 16 },
};

/** Values that are macros of the library in bpftrace, which names of types do not expand to. */
const LIBRARY_NAMES: readonly string[] = [
  ...["uid", "gid", "username", "ncpus", "probetype", "usermode", "has_cpid", "cpid", "comm"],
  ...["pcomm", "ppid", "leader_comm", "leader_tid", "numaid", "elapsed", "jiffies", "rand"],
  ...["curtask", "cpu", "cgroup", "probe", "func"],
];

/** The type that a word names where a type or an expression may stand. */
function namedType({ types }: Context, name: string): Type | undefined {
  const bytes = INTERNAL_SIZES[name];
  if (bytes !== undefined) return { kind: "array", of: integer(1, false), count: bytes };
  const isValue = isBuiltin(name) && !LIBRARY_NAMES.includes(name);
  return types.type(name) ?? (isValue ? undefined : types.type(`struct ${name}`));
}

/** A type, or the type of an expression, which is not evaluated. */
export function typeOf(context: Context, expr: Expr): Type {
  if (expr.kind === "type") return context.type(expr.type);
  if (expr.kind === "name") {
    const named = namedType(context, expr.name);
    if (named !== undefined) return named;
    if (LIBRARY_NAMES.includes(expr.name)) {
      context.error("unknown-name", `Unknown identifier: '${expr.name}'`, expr.span);
      return UINT64;
    }
  }
  if (expr.kind === "map" && expr.keys.length === 0) {
    // The map as a whole has its values' type, with keys or without.
    const { value } = context.maps.get(expr.name);
    if (value !== undefined && value.kind !== "aggregation") return value;
  }
  return measured(context, expr).type;
}

/** The value of an expression that is only asked for its type. */
function measured(context: Context, expr: Expr): Node {
  const { flow } = context;
  const around = flow.measuring;
  flow.measuring = true;
  const node = context.value(expr);
  flow.measuring = around;
  return node;
}

/** Sizes that are told of what a script writes, where they differ from those of values. */
function toldAlone(context: Context, expr: Expr): bigint | undefined {
  if (expr.kind === "bool") return 8n;
  if (expr.kind === "map" && expr.keys.length === 0) {
    const { value, key } = context.maps.get(expr.name);
    if (value?.kind !== "aggregation") return undefined;
    return key === undefined ? 8n : BigInt(toldSize(key));
  }
  if (expr.kind !== "type" || expr.type.typeOf !== undefined) return undefined;
  const { name, suffixes } = expr.type;
  if (name === "string" && suffixes.length === 0) return 0n;
  if (!["buffer", "inet"].includes(name) || suffixes.length !== 1) return undefined;
  const count = typeof suffixes[0] === "object" ? context.value(suffixes[0]) : undefined;
  if (count === undefined || !isConstant(count)) return undefined;
  return name === "buffer" ? count.value + 12n : count.value;
}

function sizeOf(context: Context, call: CallExpr): Node {
  const known = toldAlone(context, call.args[0]);
  if (known !== undefined) return constant(known, UINT64, call.span);
  const type = typeOf(context, call.args[0]);
  // As text, an array of char has a zero behind it.
  const zero = type.kind === "string" && isMember(context, call.args[0]) ? 1 : 0;
  return constant(BigInt(toldSize(type) - zero), UINT64, call.span);
}

/** True for a member in C memory, as `a->b`; elements of tuples and records are none. */
function isMember(context: Context, expr: Expr): boolean {
  return expr.kind === "field" && measured(context, expr).op === "load";
}

/** offsetof(T, a.b.c) */
function offsetOf(context: Context, call: CallExpr): Node {
  const type = typeOf(context, call.args[0]);
  const offset = memberOffset(context, type, call.args[1], call.span) ?? 0;
  return constant(BigInt(offset), UINT64, call.span);
}

/** @param span Place of the call, for errors. */
function memberOffset(
  context: Context,
  type: Type,
  path: Expr,
  span: Span,
): number | undefined {
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
        current.kind === "struct"
          ? `'${typeName(current)}' has no field named '${name}'`
          : `'${typeName(current)}' is not a C type.`,
        span,
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
  const offset = memberOffset(context, type, call.args[2], span);
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
  const value = context.value(call.args[0]);
  if (!isNumeric(value.type)) {
    context.error("cast", `Cannot cast from "${typeName(value.type)}" to "int64"`, span);
    return constant(0n, BOOL, span);
  }
  return {
    op: "compare",
    operator: ">=",
    left: { ...value, type: UINT64 },
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
  const base = type.kind === "struct"
    ? type.name.split(" ")[0]
    : type.kind === "integer"
    ? "int"
    : type.kind;
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
  const [first] = call.args;
  if (first.kind !== "string") {
    const message = "First argument to 'getopt' must be a string literal.";
    context.error("literal-expected", message, first.span);
    return broken(span);
  }
  const name = first.value;
  const fallback = call.args.length > 1 ? context.value(call.args[1]) : constant(0n, BOOL, span);
  if (fallback.op !== "constant" && fallback.op !== "text") {
    context.error(
      "literal-expected",
      "Second argument to 'getopt' must be a string literal, integer literal, or a boolean literal.",
      call.args[1].span,
    );
    return broken(span);
  }
  const description = call.args.length > 2 ? literalText(context, call, 2) : undefined;
  const shown = fallback.op === "text"
    ? fallback.value
    : fallback.type.kind === "bool"
    ? `${fallback.value !== 0n}`
    : `${fallback.value}`;
  const earlier = context.parameters.get(name);
  if (earlier !== undefined && earlier.fallback !== shown) {
    context.error(
      "option",
      `Command line option '${name}' needs to have the same default value in all places it is ` +
        `used. Previous default value: ${earlier.fallback}`,
      span,
    );
    return broken(span);
  }
  context.parameters.set(name, {
    description: description ?? earlier?.description,
    fallback: shown,
  });
  const given = context.named.get(name);
  if (given === undefined) return fallback;
  return named(context, name, given, fallback, span);
}

function named(
  context: Context,
  name: string,
  given: string | true,
  fallback: Node,
  span: Span,
): Node {
  const wrong = (what: string, value = given) => {
    context.error(
      "option",
      `program command line option --${name} ${what} (value: ${value})`,
      NOWHERE,
    );
    return broken(span);
  };
  if (given === true) {
    if (fallback.op === "text") return wrong("expects a string");
    if (fallback.type.kind !== "bool") return wrong("expects an integer");
    return constant(1n, BOOL, span);
  }
  if (fallback.op === "text") {
    return { op: "text", value: given, type: string(given.length + 1), span };
  }
  if (fallback.type.kind === "bool") {
    if (/^(true|yes|on|1)$/i.test(given)) return constant(1n, BOOL, span);
    if (/^(false|no|off|0)$/i.test(given)) return constant(0n, BOOL, span);
    return wrong("expects a boolean (e.g. 'true')");
  }
  const value = parseNumber(given);
  return value === undefined ? wrong("invalid integer") : constant(value, literalType(value), span);
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
  is_literal: (context, call) =>
    call.args[0].kind === "map"
      ? constant(0n, BOOL, call.span)
      : is((node) => isConstant(node) || node.op === "text")(context, call),
  is_err: isError,
  getopt,
} satisfies Handlers;

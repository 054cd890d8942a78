// Pure: no I/O, no FFI.
// Checks of arguments that many functions share.

import type { CallExpr, Expr } from "../../syntax/ast.ts";
import type { Span } from "../../syntax/diagnostics.ts";
import { type FormatPart, parseFormat } from "../../syntax/printf_format.ts";
import type { TextNode } from "../../model/functions.ts";
import type { FunctionName } from "../../model/functions.ts";
import type { MapVariable, Node } from "../../model/ir.ts";
import {
  cSize,
  isNumeric,
  kindName,
  longString,
  NONE,
  pointer,
  string,
  type Type,
  typeName,
  UINT64,
} from "../../model/types.ts";
import type { Context } from "../context.ts";
import { broken, constant } from "../nodes.ts";
import { asString, isConstant } from "../operators.ts";

/** Checks a call and makes its node. */
export type Handler = (context: Context, call: CallExpr) => Node;

/** What one file of this folder has: some functions with their handlers. */
export type Handlers = Readonly<Partial<Record<FunctionName, Handler>>>;

const ORDINALS = ["first", "second", "third", "fourth"];

/**
 * An argument that must be an integer, or a pointer if the function supports one.
 *
 * @param wanted What the function supports, in its own words.
 */
export function numeric(
  context: Context,
  call: CallExpr,
  index: number,
  wanted = "only supports int arguments",
): Node {
  const expr = call.args[index];
  const node = context.value(expr);
  const { kind } = node.type;
  if (kind === "integer" || kind === "pointer" && wanted.includes("pointer")) return node;
  const message = wanted.startsWith("only")
    ? `${call.name}() ${wanted} (${kindName(node.type)} provided)`
    : `${call.name}() ${wanted}`;
  context.error("type-mismatch", message, call.span);
  return broken(expr.span);
}

/**
 * An argument that must be a number known while compiling.
 *
 * @param message What is said, at the call, if the argument is none.
 */
export function literalNumber(
  context: Context,
  call: CallExpr,
  index: number,
  message = `${call.name}(): ${ORDINALS[index]} argument must be an integer literal`,
): bigint | undefined {
  const node = context.value(call.args[index]);
  if (isConstant(node)) return node.value;
  context.error("literal-expected", message, call.span);
  return undefined;
}

/** An argument that must be a string known while compiling. */
export function literalText(context: Context, call: CallExpr, index: number): string | undefined {
  const expr = call.args[index];
  if (expr.kind === "integer" && expr.param !== undefined) return expr.param;
  const node = context.value(expr);
  if (node.op === "text") return node.value;
  context.error(
    "literal-expected",
    `${call.name}() expects a string literal (${kindName(node.type)} provided)`,
    call.span,
  );
  return undefined;
}

/** An identifier as an argument. */
export function word(expr: Expr): string | undefined {
  return expr.kind === "name" ? expr.name : undefined;
}

/** Text: a string, a char array, a pointer to characters. */
export function text(context: Context, call: CallExpr, index: number): TextNode {
  const expr = call.args[index];
  const node = context.value(expr);
  const found = asString(context, node);
  if (found !== undefined) return found;
  const { type } = node;
  if (type.kind === "pointer" && type.to.kind === "integer" && type.to.size === 1) {
    return readString(context, node, undefined, expr.span);
  }
  context.error(
    "type-mismatch",
    `${call.name}() expects a string, found '${typeName(type)}'`,
    expr.span,
  );
  return { op: "text", value: "", type: string(1), span: expr.span };
}

/** The node of `str(address, length)`. */
export function readString(
  context: Context,
  address: Node,
  length: Node | undefined,
  span: Span,
): TextNode {
  const { maxStrlen } = context.config;
  if (length === undefined || !isConstant(length)) {
    return {
      op: "memory_call",
      name: "str",
      address,
      length,
      type: longString(maxStrlen),
      span,
    };
  }
  const bytes = Math.max(0, Math.min(Number(length.value), maxStrlen));
  return {
    op: "memory_call",
    name: "str",
    address,
    length: constant(BigInt(bytes), UINT64, length.span),
    type: string(Math.max(1, Math.min(bytes + 1, maxStrlen))),
    span,
  };
}

/** A map as a whole. */
export function wholeMap(context: Context, call: CallExpr): MapVariable | undefined {
  const [first] = call.args;
  if (first.kind === "map" && first.keys.length === 0) {
    const map = context.maps.get(first.name);
    context.maps.read(map, first.span);
    return map;
  }
  context.error("map-expected", `${call.name}() expects a map argument`, first.span);
  return undefined;
}

/** Widest field that a format may ask for, in characters. */
const MAX_WIDTH = 1 << 20;

/** A format with its values, checked against each other. */
export function format(
  context: Context,
  call: CallExpr,
): { parts: FormatPart[]; values: Node[] } | undefined {
  const [first, ...rest] = call.args;
  const values = rest.map((one) => printable(context, context.value(one)));
  if (first.kind !== "string") {
    context.error(
      "literal-expected",
      `${call.name}() expects a string literal (${kindName(context.value(first).type)} provided)`,
      call.span,
    );
    return undefined;
  }
  const parts = parseFormat(first.value);
  if ("unsupported" in parts) {
    context.error("format", `unsupported format specifier: ${parts.unsupported}`, call.span);
    return undefined;
  }
  const conversions = parts.filter((part) => typeof part !== "string");
  const widest = Math.max(0, ...conversions.map(({ width }) => width));
  if (widest > MAX_WIDTH) {
    context.error("format", `a width of ${widest} is more than ${MAX_WIDTH}`, first.span);
    return undefined;
  }
  if (conversions.length !== values.length) {
    const relation = values.length < conversions.length ? "not enough" : "too many";
    context.error(
      "format",
      `${relation} arguments for format string (${values.length} supplied, ` +
        `${conversions.length} expected)`,
      call.span,
    );
    return undefined;
  }
  let ok = true;
  conversions.forEach(({ conversion }, i) => {
    const value = values[i];
    const aggregated = value.op === "aggregate" && conversion !== "s";
    const wanted = aggregated ? "integer" : wants(conversion, value.type);
    if (wanted === undefined) return;
    ok = false;
    const type = aggregated ? typeName(value.map.value!) : typeName(value.type);
    context.error(
      "format",
      `unsupported format specifier for type '${type}': ${conversion}`,
      call.span,
      `%${conversion} expects a value of type ${wanted}`,
    );
  });
  return ok ? { parts, values } : undefined;
}

/** The type that a conversion wants; undefined if the value has that type. */
function wants(conversion: string, type: Type): string | undefined {
  switch (conversion) {
    case "s":
      return undefined;
    case "r":
    case "rx":
    case "rh":
      return type.kind === "buffer" ? undefined : "buffer";
    default:
      return isNumeric(type) ? undefined : "integer";
  }
}

/** Text as C reads it: up to the first NUL. */
export function cText(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/** A value that can be sent and shown. */
export function printable(context: Context, node: Node): Node {
  if (node.op === "text" && node.type.kind === "string") {
    return { ...node, value: cText(node.value) };
  }
  if (node.type !== NONE) return node;
  context.error("no-value", "Nothing to print: the expression has no value", node.span);
  return broken(node.span);
}

/** Memory that a function reads: where it starts, how long it is if that is known. */
export function memory(node: Node): { address: Node; size?: number } | undefined {
  const { type, span } = node;
  if (type.kind === "pointer") return { address: node };
  if (type.kind === "integer") return { address: { ...node, type: pointer(NONE) } };
  if (node.op === "load" && node.bits === undefined) {
    const { address, offset } = node;
    const moved: Node = offset === 0 ? address : {
      op: "binary",
      operator: "+",
      left: address,
      right: constant(BigInt(offset), { kind: "integer", size: 8, signed: false }, span),
      signed: false,
      type: address.type,
      span,
    };
    const size = type.kind === "string"
      ? type.limit - 1
      : type.kind === "array" || type.kind === "struct"
      ? cSize(type)
      : undefined;
    return { address: moved, size };
  }
  return undefined;
}

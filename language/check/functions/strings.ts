// Pure: no I/O, no FFI.
// Functions on text and bytes.

import type { CallExpr } from "../../syntax/ast.ts";
import type { Span } from "../../syntax/diagnostics.ts";
import type { TextNode } from "../../model/functions.ts";
import type { Node } from "../../model/ir.ts";
import {
  BUFFER_HEAD,
  cSize,
  INT64,
  integer,
  isNumeric,
  kindName,
  longString,
  string,
  type Type,
  typeName,
  UINT64,
} from "../../model/types.ts";
import type { Context } from "../context.ts";
import { broken, constant } from "../nodes.ts";
import { asString, isConstant, isTooLong, tellTooLong } from "../operators.ts";
import {
  cText,
  type Handler,
  type Handlers,
  literalNumber,
  memory,
  numeric,
  readString,
  text,
} from "./arguments.ts";

/** `str(pointer[, length])`, `str($1)` */
function str(context: Context, call: CallExpr): Node {
  const [first, second] = call.args;
  const { span } = call;
  if (first.kind === "integer" && first.param !== undefined && second === undefined) {
    return literal(first.param, span);
  }
  if (first.kind === "string" && isTooLong(context, first.value)) {
    tellTooLong(context, first.value, span);
    return literal("", span);
  }
  // A number that is written in the script is text, as a parameter is.
  if (first.kind === "integer") {
    const shown = first.param ?? `${first.value}`;
    const most = second === undefined ? undefined : context.value(second);
    if (most === undefined || isConstant(most)) {
      return literal(most === undefined ? shown : shown.slice(0, Number(most.value)), span);
    }
  }
  // str($1 + 1): the rest of it.
  if (
    first.kind === "binary" && first.operator === "+" && first.right.kind === "integer" &&
    (first.left.kind === "string" ||
      (first.left.kind === "integer" && first.left.param !== undefined))
  ) {
    const whole = first.left.kind === "string" ? first.left.value : first.left.param!;
    return literal(whole.slice(Number(first.right.value)), span);
  }
  const pointer = context.value(first);
  const length = second && numeric(context, call, 1);
  if (isNegative(context, "str", length, span)) return literal("", span);
  const known = asString(context, pointer);
  if (known !== undefined) {
    if (length !== undefined && !isConstant(length)) {
      return { op: "memory_call", name: "str_limit", text: known, length, type: known.type, span };
    }
    if (known.op === "text" && length === undefined) return known;
    const { maxStrlen } = context.config;
    const limit = length === undefined ? maxStrlen : Number((length as { value: bigint }).value);
    if (known.op === "text") {
      if (limit + 1 >= known.type.limit) return known;
      return literal(known.value.slice(0, Math.max(0, limit)), span);
    }
    // The length of text that a program has made counts the NUL.
    const room = length === undefined ? limit + 1 : Math.max(1, limit);
    if (room >= known.type.limit) return known;
    const type = length === undefined ? longString(limit) : string(room);
    return { op: "convert", operand: known, type, span };
  }
  const bytes = pointer.type.kind === "array" && cSize(pointer.type.of) === 1;
  if (bytes) {
    const count = (pointer.type as Type & { kind: "array" }).count;
    return { op: "convert", operand: pointer, type: string(count + 1), span };
  }
  if (pointer.type.kind !== "integer" && pointer.type.kind !== "pointer") {
    context.error(
      "type-mismatch",
      `str() expects a string, integer or a pointer type as first argument ` +
        `(${typeName(pointer.type)} provided)`,
      span,
    );
    return literal("", span);
  }
  const { maxStrlen } = context.config;
  if (length !== undefined && isConstant(length) && length.value >= BigInt(maxStrlen)) {
    context.warning(
      "str-length",
      `length param (${length.value}) is too long and will be shortened to ${maxStrlen} bytes ` +
        "(see BPFTRACE_MAX_STRLEN)",
      span,
    );
  }
  return readString(context, pointer, length, span);
}

/** Reports a length that is known to be negative. */
function isNegative(context: Context, name: string, length: Node | undefined, span: Span): boolean {
  if (length === undefined || !isConstant(length) || length.value >= 0n) return false;
  context.error("range", `${name}() cannot use a negative length (${length.value})`, span);
  return true;
}

function literal(value: string, span: Node["span"]): TextNode {
  return { op: "text", value, type: string(value.length + 1), span };
}

/** `buf(pointer[, length])` */
function buf(context: Context, call: CallExpr): Node {
  const { span } = call;
  const value = context.value(call.args[0]);
  const found = memory(value);
  const length = call.args.length > 1 ? numeric(context, call, 1) : undefined;
  if (isNegative(context, "buf", length, span)) return broken(span);
  const { maxStrlen } = context.config;
  const own = value.type.kind === "array" || value.type.kind === "struct"
    ? cSize(value.type)
    : value.type.kind === "string"
    ? value.type.limit - 1
    : undefined;
  const isArray = value.type.kind === "array" || value.type.kind === "struct";
  const known = length === undefined
    ? isArray ? own : undefined
    : isConstant(length)
    ? Number(length.value)
    : undefined;
  if (length === undefined && known === undefined) {
    context.error(
      "arity",
      `buf() expects a length argument for non-array type ${kindName(value.type)}`,
      span,
    );
    return broken(span);
  }
  const most = Math.max(1, maxStrlen - BUFFER_HEAD);
  const limit = Math.max(0, Math.min(known ?? most, most));
  const type: Type = { kind: "buffer", limit };
  if (found === undefined) {
    if (own !== undefined) {
      return {
        op: "memory_call",
        name: "buf_memory",
        value,
        count: Math.min(own, limit),
        length: length === undefined || isConstant(length) ? undefined : length,
        type,
        span,
      };
    }
    context.error(
      "type-mismatch",
      `buf() expects an integer, a pointer or an array (${typeName(value.type)} provided)`,
      call.args[0].span,
    );
    return broken(span);
  }
  const size = known === undefined ? length! : constant(BigInt(limit), UINT64, span);
  return { op: "memory_call", name: "buf", address: found.address, size, type, span };
}

function strncmp(context: Context, call: CallExpr): Node {
  const { span } = call;
  const left = text(context, call, 0);
  const right = text(context, call, 1);
  const wanted = "Builtin strncmp requires a non-negative literal";
  const count = literalNumber(context, call, 2, wanted);
  if (count === undefined) return broken(span);
  if (count < 0n) {
    context.error("range", wanted, span);
    return broken(span);
  }
  if (left.op === "text" && right.op === "text") {
    const n = Number(count);
    const same = left.value.slice(0, n) === right.value.slice(0, n);
    return constant(same ? 0n : 1n, UINT64, span);
  }
  return { op: "call", name: "strncmp", left, right, count: Number(count), type: UINT64, span };
}

/** strstr() and strcontains(): where the second one begins in the first. */
function search(name: "strstr" | "strcontains"): Handler {
  return (context, call) => {
    const { span } = call;
    const haystack = text(context, call, 0);
    const needle = text(context, call, 1);
    const truth = name === "strcontains";
    if (haystack.op === "text" && needle.op === "text") {
      const at = haystack.value.indexOf(needle.value);
      return truth
        ? constant(at >= 0 ? 1n : 0n, { kind: "bool" }, span)
        : constant(BigInt(at), INT64, span);
    }
    const index: Node = { op: "call", name: "strstr", haystack, needle, type: INT64, span };
    if (!truth) return index;
    return {
      op: "compare",
      operator: ">=",
      left: index,
      right: constant(0n, INT64, span),
      signed: true,
      type: { kind: "bool" },
      span,
    };
  };
}

function strlen(context: Context, call: CallExpr): Node {
  const { span } = call;
  const value = text(context, call, 0);
  if (value.op === "text") return constant(BigInt(cText(value.value).length), UINT64, span);
  return { op: "call", name: "strlen", text: value, type: UINT64, span };
}

/** strcap(): bytes that the text could take. */
function strcap(context: Context, call: CallExpr): Node {
  const value = text(context, call, 0);
  return constant(BigInt(value.type.limit), UINT64, call.span);
}

function concat(context: Context, call: CallExpr): Node {
  const { span } = call;
  const left = text(context, call, 0);
  const right = text(context, call, 1);
  if (left.op === "text" && right.op === "text") return literal(left.value + right.value, span);
  const truncates = left.type.truncates || right.type.truncates;
  // A map that holds what was joined to itself must not grow for ever.
  const most = Math.max(context.config.maxStrlen + 1, left.type.limit, right.type.limit);
  const whole = left.type.limit + right.type.limit - 1;
  const type = string(Math.min(whole, most), truncates || whole > most);
  return { op: "memory_call", name: "str_concat", left, right, type, span };
}

function memcmp(context: Context, call: CallExpr): Node {
  const { span } = call;
  const count = literalNumber(context, call, 2);
  const [left, right] = [0, 1].map((i) => {
    const node = context.value(call.args[i]);
    const found = memory(node);
    if (found !== undefined && count !== undefined) {
      return {
        op: "load",
        address: found.address,
        offset: 0,
        type: { kind: "array", of: integer(1, false), count: Number(count) },
        span,
      } satisfies Node;
    }
    return node;
  });
  if (count === 0n) return constant(0n, integer(4, true), span);
  if (count === undefined || count < 1n || count > 4096n) {
    context.error("range", "memcmp() expects a length from 0 to 4096", call.args[2].span);
    return broken(span);
  }
  const type = integer(4, true);
  return { op: "call", name: "memcmp", left, right, count: Number(count), type, span };
}

/** An integer that prints as a name. */
function coded(as: "strerror" | "signal" | "syscall"): Handler {
  return (context, call) => {
    const operand = context.value(call.args[0]);
    if (!isNumeric(operand.type)) {
      const message = `Cannot cast from "${typeName(operand.type)}" to "int32"`;
      context.error("cast", message, call.span);
      return broken(call.span);
    }
    return { op: "convert", operand, type: { kind: "coded", as }, span: call.span };
  };
}

/** The functions of this file. */
export const STRINGS = {
  str,
  buf,
  strncmp,
  strstr: search("strstr"),
  strcontains: search("strcontains"),
  strlen,
  strcap,
  str_concat: concat,
  memcmp,
  strerror: coded("strerror"),
  signal_name: coded("signal"),
  syscall_name: coded("syscall"),
} satisfies Handlers;

// Pure: no I/O, no FFI.
// Functions that print, and those that end.

import type { CallExpr } from "../../syntax/ast.ts";
import { parseFormat } from "../../syntax/printf_format.ts";
import type { Action, Node } from "../../model/ir.ts";
import {
  INT64,
  isNumeric,
  kindName,
  type PointerType,
  typeName,
  UINT64,
} from "../../model/types.ts";
import type { Context } from "../context.ts";
import { constant, effect } from "../nodes.ts";
import { isConstant, unary } from "../operators.ts";
import {
  format,
  type Handler,
  type Handlers,
  literalText,
  numeric,
  printable,
  readString,
  wholeMap,
} from "./arguments.ts";

const MAX_JOIN = 16;

function formatted(kind: "printf" | "cat" | "system"): Handler {
  return (context, call) => {
    if (kind === "system") needUnsafe(context, call);
    const found = format(context, call);
    if (found === undefined) return effect(call.span);
    const { parts, values } = found;
    return effect(call.span, {
      op: "record",
      action: { kind, parts },
      values,
      control: false,
      span: call.span,
    });
  };
}

/** Functions that change the system want --unsafe. */
export function needUnsafe(context: Context, call: CallExpr): void {
  if (context.unsafe) return;
  context.error(
    "unsafe",
    `${call.name}() is an unsafe function being used in safe mode`,
    call.span,
    "use --unsafe to allow it",
  );
}

function report(kind: "errorf" | "warnf"): Handler {
  return (context, call) => {
    const found = format(context, call);
    return found === undefined
      ? effect(call.span)
      : effect(call.span, message(context, call, kind, found));
  };
}

function message(
  context: Context,
  call: CallExpr,
  kind: "errorf" | "warnf",
  { parts, values }: NonNullable<ReturnType<typeof format>>,
): Action {
  return {
    op: "record",
    action: { kind, parts, spans: [call.span, ...context.expansions] },
    values,
    control: true,
    span: call.span,
  };
}

function print(context: Context, call: CallExpr): Node {
  const { span } = call;
  const [first, ...limits] = call.args;
  const numbers = limits.map((limit) => {
    const node = context.value(limit);
    // A negative number is a large one, and means all entries.
    if (isConstant(node)) return node.value < 0n ? 0n : node.value;
    const message = `print() expects a int literal (${kindName(node.type)} provided)`;
    context.error("literal-expected", message, span);
    return 0n;
  });
  if (first.kind === "map") {
    const map = context.maps.get(first.name);
    if (first.keys.length === 0) {
      context.maps.read(map, first.span);
      const { value } = map;
      if (limits.length > 0 && value?.kind === "aggregation" && value.name === "stats") {
        context.warning(
          "ignored-limits",
          "print()'s top and div arguments are ignored when used on stats() maps.",
          span,
        );
      }
      const [top, div] = numbers;
      return effect(span, {
        op: "whole",
        kind: "print",
        map,
        top: top === undefined ? undefined : Number(top),
        div,
        span,
      });
    }
    if (limits.length === 0 && map.value?.kind === "aggregation") {
      const key = context.key(first)!;
      if (/hist$|tseries/.test(map.value.name)) {
        context.error(
          "aggregation",
          `Map type ${typeName(map.value)} cannot print the value of individual keys. You must ` +
            "print the whole map.",
          span,
        );
      }
      return effect(span, { op: "entry", map, key, span });
    }
  }
  if (limits.length > 0) {
    const message = `Non-map print() only takes 1 argument, ${limits.length + 1} found`;
    context.error("map-expected", message, span);
  }
  const value = printable(context, context.value(first));
  if (value.type.kind === "tuple" && value.type.elements.length === 0) {
    context.error("no-value", "print() cannot show an empty tuple", first.span);
  }
  return effect(span, {
    op: "record",
    action: { kind: "value" },
    values: [value],
    control: true,
    span,
  });
}

function whole(kind: "clear" | "zero"): Handler {
  return (context, call) => {
    const map = wholeMap(context, call);
    if (map === undefined) return effect(call.span);
    return effect(call.span, { op: "whole", kind, map, span: call.span });
  };
}

function exit(context: Context, call: CallExpr): Node {
  const { span } = call;
  const code = call.args.length === 0 ? undefined : numeric(context, call, 0);
  return effect(span, { op: "exit", code, span });
}

function assert(context: Context, call: CallExpr): Node {
  const { span } = call;
  const condition = context.condition(call.args[0]);
  const text = call.args.length > 1 ? literalText(context, call, 1) : "";
  const failed: Action = {
    op: "record",
    action: {
      kind: "errorf",
      parts: [`assert failed: ${text}`],
      spans: [span, ...context.expansions],
    },
    values: [],
    control: true,
    span,
  };
  return effect(span, {
    op: "if",
    arms: [{
      condition: unary(context, "!", condition, span),
      then: [failed, { op: "exit", code: constant(1n, INT64, span), span }],
    }],
    otherwise: [],
    span,
  });
}

function staticAssert(context: Context, call: CallExpr): Node {
  const condition = context.value(call.args[0]);
  const text = call.args.length > 1 ? literalText(context, call, 1) : undefined;
  if (!isConstant(condition)) {
    context.error(
      "literal-expected",
      "static_assert() expects something known while compiling",
      call.args[0].span,
    );
  } else if (condition.value === 0n) {
    context.error("static-assert", text ?? "static assertion failed", call.span);
  }
  return effect(call.span);
}

/** fail(): an error wherever it is not compiled away. */
function fail(context: Context, call: CallExpr): Node {
  const found = format(context, call);
  if (found !== undefined) {
    const values = found.values.map((node) =>
      node.op === "text" ? node.value : node.op === "constant" ? `${node.value}` : undefined
    );
    if (values.includes(undefined)) {
      context.error("literal-expected", "fail() expects literals", call.span);
    }
    let next = 0;
    const text = found.parts.map((part) => typeof part === "string" ? part : values[next++]);
    context.error("fail", text.join(""), call.span);
  }
  return effect(call.span);
}

function time(context: Context, call: CallExpr): Node {
  const text = call.args.length === 0 ? "%H:%M:%S\n" : literalText(context, call, 0) ?? "";
  return effect(call.span, {
    op: "record",
    action: { kind: "time", format: text },
    values: [],
    control: false,
    span: call.span,
  });
}

/** join(): up to 16 strings that an array of pointers leads to, ended by a null pointer. */
function join(context: Context, call: CallExpr): Node {
  const { span } = call;
  const array = context.value(call.args[0]);
  const separator = call.args.length > 1 ? literalText(context, call, 1) ?? "" : " ";
  if (array.type.kind !== "pointer" && array.type.kind !== "integer") {
    context.error(
      "type-mismatch",
      `join() expects a pointer to strings (${typeName(array.type)} provided)`,
      call.args[0].span,
    );
    return effect(span);
  }
  const space = array.type.kind === "pointer" ? array.type.space : undefined;
  const text: PointerType = {
    kind: "pointer",
    to: { kind: "integer", size: 1, signed: true },
    space,
  };
  const list: PointerType = { kind: "pointer", to: text, space };
  // The array's address is evaluated once; `at` becomes null at its end and stays so.
  const base = context.variables.temporary(call, list);
  const at = context.variables.temporary(call.args, text);
  const local = (one: typeof base): Node => ({ op: "local", local: one, type: one.type, span });
  const values = Array.from({ length: MAX_JOIN }, (_, i): Node => {
    const next: Node = { op: "load", address: local(base), offset: i * 8, type: text, span };
    const value: Node = i === 0 ? next : {
      op: "choose",
      condition: {
        op: "compare",
        operator: "!=",
        left: local(at),
        right: constant(0n, UINT64, span),
        signed: false,
        type: { kind: "bool" },
        span,
      },
      then: next,
      otherwise: constant(0n, text, span),
      type: text,
      span,
    };
    const address: Node = {
      op: "block",
      body: [{ op: "assign", local: at, value, span }],
      value: local(at),
      type: text,
      span,
    };
    return readString(
      context,
      address,
      constant(BigInt(context.config.maxStrlen), UINT64, span),
      span,
    );
  });
  return effect(
    span,
    { op: "assign", local: base, value: { ...array, type: list }, span },
    { op: "record", action: { kind: "join", separator }, values, control: false, span },
  );
}

/** debugf(): the kernel's trace_pipe. */
function debugf(context: Context, call: CallExpr): Node {
  const [first, ...rest] = call.args;
  const values = rest.map((one) => context.value(one));
  if (first.kind !== "string") {
    context.error("literal-expected", "debugf() expects a string literal as format", first.span);
    return effect(call.span);
  }
  const parts = parseFormat(first.value);
  const conversions = "unsupported" in parts
    ? []
    : parts.filter((part) => typeof part !== "string");
  const unknown = "unsupported" in parts
    ? parts.unsupported
    : conversions.find(({ conversion }) => !"duxps".includes(conversion))?.conversion;
  if (unknown !== undefined) {
    context.error("format", `debugf: Unknown format string token: ${unknown}`, first.span);
  } else if (conversions.length !== values.length) {
    context.error(
      "format",
      `debugf: ${values.length < conversions.length ? "not enough" : "too many"} arguments for ` +
        `format string (${values.length} supplied, ${conversions.length} expected)`,
      call.span,
    );
  }
  values.forEach((node, i) => {
    if (isNumeric(node.type) || node.type.kind === "string") return;
    context.error("format", `debugf: cannot print a '${typeName(node.type)}'`, rest[i].span);
  });
  context.warning(
    "debugf",
    "The debugf() builtin is not recommended for production use. For more information see " +
      "bpf_trace_printk in bpf-helpers(7).",
    call.span,
  );
  return effect(call.span, { op: "debugf", format: first.value, values, span: call.span });
}

/** The functions of this file. */
export const OUTPUT = {
  printf: formatted("printf"),
  cat: formatted("cat"),
  system: formatted("system"),
  errorf: report("errorf"),
  warnf: report("warnf"),
  debugf,
  print,
  clear: whole("clear"),
  zero: whole("zero"),
  exit,
  assert,
  static_assert: staticAssert,
  fail,
  time,
  join,
} satisfies Handlers;

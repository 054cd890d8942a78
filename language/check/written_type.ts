// Pure: no I/O, no FFI.
// Types as a script writes them.

import { basicType } from "../ctypes/parse_type.ts";
import type { Expr, TypeExpr } from "../syntax/ast.ts";
import { longString, pointer, string, type Type, UINT64, wideEnumeration } from "../model/types.ts";
import type { Context } from "./context.ts";
import { isConstant } from "./operators.ts";

const MAX_ARRAY = 1n << 16n;

/** The type that is meant: `struct x *`, `uint8[6]`, `string[64]`, `typeof($a)`. */
export function writtenType(context: Context, written: TypeExpr): Type {
  let rest = written.suffixes;
  // In brackets right after string, buffer and inet stands their size.
  const size = (): number | undefined => {
    const [first] = rest;
    if (first === "*" || rest.length === 0) return undefined;
    rest = rest.slice(1);
    return first === undefined ? undefined : arraySize(context, first);
  };
  let type = named(context, written, size);
  for (const one of rest) {
    type = one === "*"
      ? pointer(type)
      : { kind: "array", of: type, count: one === undefined ? 0 : arraySize(context, one) };
  }
  return type;
}

function named(
  context: Context,
  { name, typeOf, span }: TypeExpr,
  size: () => number | undefined,
): Type {
  if (typeOf !== undefined) return context.value(typeOf).type;
  const { maxStrlen } = context.config;
  switch (name) {
    case "string": {
      const given = size();
      return given === undefined ? longString(maxStrlen) : string(given);
    }
    case "buffer":
      return { kind: "buffer", limit: size() ?? maxStrlen };
    case "inet":
      size();
      return { kind: "special", as: "inet" };
  }
  const type = context.types.type(name) ?? basicType(name) ??
    context.types.type(`struct ${name}`);
  if (type?.kind === "integer" && name.startsWith("enum ")) return wideEnumeration(type);
  if (type !== undefined) return type;
  context.error("unknown-type", `Cannot resolve unknown type "${name}"`, span);
  return UINT64;
}

function arraySize(context: Context, expr: Expr): number {
  const node = context.value(expr);
  if (isConstant(node) && node.value >= 0n && node.value <= MAX_ARRAY) return Number(node.value);
  context.error(
    "literal-expected",
    `The size of a type must be a literal up to ${MAX_ARRAY}`,
    expr.span,
  );
  return 1;
}

// Pure: no I/O, no FFI.
// Types of variables: a declared type stays, any other grows with what is assigned.

import type { Span } from "../syntax/diagnostics.ts";
import type { Local, Node } from "../model/ir.ts";
import { isNumeric, isScalar, type Type, typeName, widen } from "../model/types.ts";
import type { Context } from "./context.ts";
import { cast, checkVariant } from "./memory.ts";
import { warnOfCast } from "./nodes.ts";
import { isConstant } from "./operators.ts";

/** Checks a value that a variable takes, widens the variable, and notes that it has a value. */
export function assigned(
  context: Context,
  local: Local,
  node: Node,
  span: Span,
): Node {
  context.variables.markAssigned(local);
  if (!context.variables.isFixed(local)) {
    grow(context, local, node.type, span);
    warnOfCast(context, node, local.type);
    return node;
  }
  const { type } = local;
  checkVariant(context, type, node, node.span);
  if (!fits(type, node)) {
    mismatch(context, local, node.type, span);
    return node;
  }
  warnOfCast(context, node, type);
  if (isScalar(type) && isNumeric(node.type)) return cast(context, type, node, span);
  const wide = widen(type, node.type);
  if (
    type.kind === "string" && node.type.kind === "string" && node.op === "text" &&
    node.type.limit > type.limit
  ) {
    mismatch(context, local, node.type, span);
    return node;
  }
  if (wide === undefined || (wide.kind !== "string" && typeName(wide) !== typeName(type))) {
    mismatch(context, local, node.type, span);
  }
  return node;
}

/** Widens a variable, so that it can hold a type. */
export function grow(context: Context, local: Local, type: Type, span: Span): void {
  const wide = widen(local.type, type);
  if (wide === undefined) mismatch(context, local, type, span);
  else local.type = wide;
}

/** True if a number is of the declared kind, and a literal in its range. */
function fits(type: Type, node: Node): boolean {
  if (!isScalar(type) || !isNumeric(node.type)) return true; // widen() knows
  if (type.kind !== node.type.kind) return false;
  if (type.kind !== "integer" || !isConstant(node)) return true;
  const bits = type.size * 8;
  const kept = type.signed ? BigInt.asIntN(bits, node.value) : BigInt.asUintN(bits, node.value);
  return kept === node.value;
}

function mismatch(context: Context, local: Local, type: Type, span: Span): void {
  context.error(
    "type-mismatch",
    `Type mismatch for ${local.name || "the result"}: trying to assign value of type ` +
      `'${typeName(type)}' when variable already has a type '${typeName(local.type)}'`,
    span,
  );
}

// Pure: no I/O, no FFI.
// Nodes that many parts of the checker make.

import type { Span } from "../syntax/diagnostics.ts";
import type { Action, MapVariable, Node } from "../model/ir.ts";
import { keepsValue, NONE, type ScalarType, type Type, typeName, UINT64 } from "../model/types.ts";
import type { Context } from "./context.ts";

/** A number that is known. */
export function constant(value: bigint, type: ScalarType, span: Span): Node {
  return { op: "constant", value, type, span };
}

/** Takes the place of an expression that has an error, so that checking can go on. */
export function broken(span: Span): Node {
  return constant(0n, UINT64, span);
}

/** Adds to the end of a list. There may be more than a call can have arguments. */
export function append<T>(list: T[], more: readonly T[]): void {
  for (const one of more) list.push(one);
}

/** Statements as an expression without a value. */
export function effect(span: Span, ...body: Action[]): Node {
  return {
    op: "block",
    body,
    value: { op: "constant", value: 0n, type: NONE, span },
    type: NONE,
    span,
  };
}

/** A node that reads an entry of a map. */
export function mapNode(map: MapVariable, key: Node | undefined, type: Type, span: Span): Node {
  return { op: "map", map, key, type, span };
}

/** Warns where a number becomes one of another type that cannot hold all its values. */
export function warnOfCast(
  context: Pick<Context, "warning">,
  node: Node,
  to: Type,
  span = node.span,
): void {
  const from = node.type;
  const isPlain = node.op === "constant" && !node.cast;
  if (isPlain || from.kind !== "integer" || to.kind !== "integer" || keepsValue(from, to)) return;
  if (from.unknown || from.enumeration !== undefined || to.enumeration !== undefined) return;
  context.warning(
    "implicit-cast",
    `Expression of type: ${typeName(from)} being cast to type: ${typeName(to)}. This may cause ` +
      "unexpected results. Use an explicit cast to suppress this warning.",
    span,
  );
}

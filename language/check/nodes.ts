// Pure: no I/O, no FFI.
// Nodes that many parts of the checker make.

import type { Span } from "../syntax/diagnostics.ts";
import type { Action, MapVariable, Node } from "../model/ir.ts";
import { NONE, type ScalarType, type Type, UINT64 } from "../model/types.ts";

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

// Pure: no I/O, no FFI.
// Assignments to maps and variables, whose types grow with what is assigned.

import type { AssignStmt, Block } from "../syntax/ast.ts";
import type { Action, Arithmetic } from "../model/ir.ts";
import type { Context } from "./context.ts";
import { entry, variableNode } from "./expressions.ts";
import { aggregation, checkArity, isAggregation } from "./functions/mod.ts";
import { append } from "./nodes.ts";
import { binary, isSignedOperation } from "./operators.ts";
import { assigned } from "./variable_types.ts";

/** Checks `target = value`, `target op= value`, and what aggregates. */
export function assign(context: Context, one: AssignStmt, out: Action[]): void {
  const { target, value, operator, span } = one;
  if (target.kind === "map" && value.kind === "block" && isAggregated(value.block)) {
    // The statements of the block, then the value of the block into the map.
    const { block } = value;
    return context.variables.scoped(() => {
      append(out, context.statements({ ...block, value: undefined }, false).body);
      assign(context, { ...one, value: block.value! }, out);
    });
  }
  if (target.kind === "map" && isAggregation(value)) {
    if (operator !== undefined) {
      context.error("aggregation", `${value.name}() can only be assigned with '='`, value.span);
    }
    if (!checkArity(context, value)) return;
    const key = context.key(target);
    const map = context.maps.get(target.name);
    const { type, value: aggregated } = aggregation(context, value);
    context.maps.assign(map, type, span, context);
    out.push({
      op: "aggregated",
      map,
      key,
      name: type.name,
      value: aggregated,
      span,
    });
    return;
  }
  if (operator !== undefined) return compound(context, one, operator as Arithmetic, out);
  const node = context.value(value);
  if (target.kind === "map") {
    const key = context.key(target);
    const map = context.maps.get(target.name);
    context.maps.assign(map, node.type, span, context);
    out.push({ op: "store", map, key, value: node, span });
    return;
  }
  const local = context.variables.lookup(target.name) ??
    context.variables.declare(target, node.type, false);
  out.push({
    op: "assign",
    local,
    value: assigned(context, local, node, span),
    span,
  });
}

/** True for a block whose value is count(), hist() or the like. */
function isAggregated({ value }: Block): boolean {
  if (value === undefined) return false;
  return isAggregation(value) || value.kind === "block" && isAggregated(value.block);
}

function compound(context: Context, one: AssignStmt, operator: Arithmetic, out: Action[]): void {
  const { target, value, span } = one;
  const right = context.value(value);
  if (target.kind === "map") {
    const key = context.key(target);
    const map = context.maps.get(target.name);
    const left = entry(context, target, key);
    const result = binary(context, operator, left, right, span);
    context.maps.assign(map, result.type, span, context);
    const signed = isSignedOperation(operator, left, right);
    // A pointer moves by elements: the operand of the result counts bytes.
    const moves = left.type.kind === "pointer" && result.op === "binary" && result.left === left;
    const operand = moves ? result.right : right;
    out.push({ op: "change", map, key, operator, value: operand, signed, span });
    return;
  }
  const left = variableNode(context, target);
  const result = binary(context, operator, left, right, span);
  const local = context.variables.lookup(target.name);
  if (local === undefined) return;
  out.push({
    op: "assign",
    local,
    value: assigned(context, local, result, span),
    span,
  });
}

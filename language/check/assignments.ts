// Pure: no I/O, no FFI.
// Assignments to maps and variables, whose types grow with what is assigned.

import type { AssignStmt, Block, Expr } from "../syntax/ast.ts";
import type { Action, Arithmetic, Node } from "../model/ir.ts";
import { type AggregationName, numberOf } from "../model/aggregations.ts";
import { INT64, isSigned, typeName, UINT64, UNKNOWN } from "../model/types.ts";
import type { Span } from "../syntax/diagnostics.ts";
import type { Context } from "./context.ts";
import { entry, variableNode } from "./expressions.ts";
import { aggregation, checkArity, isAggregation } from "./functions/mod.ts";
import { append, warnOfCast } from "./nodes.ts";
import { binary, isSignedOperation } from "./operators.ts";
import { assigned } from "./variable_types.ts";

/** Checks `target = value`, `target op= value`, and what aggregates. */
export function assign(context: Context, one: AssignStmt, out: Action[]): void {
  const { target, value, operator, span } = one;
  if (target.kind === "map" && isBlock(value) && isAggregated(value.block)) {
    // The statements of the block, then the value of the block into the map.
    const { block } = value;
    const inside = () =>
      context.variables.scoped(() => {
        append(out, context.statements({ ...block, value: undefined }, false).body);
        assign(context, { ...one, value: block.value! }, out);
      });
    return value.kind === "block" ? inside() : context.expanding(value.span, inside);
  }
  if (target.kind === "map" && isAggregation(value)) {
    if (operator !== undefined) {
      context.error("aggregation", `${value.name}() can only be assigned with '='`, value.span);
    }
    if (!checkArity(context, value)) return;
    const key = context.key(target);
    const map = context.maps.get(target.name);
    const { type, value: aggregated } = aggregation(context, value);
    context.maps.assign(map, type, value.span, context, target.span);
    out.push({
      op: "aggregated",
      map,
      key,
      name: type.name,
      value: aggregated,
      clock: type.name === "tseries" ? seriesClock(context, span) : undefined,
      span,
    });
    return;
  }
  if (reportVoid(context, value, target, span)) return;
  if (operator !== undefined) return compound(context, one, operator as Arithmetic, out);
  const node = context.value(value);
  if (target.kind === "map") {
    const key = context.key(target);
    const map = context.maps.get(target.name);
    context.maps.assign(map, node.type, span, context);
    if (map.value !== undefined && map.value.kind !== "aggregation") {
      warnOfCast(context, node, map.value);
    }
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

/** What tells tseries() the time in place of the system: a map, as tests of scripts want it. */
function seriesClock(context: Context, span: Span): Node | undefined {
  const name = context.config.seriesClock;
  if (name === undefined) return undefined;
  return entry(context, { kind: "map", name, keys: [], span }, undefined);
}

/** Functions that never have a value. */
const VOID: readonly string[] = [
  ...["print", "printf", "errorf", "warnf", "debugf", "fail", "cat", "join", "time"],
  ...["clear", "zero", "unwatch"],
];

/** Arguments of aggregations as an example may show them. */
const EXAMPLES: Readonly<Record<AggregationName, string>> = {
  count: "",
  sum: "retval",
  min: "retval",
  max: "retval",
  avg: "retval",
  stats: "arg2",
  hist: "retval",
  lhist: "rand %10, 0, 10, 1",
  tseries: "retval, 10s, 1",
};

/** Reports a value that nothing can hold: of a function without value, or all that a map aggregates. */
export function reportVoid(
  context: Context,
  value: Expr,
  target: AssignStmt["target"],
  span: Span,
): boolean {
  if (target.kind === "variable") {
    const lacking = value.kind === "call" && VOID.includes(value.name)
      ? "void"
      : unreadable(context, value);
    if (lacking === undefined) return false;
    const message = `Value '${lacking}' cannot be assigned to a scratch variable.`;
    context.error("no-value", message, span);
    context.variables.lookup(target.name) ?? context.variables.declare(target, UNKNOWN, false);
    return true;
  }
  if (value.kind === "call" && VOID.includes(value.name)) {
    context.error("no-value", "Value 'void' cannot be assigned to a map.", span);
    return true;
  }
  const type = value.kind === "map" ? context.maps.get(value.name).value : undefined;
  if (value.kind !== "map" || type?.kind !== "aggregation") return false;
  const { name } = context.maps.get(value.name);
  context.error(
    "aggregation",
    `Map value '${typeName(type)}' cannot be assigned from one map to another. The function that ` +
      `returns this type must be called directly e.g. \`${target.name} = ` +
      `${type.name}(${EXAMPLES[type.name]});\`.`,
    span,
    numberOf(type) === undefined || value.keys.length > 0
      ? undefined
      : "Add a cast to integer if you want the value of the aggregate, e.g. " +
        `\`${target.name} = (int64)${name};\`.`,
  );
  return true;
}

/** The aggregation that a map holds, if it is no number: expressions cannot read it. */
export function unreadable(context: Context, value: Expr): string | undefined {
  if (value.kind !== "map") return undefined;
  const type = context.maps.get(value.name).value;
  const held = type?.kind === "aggregation" && numberOf(type) === undefined;
  return held ? typeName(type) : undefined;
}

/** True for a block whose value is count(), hist() or the like. */
function isAggregated({ value }: Block): boolean {
  if (value === undefined) return false;
  return isAggregation(value) || isBlock(value) && isAggregated(value.block);
}

/** True for a block with a value, which also stands in the place of a macro's use. */
function isBlock(value: Expr): value is Expr & { kind: "block" | "expansion" } {
  return value.kind === "block" || value.kind === "expansion";
}

function compound(context: Context, one: AssignStmt, operator: Arithmetic, out: Action[]): void {
  const { target, value, span } = one;
  const right = context.value(value);
  const held = target.kind === "map"
    ? context.maps.get(target.name).value
    : context.variables.lookup(target.name)?.type;
  if (held !== undefined && !["integer", "pointer"].includes(held.kind)) {
    if (target.kind === "map") context.key(target);
    const given = isSigned(right.type) ? INT64 : UINT64;
    const what = target.kind === "map" ? "map" : "variable";
    context.error(
      "type-mismatch",
      `Type mismatch for ${target.name}: trying to assign value of type '${typeName(given)}' ` +
        `when ${what} already has a type '${typeName(held)}'`,
      span,
    );
    return;
  }
  if (target.kind === "map") {
    const key = context.key(target);
    const map = context.maps.get(target.name);
    const left = entry(context, target, key);
    const result = binary(context, operator, left, right, one.change ?? span);
    context.maps.assign(map, result.type, span, context);
    const signed = isSignedOperation(operator, left, right);
    // A pointer moves by elements: the operand of the result counts bytes.
    const moves = left.type.kind === "pointer" && result.op === "binary" && result.left === left;
    const operand = moves ? result.right : right;
    out.push({ op: "change", map, key, operator, value: operand, signed, span });
    return;
  }
  const left = variableNode(context, target);
  const result = binary(context, operator, left, right, one.change ?? span);
  const local = context.variables.lookup(target.name);
  if (local === undefined) return;
  out.push({
    op: "assign",
    local,
    value: assigned(context, local, result, span),
    span,
  });
}

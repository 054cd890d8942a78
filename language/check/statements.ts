// Pure: no I/O, no FFI.
// Statements: blocks, loops, choices, declarations, and expressions that stand alone.

import type { Block, Expr, IfExpr, Stmt, VariableExpr } from "../syntax/ast.ts";
import type { Span } from "../syntax/diagnostics.ts";
import type { Action, Arm, Node } from "../model/ir.ts";
import {
  INT64,
  integer,
  isNumeric,
  NONE,
  string,
  tuple,
  type Type,
  typeName,
  UINT64,
  UNKNOWN,
  widen,
} from "../model/types.ts";
import { elseIf } from "../syntax/walk.ts";
import { assign, reportVoid } from "./assignments.ts";
import type { Context } from "./context.ts";
import { aggregateValue } from "./memory.ts";
import { append, broken, mapNode } from "./nodes.ts";
import { isConstant } from "./operators.ts";
import { assigned } from "./variable_types.ts";

/** Most rounds of unroll(). */
const MAX_UNROLL = 100n;

/** Checks the statements of a block; its value becomes a statement too, unless the caller wants it. */
export function statements(
  context: Context,
  block: Block,
  wantsValue: boolean,
): { body: Action[]; value?: Node } {
  const body: Action[] = [];
  let left = false;
  const reach = (span: Span) => {
    if (left) context.warning("unreachable", "Unreachable statement.", span);
    left = false;
  };
  for (const one of block.body) {
    reach(one.span);
    statement(context, one, body);
    left ||= leaves(one);
  }
  let value: Node | undefined;
  if (block.value !== undefined) {
    reach(block.value.span);
    if (wantsValue) value = context.any(block.value);
    else statement(context, { kind: "expr", expr: block.value, span: block.value.span }, body);
  }
  return { body, value };
}

function leaves(statement: Stmt): boolean {
  if (["return", "break", "continue"].includes(statement.kind)) return true;
  return statement.kind === "expr" && statement.expr.kind === "call" &&
    statement.expr.name === "exit";
}

function statement(context: Context, one: Stmt, out: Action[]): void {
  const { span } = one;
  context.budget.spend("statements", span);
  switch (one.kind) {
    case "expr":
      return expressionStatement(
        context,
        one.expr,
        one.quiet === true,
        out,
        one.bare ? one.expr.span : span,
      );
    case "assign":
      return assign(context, one, out);
    case "let":
      return declaration(context, one, out);
    case "while": {
      context.warning(
        "deprecated",
        "While loops are deprecated and may be removed in the future.",
        span,
        "For loops support ranges (e.g. `for ($x : $start..$end) { ... }`), and can be used in " +
          "place of while. These are more easily proven to be bounded by the verifier.",
      );
      const condition = context.condition(one.condition);
      if (isConstant(condition) && condition.value === 0n) return;
      out.push({ op: "while", condition, body: loop(context, one.body), span });
      return;
    }
    case "unroll": {
      const count = context.value(one.count);
      if (!isConstant(count) || count.type.kind === "bool") {
        context.error("literal-expected", "invalid unroll value", span);
      } else if (count.value < 1n) {
        context.error("range", "unroll minimum value is 1", span);
      } else if (count.value > MAX_UNROLL) {
        context.error("range", `unroll maximum value is ${MAX_UNROLL}`, span);
      } else {
        const { body } = context.block(one.body);
        out.push({ op: "repeat", count: Number(count.value), body, span });
      }
      return;
    }
    case "for":
      return forLoop(context, one, out);
    case "break":
    case "continue":
      if (context.flow.loops === 0) {
        context.error("loop", `'${one.kind}' statement is not allowed in a probe`, span);
      }
      out.push({ op: one.kind, span });
      return;
    case "return":
      return returnStatement(context, one.value, span, out);
    case "import":
      return; // what it would bring is built in
  }
}

function loop(context: Context, block: Block): Action[] {
  context.flow.loops++;
  const { body } = context.block(block);
  context.flow.loops--;
  return body;
}

function forLoop(context: Context, one: Stmt & { kind: "for" }, out: Action[]): void {
  const { span, variable, over } = one;
  if (context.variables.lookup(variable.name) !== undefined) {
    const message = `Loop declaration shadows existing variable: ${variable.name}`;
    context.error("shadowing", message, variable.span);
  }
  context.variables.scoped(() => {
    if ("kind" in over) {
      if (over.keys.length > 0) {
        context.error("map-expected", "for loops go over whole maps", over.span);
      }
      const map = context.maps.get(over.name);
      context.maps.read(map, over.span);
      if (map.keyed === false) {
        context.error(
          "map-expected",
          `${over.name} has no explicit keys (scalar map), and cannot be used for iteration`,
          over.span,
        );
      }
      const value = map.value?.kind === "aggregation"
        ? entryNumber(context, map.name, over.span)
        : map.value;
      const local = context.variables.declare(
        variable,
        tuple([map.key ?? INT64, value ?? INT64]),
        true,
      );
      out.push({ op: "each", local, map, body: loop(context, one.body), span });
      return;
    }
    const range = { start: span.start, end: over.to.span.end };
    const from = bound(context, over.from, "start", range);
    const to = bound(context, over.to, "end", range);
    const local = context.variables.declare(variable, rangeType(from, to), true);
    out.push({ op: "range", local, from, to, body: loop(context, one.body), span });
  });
}

/** Type that the value of an aggregating map has in a loop over its entries. */
function entryNumber(context: Context, map: string, span: Span): Type {
  const node = mapNode(context.maps.get(map), undefined, UINT64, span) as Node & { op: "map" };
  const value = aggregateValue(node, span);
  if (value === undefined) {
    context.error(
      "aggregation",
      `Loop expression does not support type: ${typeName(context.maps.get(map).value!)}`,
      span,
    );
  }
  return value?.type ?? UINT64;
}

/** The type of a number between two others: the smallest that holds both. */
function rangeType(from: Node, to: Node): Type {
  const type = widen(from.type, to.type);
  return type?.kind === "integer" ? integer(type.size, type.signed) : INT64;
}

function bound(context: Context, expr: Expr, which: "start" | "end", span: Span): Node {
  const node = context.value(expr);
  if (node.type.kind === "integer") return node;
  const message = `Loop range requires an integer for the ${which} value`;
  context.error("type-mismatch", message, span);
  return broken(expr.span);
}

function returnStatement(
  context: Context,
  value: Expr | undefined,
  span: Span,
  out: Action[],
): void {
  const inside = context.flow.calls.at(-1);
  if (inside === undefined) {
    const node = value && context.value(value);
    if (node !== undefined && !isNumeric(node.type)) {
      context.error("type-mismatch", "return expects an integer in a probe", node.span);
    }
    out.push({ op: "return", value: node, span });
    return;
  }
  if (value !== undefined) {
    const node = assigned(context, inside.result, context.value(value), value.span);
    out.push({ op: "assign", local: inside.result, value: node, span });
  }
  out.push({ op: "return", span });
}

function expressionStatement(
  context: Context,
  expr: Expr,
  quiet: boolean,
  out: Action[],
  span: Span,
): void {
  if (expr.kind === "if") return ifStatement(context, expr, out);
  if (expr.kind === "block") {
    append(out, context.block(expr.block).body);
    return;
  }
  if (expr.kind === "ternary" && expr.then !== undefined) {
    // c ? f() : g()
    const condition = context.condition(expr.condition, expr.span);
    const then: Action[] = [];
    const otherwise: Action[] = [];
    expressionStatement(context, expr.then, true, then, span);
    expressionStatement(context, expr.otherwise, true, otherwise, span);
    out.push({ op: "if", arms: [{ condition, then }], otherwise, span: expr.span });
    return;
  }
  const node = context.any(expr);
  if (node.op === "block") {
    append(out, node.body);
    if (node.type === NONE) return;
    out.push({ op: "evaluate", value: node.value, span: expr.span });
  } else {
    out.push({ op: "evaluate", value: node, span: expr.span });
  }
  const wrong = node.op === "constant" && expr.kind === "call"; // reported already
  const acts = expr.kind === "step" || ["inline", "block", "delete"].includes(node.op);
  if (!quiet && !wrong && !acts) {
    context.warning("discarded", "Return value discarded.", span);
  }
}

function ifStatement(context: Context, expr: IfExpr, out: Action[]): void {
  const arms: Arm[] = [];
  let otherwise: readonly Action[] = [];
  /** A condition is always true: what follows is checked and left out. */
  let decided = false;
  for (let one: IfExpr | undefined = expr; one !== undefined;) {
    const { comptime, then }: IfExpr = one;
    const condition = context.condition(one.condition, one.span);
    const known = isConstant(condition) ? condition.value !== 0n : undefined;
    if (comptime && known === undefined) {
      context.error("comptime", "Unable to evaluate at compile time.", one.condition.span);
    }
    // What cannot run is checked all the same, unless it was asked to be left out.
    if (known !== false || !comptime) {
      const { body } = context.block(then);
      if (known === undefined && !decided) arms.push({ condition, then: body });
      if (known === true && !decided) otherwise = body;
    }
    decided ||= known === true;
    if (known === true && comptime) break;
    const rest: Block | undefined = one.otherwise;
    one = rest && elseIf(rest);
    if (one !== undefined || rest === undefined) continue;
    const { body } = context.block(rest);
    if (!decided) otherwise = body;
  }
  if (arms.length === 0) append(out, otherwise);
  else out.push({ op: "if", arms, otherwise, span: expr.span });
}

function declaration(context: Context, one: Stmt & { kind: "let" }, out: Action[]): void {
  const { variable, span } = one;
  // A text without a size is as long as what is assigned.
  const grows = one.type?.name === "string" && one.type.suffixes.length === 0;
  const type = grows ? string(1) : one.type && context.type(one.type);
  if (one.value !== undefined && reportVoid(context, one.value, variable, span)) return;
  const value = one.value && context.value(one.value);
  const head = { start: span.start, end: variable.span.end };
  checkShadowing(context, variable, head);
  const local = context.variables.declare(
    variable,
    type ?? value?.type ?? UNKNOWN,
    type !== undefined && !grows,
  );
  if (value === undefined) {
    context.variables.leaveUnassigned(local, head);
  }
  out.push({
    op: "assign",
    local,
    value: value && assigned(context, local, value, span),
    span,
  });
}

function checkShadowing(context: Context, { name }: VariableExpr, span: Span): void {
  if (context.variables.lookup(name) === undefined) return;
  context.error(
    "shadowing",
    `Variable ${name} was already declared. Variable shadowing is not allowed.`,
    span,
  );
}

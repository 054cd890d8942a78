// Pure: no I/O, no FFI.
// Rebuilds trees: children first, then the node itself is handed to a function.

import type { Block, Expr, IfExpr, MapExpr, Program, Stmt, TypeExpr, VariableExpr } from "./ast.ts";

/** Makes the replacement of a node whose children have been replaced. */
export type Replace = (expr: Expr) => Expr;

/**
 * The condition that is all of a block after `else`; undefined for another block. Scripts have
 * hundreds of `else if`, so passes go along them in a loop.
 */
export function elseIf({ body, value }: Block): IfExpr | undefined {
  return body.length === 0 && value?.kind === "if" ? value : undefined;
}

/** Rebuilds an expression. Targets of assignments pass as well and must stay variables or maps. */
export function rewriteExpr(expr: Expr, replace: Replace): Expr {
  const inner = (one: Expr) => rewriteExpr(one, replace);
  const target = (one: VariableExpr | MapExpr) => inner(one) as VariableExpr | MapExpr;
  switch (expr.kind) {
    case "map":
      return replace({ ...expr, keys: expr.keys.map(inner) });
    case "field":
      return replace({ ...expr, object: inner(expr.object) });
    case "index":
      return replace({ ...expr, object: inner(expr.object), index: inner(expr.index) });
    case "call":
      return replace({ ...expr, args: expr.args.map(inner) });
    case "unary":
      return replace({ ...expr, operand: inner(expr.operand) });
    case "step":
      return replace({ ...expr, target: target(expr.target) });
    case "binary":
      return replace({ ...expr, left: inner(expr.left), right: inner(expr.right) });
    case "ternary":
      return replace({
        ...expr,
        condition: inner(expr.condition),
        then: expr.then && inner(expr.then),
        otherwise: inner(expr.otherwise),
      });
    case "cast":
      return replace({
        ...expr,
        to: rewriteType(expr.to, replace),
        operand: inner(expr.operand),
      });
    case "type":
      return replace({ ...expr, type: rewriteType(expr.type, replace) });
    case "tuple":
      return replace({
        ...expr,
        elements: expr.elements.map(({ name, value }) => ({ name, value: inner(value) })),
      });
    case "if":
      return rewriteIf(expr, replace);
    case "block":
    case "expansion":
      return replace({ ...expr, block: rewriteBlock(expr.block, replace) });
    default:
      return replace(expr);
  }
}

/** Rebuilds a condition with all its `else if`. */
function rewriteIf(first: IfExpr, replace: Replace): Expr {
  const arms: IfExpr[] = [];
  let last: Block | undefined;
  for (let one: IfExpr | undefined = first; one !== undefined;) {
    const { condition, then, otherwise }: IfExpr = one;
    arms.push({
      ...one,
      condition: rewriteExpr(condition, replace),
      then: rewriteBlock(then, replace),
    });
    one = otherwise && elseIf(otherwise);
    if (one === undefined) last = otherwise && rewriteBlock(otherwise, replace);
  }
  for (let i = arms.length - 1; i > 0; i--) {
    const value = replace({ ...arms[i], otherwise: last });
    last = { ...arms[i - 1].otherwise!, value };
  }
  return replace({ ...arms[0], otherwise: last });
}

function rewriteType(type: TypeExpr, replace: Replace): TypeExpr {
  return {
    ...type,
    typeOf: type.typeOf && rewriteExpr(type.typeOf, replace),
    suffixes: type.suffixes.map((one) =>
      one === "*" || one === undefined ? one : rewriteExpr(one, replace)
    ),
  };
}

/** Rebuilds a block with changed expressions. */
export function rewriteBlock(block: Block, replace: Replace): Block {
  return {
    ...block,
    body: block.body.map((one) => rewriteStmt(one, replace)),
    value: block.value && rewriteExpr(block.value, replace),
  };
}

function rewriteStmt(stmt: Stmt, replace: Replace): Stmt {
  const inner = (one: Expr) => rewriteExpr(one, replace);
  const body = (one: Block) => rewriteBlock(one, replace);
  switch (stmt.kind) {
    case "expr":
      return { ...stmt, expr: inner(stmt.expr) };
    case "assign":
      return {
        ...stmt,
        target: inner(stmt.target) as VariableExpr | MapExpr,
        value: inner(stmt.value),
      };
    case "let":
      return {
        ...stmt,
        variable: inner(stmt.variable) as VariableExpr,
        type: stmt.type && rewriteType(stmt.type, replace),
        value: stmt.value && inner(stmt.value),
      };
    case "while":
      return { ...stmt, condition: inner(stmt.condition), body: body(stmt.body) };
    case "unroll":
      return { ...stmt, count: inner(stmt.count), body: body(stmt.body) };
    case "for": {
      const { over } = stmt;
      return {
        ...stmt,
        variable: inner(stmt.variable) as VariableExpr,
        over: "kind" in over
          ? inner(over) as MapExpr
          : { from: inner(over.from), to: inner(over.to) },
        body: body(stmt.body),
      };
    }
    case "return":
      return { ...stmt, value: stmt.value && inner(stmt.value) };
    default:
      return stmt;
  }
}

/** Calls `see` for every expression of a block. */
export function visitBlock(block: Block, see: (expr: Expr) => void): void {
  rewriteBlock(block, (expr) => {
    see(expr);
    return expr;
  });
}

/** Calls `see` for an expression and all inside it. */
export function visitExpr(expr: Expr, see: (expr: Expr) => void): void {
  rewriteExpr(expr, (one) => {
    see(one);
    return one;
  });
}

/** A program in which `change` has replaced every outermost expression. */
export function mapProgram(program: Program, change: (expr: Expr) => Expr): Program {
  const block = (one: Block) => {
    const wrapped = change({ kind: "block", block: one, span: one.span });
    return (wrapped as Expr & { kind: "block" }).block;
  };
  return {
    ...program,
    maps: program.maps.map((one) => ({ ...one, entries: change(one.entries) })),
    macros: program.macros.map((one) => ({ ...one, body: block(one.body) })),
    functions: program.functions.map((one) => ({ ...one, body: block(one.body) })),
    clauses: program.clauses.map((one) => ({
      ...one,
      predicate: one.predicate && change(one.predicate),
      body: block(one.body),
    })),
  };
}

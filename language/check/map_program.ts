// Pure: no I/O, no FFI.
// Applies a change of expressions to a whole program.

import type { Block, Expr, Program } from "../syntax/ast.ts";

/** A program in which every outermost expression was replaced. */
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

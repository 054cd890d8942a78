// Pure: no I/O, no FFI.
// #define in scripts: a macro without parameters is an expression of the language, not text. Builtins
// of the language go before macros.

import { ARGUMENT_NAME, isBuiltin } from "../model/builtins.ts";
import type { Expr } from "../syntax/ast.ts";
import { type Diagnostics, ScriptError, type Source, type Span } from "../syntax/diagnostics.ts";
import { parseExpression } from "../syntax/parser.ts";
import { rewriteExpr } from "../syntax/walk.ts";
import type { Definitions, ScriptMacro } from "./definitions.ts";

/** Macros that are expanded inside each other. */
const MAX_DEPTH = 200;

function isReserved(name: string): boolean {
  return isBuiltin(name) || ARGUMENT_NAME.test(name);
}

/**
 * Makes the function that replaces names of macros in an expression.
 *
 * @param definitions Where the macros are.
 * @param source Gets the text of each macro as a file of its own, so that errors have a place.
 */
export function cMacroExpansion(
  definitions: Definitions,
  source: Source,
  diagnostics: Diagnostics,
): (expr: Expr, hidden: ReadonlySet<string>) => Expr {
  const parsed = new Map<string, Expr | undefined>();
  const body = (name: string, use: Span): Expr | undefined => {
    if (parsed.has(name)) return parsed.get(name);
    const macro = definitions.macro(name);
    const expr = macro && read(name, macro, source, use, diagnostics);
    parsed.set(name, expr);
    return expr;
  };
  const expand = (
    expr: Expr,
    hidden: ReadonlySet<string>,
    busy: readonly (Expr & { kind: "name" })[],
  ): Expr =>
    rewriteExpr(expr, (one) => {
      if (busy.length > 0) source.budget.spend("macros", busy[0].span);
      if (one.kind !== "name" || isReserved(one.name)) return one;
      if (hidden.has(one.name) || busy.some(({ name }) => name === one.name)) return one;
      if (busy.length >= MAX_DEPTH) {
        diagnostics.error(
          "definitions",
          `macros use each other more than ${MAX_DEPTH} deep: '${one.name}'`,
          busy[0].span,
        );
        return { kind: "integer", value: 0n, span: one.span };
      }
      const found = body(one.name, one.span);
      return found === undefined ? one : expand(found, hidden, [...busy, one]);
    });
  return (expr, hidden) => expand(expr, hidden, []);
}

/** The body of a macro as an expression; undefined if the body has been reported as none. */
function read(
  name: string,
  { text, value }: ScriptMacro,
  source: Source,
  use: Span,
  diagnostics: Diagnostics,
): Expr | undefined {
  if (value !== undefined) return { kind: "integer", value, span: use };
  try {
    return parseExpression(source.append(name, text));
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    diagnostics.error("definitions", `unable to expand macro as an expression: ${text}`, use);
    return { kind: "integer", value: 0n, span: use };
  }
}

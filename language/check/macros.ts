// Pure: no I/O, no FFI.
// Macros to what they stand for. Their own variables get names that no script can write, so that they
// never meet the caller's.

import type { Expr, Macro, Program } from "../syntax/ast.ts";
import type { Diagnostics } from "../syntax/diagnostics.ts";
import { rewriteBlock, rewriteExpr } from "../syntax/walk.ts";
import { mapProgram } from "./map_program.ts";

const MAX_DEPTH = 50;
/** Expressions that all expansions of a script may have together. */
const MAX_SIZE = 100_000;

/** The kind of a parameter, or what an argument can be passed as. */
function sigil(param: string): "$" | "@" | "" {
  return param[0] === "$" || param[0] === "@" ? param[0] : "";
}

function accepts(param: string, arg: Expr): boolean {
  switch (sigil(param)) {
    case "$":
      return arg.kind === "variable";
    case "@":
      return arg.kind === "map" && arg.keys.length === 0;
    default:
      return true;
  }
}

/** A program without macros. */
export function expandMacros(program: Program, diagnostics: Diagnostics): Program {
  if (program.macros.length === 0) return program;
  const byName = Map.groupBy(program.macros, ({ name }) => name);
  for (const [name, macros] of byName) checkDefinitions(name, macros, diagnostics);
  let uses = 0;
  let size = 0;
  let depth = 0;
  const replace = (expr: Expr): Expr => {
    if (expr.kind !== "call" && expr.kind !== "name") return expr;
    const macros = byName.get(expr.name);
    if (macros === undefined) return expr;
    const args = expr.kind === "call" ? expr.args : [];
    const sameCount = macros.filter(({ params }) => params.length === args.length);
    if (sameCount.length === 0) {
      if (expr.kind === "name") return expr;
      const counts = [...new Set(macros.map(({ params }) => params.length))].join(" or ");
      diagnostics.error(
        "macro",
        `Call to macro '${expr.name}' has the wrong number of arguments. Expected: ${counts} but ` +
          `got ${args.length}.`,
        expr.span,
      );
      return nothing(expr);
    }
    // The most specific one: sigils say more than any expression does.
    const fitting = sameCount.filter(({ params }) =>
      params.every((param, i) => accepts(param, args[i]))
    ).sort((a, b) => specific(b) - specific(a));
    if (fitting.length === 0) {
      const wanted = sameCount.map(({ params }) => `${expr.name}(${params.join(", ")})`).join(", ");
      diagnostics.error(
        "macro",
        `Call to macro '${expr.name}' has arguments of other kinds than it wants: ${wanted}`,
        expr.span,
      );
      return nothing(expr);
    }
    if (depth >= MAX_DEPTH || size > MAX_SIZE) {
      diagnostics.error(
        "macro-recursion",
        `Recursive macro call detected: '${expr.name}'`,
        expr.span,
      );
      return nothing(expr);
    }
    depth++;
    const result = instantiate(fitting[0], args, ++uses, expr);
    depth--;
    return result;
  };
  const instantiate = (macro: Macro, args: readonly Expr[], use: number, at: Expr): Expr => {
    const byParam = new Map(macro.params.map((param, i) => [param, args[i]]));
    const substitute = (expr: Expr): Expr => {
      size++;
      if (expr.kind === "variable") {
        return byParam.get(expr.name) ?? { ...expr, name: `${expr.name}#${use}` };
      }
      if (expr.kind === "map") {
        const arg = byParam.get(expr.name) as Expr & { kind: "map" } | undefined;
        return arg === undefined ? expr : { ...arg, keys: expr.keys, span: expr.span };
      }
      if (expr.kind === "name") return byParam.get(expr.name) ?? expr;
      return expr;
    };
    // Two steps: arguments are expanded already, in the caller's names.
    const body = rewriteBlock(macro.body, substitute);
    const block = rewriteBlock(body, replace);
    return { kind: "expansion", name: macro.name, block, span: at.span };
  };
  const expanded = mapProgram({ ...program, macros: [] }, (expr) => rewriteExpr(expr, replace));
  return expanded;
}

/** In place of a call that was reported. */
function nothing({ span }: Expr): Expr {
  return { kind: "integer", value: 0n, span };
}

function specific(macro: Macro): number {
  return macro.params.filter((param) => sigil(param) !== "").length;
}

function checkDefinitions(name: string, macros: readonly Macro[], diagnostics: Diagnostics): void {
  const signatures = new Set<string>();
  for (const macro of macros) {
    const signature = macro.params.map(sigil).join(",") + macro.params.length;
    if (signatures.has(signature)) {
      diagnostics.error("macro", `Redefinition of macro: ${name}`, macro.span);
    }
    signatures.add(signature);
    if (new Set(macro.params).size !== macro.params.length) {
      diagnostics.error("macro", `Macro ${name} has two parameters of one name`, macro.span);
    }
  }
}

// Pure: no I/O, no FFI.
// Replaces uses of macros by their bodies. The variables of a macro get names that no script can write,
// so that they are never mistaken for variables of the caller.

import type { Expr, Macro, Program } from "../syntax/ast.ts";
import { Budget, type Diagnostics } from "../syntax/diagnostics.ts";
import { mapProgram, rewriteBlock, rewriteExpr } from "../syntax/walk.ts";

/** Most macros that use each other. */
const MAX_DEPTH = 200;

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
export function expandMacros(
  program: Program,
  diagnostics: Diagnostics,
  budget: Budget = new Budget(),
): Program {
  if (program.macros.length === 0) return program;
  const byName = Map.groupBy(program.macros, ({ name }) => name);
  for (const [name, macros] of byName) checkDefinitions(name, macros, diagnostics);
  const expander = new Expander(byName, diagnostics, budget);
  return mapProgram({ ...program, macros: [] }, (expr) => rewriteExpr(expr, expander.replace));
}

/** Something that may be the use of a macro: a call, or a name without arguments. */
type Use = Expr & { kind: "call" | "name" };

/** Replaces uses of macros, and counts what comes of them. */
class Expander {
  readonly #byName: ReadonlyMap<string, readonly Macro[]>;
  readonly #diagnostics: Diagnostics;
  /** Uses so far: each has variables of its own. */
  #uses = 0;
  /** Macros around the expression at hand. */
  readonly #around: Macro[] = [];
  readonly #budget: Budget;

  constructor(
    byName: ReadonlyMap<string, readonly Macro[]>,
    diagnostics: Diagnostics,
    budget: Budget,
  ) {
    this.#byName = byName;
    this.#budget = budget;
    this.#diagnostics = diagnostics;
  }

  /** What stands in the place of an expression; the expression itself if it uses no macro. */
  readonly replace = (expr: Expr): Expr => {
    if (expr.kind !== "call" && expr.kind !== "name") return expr;
    const macros = this.#byName.get(expr.name);
    if (macros === undefined) return expr;
    const args = expr.kind === "call" ? expr.args : [];
    const sameCount = macros.filter(({ params }) => params.length === args.length);
    // A name may be something else's, where the macro takes arguments.
    if (sameCount.length === 0 && expr.kind === "name") return expr;
    const macro = this.#choose(expr, args, macros, sameCount);
    if (macro === undefined || this.#isEndless(macro, expr)) return nothing(expr);
    this.#around.push(macro);
    const result = this.#instantiate(macro, args, expr);
    this.#around.pop();
    return result;
  };

  /** The macro that fits the arguments best; undefined, with an error, if none does. */
  #choose(
    use: Use,
    args: readonly Expr[],
    macros: readonly Macro[],
    sameCount: readonly Macro[],
  ): Macro | undefined {
    if (sameCount.length === 0) {
      const counts = [...new Set(macros.map(({ params }) => params.length))].join(" or ");
      this.#diagnostics.error(
        "macro",
        `Call to macro '${use.name}' has the wrong number of arguments. Expected: ${counts} but ` +
          `got ${args.length}.`,
        use.span,
      );
      return undefined;
    }
    // The most specific macro: sigils say more than any expression does.
    const [best] = sameCount.filter(({ params }) =>
      params.every((param, i) => accepts(param, args[i]))
    ).sort((a, b) => specific(b) - specific(a));
    if (best === undefined) {
      const wanted = sameCount.map(({ params }) => `${use.name}(${params.join(", ")})`).join(", ");
      this.#diagnostics.error(
        "macro",
        `Call to macro '${use.name}' has arguments of other kinds than it wants: ${wanted}`,
        use.span,
      );
    }
    return best;
  }

  /** Reports expansions that would never end, or are too deep. */
  #isEndless(macro: Macro, use: Use): boolean {
    const recursive = this.#around.includes(macro);
    if (!recursive && this.#around.length < MAX_DEPTH) return false;
    this.#diagnostics.error(
      "macro-recursion",
      recursive
        ? `Recursive macro call detected: '${use.name}'`
        : `macros use each other more than ${MAX_DEPTH} deep: '${use.name}'`,
      use.span,
    );
    return true;
  }

  /** The body of a macro with its arguments, and with variables that no script can name. */
  #instantiate(macro: Macro, args: readonly Expr[], { span }: Use): Expr {
    const use = ++this.#uses;
    const byParam = new Map(macro.params.map((param, i) => [param, args[i]]));
    const substitute = (expr: Expr): Expr => {
      this.#budget.spend("macros", span);
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
    const block = rewriteBlock(body, this.replace);
    return { kind: "expansion", name: macro.name, block, span };
  }
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

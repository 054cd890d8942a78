// Pure: no I/O, no FFI.
// Replaces uses of macros by their bodies. The variables of a macro get names that no script can write,
// so that they are never mistaken for variables of the caller.

import type { Block, Expr, Macro, Program, Stmt } from "../syntax/ast.ts";
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

/** Values that keep their name where a macro has the same one; the macro is used with parentheses. */
const ALWAYS_BUILTIN = /^(pid|tid|nsecs|kstack|ustack|args|ctx|arg\d+)$/;

/** Something that may be the use of a macro: a call, or a name without arguments. */
type Use = Expr & { kind: "call" | "name" };

/** Replaces uses of macros, and counts what comes of them. */
class Expander {
  readonly #byName: ReadonlyMap<string, readonly Macro[]>;
  readonly #diagnostics: Diagnostics;
  /** Uses so far: each has variables of its own. */
  #uses = 0;
  /** Macros around the expression at hand, outermost first. */
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
    if (expr.kind === "name" && ALWAYS_BUILTIN.test(expr.name)) return expr;
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
      this.#tellNone(use, macros);
      return undefined;
    }
    // The most specific macro: sigils say more than any expression does.
    const [best] = sameCount.filter(({ params }) =>
      params.every((param, i) => accepts(param, args[i]))
    ).sort((a, b) => specific(b) - specific(a));
    if (best === undefined) this.#tellNone(use, macros);
    return best;
  }

  /** Reports a use that no definition fits, and what there is. */
  #tellNone({ name, span }: Use, macros: readonly Macro[]): void {
    const wanted = macros.map(({ params }) => `${name}(${params.join(", ")})`).join(", ");
    this.#diagnostics.error(
      "macro",
      `Call to ${name}() has arguments that do not match any definition.`,
      span,
      `defined: ${wanted}`,
    );
  }

  /** Reports expansions that would never end, or are too deep. */
  #isEndless(macro: Macro, use: Use): boolean {
    const from = this.#around.indexOf(macro);
    if (from < 0 && this.#around.length < MAX_DEPTH) return false;
    const chain = [...this.#around.slice(from).map(({ name }) => name), use.name].join(" > ");
    this.#diagnostics.error(
      "macro-recursion",
      from >= 0
        ? `Recursive macro call detected. Call chain: ${chain}`
        : `macros use each other more than ${MAX_DEPTH} deep: '${use.name}'`,
      use.span,
    );
    return true;
  }

  /** Variables that a macro makes. Reports what no macro may hold. */
  #ownNames({ body }: Macro): ReadonlySet<string> {
    const own = new Set<string>();
    visitStatements(body, (one) => {
      if (one.kind === "assign" && one.target.kind === "variable") own.add(one.target.name);
      if (one.kind === "let" || one.kind === "for") own.add(one.variable.name);
      if (one.kind === "return") {
        const message = "'return' statement is not allowed in a macro";
        this.#diagnostics.error("macro", message, one.span);
      }
    });
    return own;
  }

  /** The body of a macro with its arguments, and with variables that no script can name. */
  #instantiate(macro: Macro, args: readonly Expr[], { span }: Use): Expr {
    const use = ++this.#uses;
    const byParam = new Map(macro.params.map((param, i) => [param, args[i]]));
    const own = this.#ownNames(macro);
    const substitute = (expr: Expr): Expr => {
      this.#budget.spend("macros", span);
      if (expr.kind === "variable") {
        const arg = byParam.get(expr.name);
        // What the macro only reads is the caller's.
        return arg ?? (own.has(expr.name) ? { ...expr, name: `${expr.name}#${use}` } : expr);
      }
      if (expr.kind === "map") {
        const arg = byParam.get(expr.name) as Expr & { kind: "map" } | undefined;
        if (arg !== undefined) return { ...arg, keys: expr.keys, span: expr.span };
        this.#diagnostics.error(
          "macro",
          `Unhygienic access to map: ${expr.name}. Maps must be passed into the macro as arguments.`,
          expr.span,
        );
        return expr;
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

/** Calls back for every statement of a block, also of those inside. */
function visitStatements(block: Block, see: (statement: Stmt) => void): void {
  const expression = (expr: Expr): void => {
    if (expr.kind === "block") visitStatements(expr.block, see);
    if (expr.kind === "if") {
      visitStatements(expr.then, see);
      if (expr.otherwise !== undefined) visitStatements(expr.otherwise, see);
    }
  };
  for (const one of block.body) {
    see(one);
    if (one.kind === "while" || one.kind === "for" || one.kind === "unroll") {
      visitStatements(one.body, see);
    } else if (one.kind === "expr") expression(one.expr);
  }
  if (block.value !== undefined) expression(block.value);
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
      diagnostics.error("macro", `Redefinition of macro: ${name}`, macro.head);
    }
    signatures.add(signature);
  }
}

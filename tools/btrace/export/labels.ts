// Pure: no I/O, no FFI.
// Names of labels: what the script writes between the brackets of a map.

import type { Expr, Program } from "../../../language/syntax/ast.ts";
import { mapProgram, visitExpr } from "../../../language/syntax/walk.ts";

/** Names of the keys of each map, as far as the script names them. */
export function labelNames(program: Program): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  mapProgram(program, (expr) => {
    visitExpr(expr, (one) => {
      if (one.kind !== "map" || one.keys.length === 0 || found.has(one.name)) return;
      found.set(one.name, distinct(one.keys.map((key, i) => nameOf(key) ?? `key${i + 1}`)));
    });
    return expr;
  });
  return found;
}

/** The name that an expression gives: `comm`, `args.rwbs`, `str(args.name)`; undefined for others. */
function nameOf(expr: Expr): string | undefined {
  switch (expr.kind) {
    case "name":
      return valid(expr.name);
    case "variable":
      return valid(expr.name.replace(/^\$/, ""));
    case "field":
      return valid(expr.field);
    case "cast":
      return nameOf(expr.operand);
    case "call":
      return expr.args.length > 0 ? nameOf(expr.args[0]) ?? valid(expr.name) : valid(expr.name);
    default:
      return undefined;
  }
}

/** Names that begin with two underscores belong to Prometheus. */
function valid(name: string): string | undefined {
  return /^[a-zA-Z]\w*$/.test(name) && name !== "le" ? name : undefined;
}

/** Names of which each stands once: a second `pid` is `pid_2`. */
function distinct(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}_${count}`;
  });
}

// Pure: no I/O, no FFI.
// Positional parameters: $1, $2, … and $#, by what the command line gave.

import type { Expr, Program } from "../syntax/ast.ts";
import { parseInteger } from "../syntax/integer.ts";
import { mapProgram, rewriteExpr } from "../syntax/walk.ts";

/** A number as the command line may give one: as scripts write numbers, with a sign. */
export function parseNumber(text: string): bigint | undefined {
  const [, sign, digits] = /^(-?)(.*)$/s.exec(text)!;
  const value = parseInteger(digits);
  if (value === undefined || value >= 1n << 64n) return undefined;
  return sign === "" ? value : -value;
}

/** A program without parameters. Missing ones are 0 and "". */
export function substituteParams(program: Program, params: readonly string[]): Program {
  // As text a parameter is its bytes, like every string of a script.
  const texts: string[] = [];
  const textOf = (index: number, text: string) =>
    texts[index] ??= Array.from(
      new TextEncoder().encode(text),
      (byte) => String.fromCharCode(byte),
    ).join("");
  const replace = (expr: Expr): Expr => {
    if (expr.kind !== "param") return expr;
    const { span, index } = expr;
    if (index === 0) return { kind: "integer", value: BigInt(params.length), span };
    const text = params[index - 1] ?? "";
    const value = text === "" ? 0n : parseNumber(text);
    const bytes = textOf(index, text);
    return value === undefined
      ? { kind: "string", value: bytes, span }
      : { kind: "integer", value, param: bytes, index, span };
  };
  return mapProgram(program, (expr) => rewriteExpr(expr, replace));
}

/** The text of an attach point with its parameters filled in. */
export function substituteInText(text: string, params: readonly string[]): string {
  return text.replace(
    /\$(\d+|#)/g,
    (_, index) => index === "#" ? `${params.length}` : params[Number(index) - 1] ?? "",
  );
}

// Pure: no I/O, no FFI.
// Values that a program puts into a script. In the text stands "${1}", "${2}", …; the lexer makes one
// token of each, and the parser the literal that has the value. What a value says is never read as a
// part of the script.

import type { Expr } from "./ast.ts";
import type { Span } from "./diagnostics.ts";

/** A value that a program puts into a script. A number must be a safe integer; text has no NUL. */
export type ScriptValue = string | number | bigint | boolean;

/** The text that stands for a value in a script, by its number from 1. */
export function placeholder(index: number): string {
  return `\${${index}}`;
}

/** Matches what {@linkcode placeholder} gives. */
export const PLACEHOLDER = /\$\{(\d+)\}/y;

/**
 * Refuses what no script could mean.
 *
 * @throws {TypeError} The value is no text, integer or boolean, or text that is not Unicode.
 * @throws {RangeError} A number that is no safe integer, or beyond 64 bits; text with a NUL.
 */
export function checkValue(value: unknown, index: number): asserts value is ScriptValue {
  const refuse = (made: ErrorConstructor, reason: string) => {
    throw new made(`Cannot put value ${index} into the script: ${reason}`);
  };
  switch (typeof value) {
    case "boolean":
      return;
    case "number":
      if (Number.isSafeInteger(value)) return;
      return refuse(RangeError, `${value} is no safe integer; a bigint may have 64 bits`);
    case "bigint":
      if (value >= -(1n << 63n) && value < 1n << 64n) return;
      return refuse(RangeError, `${value} has more than 64 bits`);
    case "string":
      if (value.includes("\0")) return refuse(RangeError, "text in the kernel ends at a NUL");
      if (!value.isWellFormed()) return refuse(TypeError, "its text has half a character");
      return;
    default:
      return refuse(TypeError, `${typeof value} is no text, integer or boolean`);
  }
}

/** The literal that has a value. */
export function literalOf(value: ScriptValue, span: Span): Expr {
  switch (typeof value) {
    case "boolean":
      return { kind: "bool", value, span };
    case "string": {
      const bytes = new TextEncoder().encode(value);
      return {
        kind: "string",
        value: Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""),
        span,
      };
    }
    default:
      return { kind: "integer", value: BigInt(value), span };
  }
}

/** Characters that mean something in a name of a probe, or that no name has. */
// deno-lint-ignore no-control-regex
const SPECIAL = /[:*?[\]\x00-\x1f]/;

/**
 * An attach point with values as parts of names: each is quoted, so that it cannot end its part.
 *
 * @param value Looks a value up by its number.
 * @param refuse Called for a value with a character that would mean something.
 */
export function withValues(
  text: string,
  value: (index: number) => ScriptValue,
  refuse: (message: string) => void,
): string {
  return text.replace(new RegExp(PLACEHOLDER.source, "g"), (_, index) => {
    const part = `${value(Number(index))}`;
    const special = SPECIAL.exec(part)?.[0];
    if (special !== undefined) {
      refuse(
        `a value in a probe's name has ${JSON.stringify(special)}: it would be more than a name`,
      );
    }
    return /^[\w./+-]+$/.test(part) ? part : `"${part.replace(/["\\]/g, "\\$&")}"`;
  });
}

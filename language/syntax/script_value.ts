// Pure: no I/O, no FFI.
// Values that a program puts into a script. In the text stands "${1}", "${2}", …; the lexer makes one
// token of each, and the parser the literal that has the value. What a value says is never read as a
// part of the script.

import type { Expr } from "./ast.ts";
import type { Span } from "./diagnostics.ts";
import { PLACEHOLDER, type Token } from "./token.ts";

/** A value that a program puts into a script. A number must be a safe integer; text has no NUL. */
export type ScriptValue = string | number | bigint | boolean;

/** Characters that mean something in a name of a probe, or that no name has. */
// deno-lint-ignore no-control-regex
const SPECIAL = /[:*?[\]\x00-\x1f]/;

/** The values of one script, and the text with their places. */
export class ScriptValues {
  /** Text of the script, with a place for each value. */
  readonly text: string;
  readonly #values: readonly ScriptValue[];
  /** Where each value stands in the text. */
  readonly #places: readonly Span[];
  readonly #used = new Set<number>();

  /**
   * Puts values between the parts of a script.
   *
   * @param parts Text before, between and behind the values: one more than there are values.
   * @throws {TypeError} A value is no text, integer or boolean, or text that is not Unicode.
   * @throws {RangeError} A number that is no safe integer, or beyond 64 bits; text with a NUL.
   */
  constructor(parts: readonly string[], values: readonly unknown[]) {
    const places: Span[] = [];
    let text = parts[0];
    this.#values = values.map((value, i) => {
      check(value, i + 1);
      const start = text.length;
      text += `\${${i + 1}}`;
      places.push({ start, end: text.length });
      text += parts[i + 1];
      return value;
    });
    this.text = text;
    this.#places = places;
  }

  /** The literal that stands for the token of a place. */
  literal({ text, span }: Token): Expr {
    const value = this.#take(text);
    switch (typeof value) {
      case "boolean":
        return { kind: "bool", value, span };
      case "string": {
        const bytes = new TextEncoder().encode(value);
        const characters = Array.from(bytes, (byte) => String.fromCharCode(byte));
        return { kind: "string", value: characters.join(""), span };
      }
      default:
        return { kind: "integer", value: BigInt(value), span };
    }
  }

  /**
   * An attach point with values as parts of names: each is quoted, so that it cannot end its part.
   *
   * @param refuse Called for a value with a character that would mean something.
   */
  inName(text: string, refuse: (message: string) => void): string {
    return text.replace(new RegExp(PLACEHOLDER.source, "g"), (place) => {
      const part = `${this.#take(place)}`;
      const special = SPECIAL.exec(part)?.[0];
      if (special !== undefined) {
        const shown = JSON.stringify(special);
        refuse(`a value in a probe's name has ${shown}: it would be more than a name`);
      }
      return /^[\w./+-]+$/.test(part) ? part : `"${part.replace(/["\\]/g, "\\$&")}"`;
    });
  }

  /** Where values stand that the parser did not meet. */
  unused(): Span[] {
    return this.#places.filter((_, i) => !this.#used.has(i));
  }

  #take(place: string): ScriptValue {
    const index = Number(place.slice(2, -1)) - 1;
    this.#used.add(index);
    // A text of the program's own may look like a place that there is not.
    return this.#values[index] ?? 0;
  }
}

function check(value: unknown, index: number): asserts value is ScriptValue {
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

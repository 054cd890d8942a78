// Pure: no I/O, no FFI.
// Source text to tokens, on demand: the parser says when an attach point or a predicate is next,
// because there `/`, `*` and `:` mean something else.

import { attachPointEnd } from "./attach_point.ts";
import type { Diagnostics, Source } from "./diagnostics.ts";
import { parseInteger } from "./integer.ts";
import { PLACEHOLDER, PUNCTUATION, type Token } from "./token.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  '"': '"',
  "\\": "\\",
};

/** A cursor over a script. */
export class Lexer {
  readonly #text: string;
  readonly #diagnostics: Diagnostics;
  readonly #hasValues: boolean;
  #at = 0;

  /** Starts where the last file of the source begins, after a `#!` line there. */
  constructor({ text, start, values }: Source, diagnostics: Diagnostics) {
    this.#text = text;
    this.#hasValues = values !== undefined;
    this.#at = start;
    this.#diagnostics = diagnostics;
    if (text.startsWith("#!", start)) {
      const end = text.indexOf("\n", start);
      this.#at = end < 0 ? text.length : end;
    }
  }

  /** Offset of the next character. */
  get offset(): number {
    return this.#at;
  }

  /** Goes back to an offset that {@linkcode offset} gave. */
  rewind(offset: number): void {
    this.#at = offset;
  }

  /** Skips white space and comments; returns the next character, "" at the end. */
  peek(): string {
    const text = this.#text;
    for (;;) {
      while (/\s/.test(text[this.#at] ?? "")) this.#at++;
      if (text.startsWith("//", this.#at)) {
        const end = text.indexOf("\n", this.#at);
        this.#at = end < 0 ? text.length : end;
      } else if (text.startsWith("/*", this.#at)) {
        const end = text.indexOf("*/", this.#at + 2);
        if (end < 0) {
          this.#diagnostics.error("syntax", "unterminated comment", {
            start: this.#at,
            end: text.length,
          });
        }
        this.#at = end < 0 ? text.length : end + 2;
      } else {
        return text[this.#at] ?? "";
      }
    }
  }

  /** The text of an attach point, as attach_point.ts delimits it. */
  attachPoint(): Token {
    this.peek();
    const start = this.#at;
    this.#at = attachPointEnd(this.#text, start, this.#hasValues);
    return {
      kind: "identifier",
      text: this.#text.slice(start, this.#at),
      span: { start, end: this.#at },
    };
  }

  /** True if the text at the cursor matches a sticky expression; nothing is consumed. */
  looksLike(expression: RegExp): boolean {
    this.peek();
    expression.lastIndex = this.#at;
    return expression.test(this.#text);
  }

  /**
   * A C definition or preprocessor line at the cursor, as text: a `#` line with its continuations, or
   * everything up to the `;` outside braces.
   */
  definition(): Token {
    this.peek();
    const start = this.#at;
    const text = this.#text;
    if (text[start] === "#") {
      do {
        const end = text.indexOf("\n", this.#at);
        this.#at = end < 0 ? text.length : end + 1;
      } while (this.#at < text.length && text[this.#at - 2] === "\\");
    } else {
      let depth = 0;
      for (; this.peek() !== ""; this.#at++) {
        const c = text[this.#at];
        // Brackets in quotes do not nest.
        const quoted = c === "'" || c === '"'
          ? this.#match(/'([^'\\\n]|\\.)+'|"([^"\\\n]|\\.)*"/y)
          : undefined;
        if (quoted !== undefined) this.#at--;
        if (c === "{") depth++;
        if (c === "}" && --depth === 0 && /^struct|^union|^enum/.test(text.slice(start))) {
          // bpftrace forgives a missing semicolon.
          this.#at++;
          while (this.looksLike(/__attribute__\s*\(/y)) this.#skipAttribute();
          if (/^[^;{]*;/.test(text.slice(this.#at, this.#at + 200))) {
            this.#at = text.indexOf(";", this.#at) + 1;
          }
          break;
        }
        if (c === ";" && depth === 0) {
          this.#at++;
          break;
        }
      }
    }
    return {
      kind: "string",
      text: text.slice(start, this.#at),
      span: { start, end: this.#at },
    };
  }

  /** Passes over an attribute with its parentheses. */
  #skipAttribute(): void {
    let depth = 0;
    for (this.#at = this.#text.indexOf("(", this.#at); this.#at < this.#text.length; this.#at++) {
      if (this.#text[this.#at] === "(") depth++;
      if (this.#text[this.#at] === ")" && --depth === 0) {
        this.#at++;
        return;
      }
    }
  }

  /** True if the `/` that comes next ends a predicate: a `{` follows it. */
  endsPredicate(): boolean {
    const here = this.#at;
    const slash = this.peek() === "/";
    this.#at++;
    const brace = slash && this.peek() === "{";
    this.#at = here;
    return brace;
  }

  /** Reads the next token, after white space and comments. */
  next(): Token {
    const first = this.peek();
    const start = this.#at;
    if (first === "") return { kind: "end", text: "end of file", span: { start, end: start } };
    if (first === '"') return this.#string(start);
    const word = this.#match(/[A-Za-z_][A-Za-z0-9_]*/y);
    if (word !== undefined) return this.#token("identifier", word, start);
    if (/[0-9]/.test(first)) return this.#integer(start);
    const variable = this.#match(/\$[A-Za-z_][A-Za-z0-9_]*/y);
    if (variable !== undefined) return this.#token("variable", variable, start);
    const value = this.#hasValues ? this.#match(PLACEHOLDER) : undefined;
    if (value !== undefined) return this.#token("value", value, start);
    const param = this.#match(/\$([0-9]+|#)/y);
    if (param !== undefined) return this.#token("param", param, start);
    const map = this.#match(/@([A-Za-z_][A-Za-z0-9_]*)?/y);
    if (map !== undefined) return this.#token("map", map, start);
    for (const punct of PUNCTUATION) {
      if (this.#text.startsWith(punct, this.#at)) {
        this.#at += punct.length;
        return this.#token("punct", punct, start);
      }
    }
    const invalid = this.#match(/[^\s\w$@"'{}()[\],;:.?=<>+\-*/%&|^!~]+/y) ??
      this.#text[this.#at++];
    // No expression begins or goes on with such a character: the parser says what is wanted.
    return this.#token("punct", invalid, start);
  }

  #fail(message: string, span: Token["span"]): void {
    this.#diagnostics.error("syntax", `syntax: ${message}`, span);
  }

  #token(kind: Token["kind"], text: string, start: number): Token {
    return { kind, text, span: { start, end: this.#at } };
  }

  #match(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #integer(start: number): Token {
    const text = this.#match(/[0-9][0-9A-Za-z_]*/y)!;
    const span = { start, end: this.#at };
    const value = parseInteger(text);
    const at = (from: number) => ({ start: start + from, end: this.#at });
    if (value === undefined || /^\d+[eE]0+$/.test(text)) {
      const suffix = /^(0[xX])?[\d_]+[uU]?[lL]{0,2}([A-Za-z]\w*)$/.exec(text);
      const underscore = /_+$/.exec(text);
      if (underscore !== null) {
        this.#fail("trailing underscore in integer literal", at(underscore.index));
      } else if (suffix !== null && !/^\d+[eE]\d*$/.test(text)) {
        const rest = suffix[2];
        this.#fail(`invalid integer suffix '${rest}'`, at(text.length - rest.length));
      } else this.#fail(`invalid trailing bytes: ${text}`, span);
    } else if (value >= 1n << 64n) {
      this.#fail(`overflow error, maximum value is ${(1n << 64n) - 1n}: ${text}`, span);
    }
    return { kind: "integer", text, value: BigInt.asUintN(64, value ?? 0n), span };
  }

  #string(start: number): Token {
    let value = "";
    this.#at++;
    for (;;) {
      const c = this.#text[this.#at];
      if (c === undefined || c === '"') break;
      // What follows on the next line is what the string should have ended before.
      if (c === "\n") break;
      this.#at++;
      if (c === "\\") value += this.#escape();
      else if (c < "\x80") value += c;
      else {
        // One character a byte from here on: strings are the kernel's, which knows bytes.
        const whole = String.fromCodePoint(this.#text.codePointAt(this.#at - 1)!);
        this.#at += whole.length - 1;
        value += String.fromCharCode(...new TextEncoder().encode(whole));
      }
    }
    if (this.#text[this.#at] !== '"') {
      const next = /\w+|\S|$/g;
      next.lastIndex = Math.min(this.#at, this.#text.length);
      const { index, 0: word } = next.exec(this.#text)!;
      this.#fail("unterminated string", { start: index, end: index + word.length });
      this.#at = this.#text.length;
    } else {
      this.#at++;
    }
    return { kind: "string", text: value, span: { start, end: this.#at } };
  }

  #escape(): string {
    const start = this.#at - 1;
    const octal = this.#match(/[0-7]{1,3}/y);
    if (octal !== undefined) {
      const code = parseInt(octal, 8);
      if (code <= 255) return String.fromCharCode(code);
      const span = { start, end: this.#at };
      this.#diagnostics.error("syntax", `octal escape sequence out of range '\\${octal}'`, span);
      return "";
    }
    const hex = this.#match(/x[0-9A-Fa-f]{1,2}/y);
    if (hex !== undefined) return String.fromCharCode(parseInt(hex.slice(1), 16));
    const c = this.#text[this.#at++] ?? "";
    const known = ESCAPES[c];
    if (known === undefined) {
      const span = { start: start + 1, end: this.#at };
      if (c === "x") {
        this.#fail("invalid hex escape sequence", { start: this.#at, end: this.#at + 1 });
      } else this.#fail(`invalid escape character '\\${c === "\n" ? "end of line" : c}'`, span);
    }
    return known ?? "";
  }
}

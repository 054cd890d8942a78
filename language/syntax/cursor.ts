// Pure: no I/O, no FFI.
// The parser's view of the tokens: one ahead, with errors that stop it.

import type { Diagnostics, Span } from "./diagnostics.ts";
import { Lexer } from "./lexer.ts";
import type { Token } from "./token.ts";

/** Levels of nesting: they become recursion in every pass. */
const MAX_DEPTH = 200;

/** Where a syntax error stops the parser. */
export class SyntaxStop extends Error {}

/** Tokens of a script, one at a time. */
export class Cursor {
  readonly lexer: Lexer;
  readonly #diagnostics: Diagnostics;
  /** Next token and the offset before it; filled by peek(). */
  #ahead?: { token: Token; before: number };
  /** Where the last token ended. */
  previousEnd = 0;
  #depth = 0;

  constructor(text: string, start: number, diagnostics: Diagnostics) {
    this.lexer = new Lexer(text, start, diagnostics);
    this.#diagnostics = diagnostics;
  }

  peek(): Token {
    if (this.#ahead === undefined) {
      const before = this.lexer.offset;
      this.#ahead = { token: this.lexer.next(), before };
    }
    return this.#ahead.token;
  }

  next(): Token {
    const token = this.peek();
    this.#ahead = undefined;
    this.previousEnd = token.span.end;
    return token;
  }

  /** From `start` to the end of the last token. */
  since(start: number): Span {
    return { start, end: this.previousEnd };
  }

  /** A position to come {@linkcode back} to. */
  mark(): number {
    return this.#ahead?.before ?? this.lexer.offset;
  }

  /** Goes back. */
  back(mark: number): void {
    this.lexer.rewind(mark);
    this.#ahead = undefined;
  }

  /** Hands the text over to the lexer's own methods. */
  raw(): Lexer {
    if (this.#ahead !== undefined) this.back(this.#ahead.before);
    return this.lexer;
  }

  is(text: string): boolean {
    const token = this.peek();
    return token.text === text && (token.kind === "punct" || token.kind === "identifier");
  }

  accept(text: string): boolean {
    const found = this.is(text);
    if (found) this.next();
    return found;
  }

  expect(text: string): void {
    if (!this.is(text)) this.unexpected(this.peek(), `'${text}'`);
    this.next();
  }

  /** The text of a token of that kind. */
  take(kind: Token["kind"], wanted: string): Token {
    if (this.peek().kind !== kind) this.unexpected(this.peek(), wanted);
    return this.next();
  }

  /** Guards the stack of this process against a script of a million parentheses. */
  nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) {
      this.fail(`nested more than ${MAX_DEPTH} levels deep`, this.peek().span);
    }
    const result = parse();
    this.#depth--;
    return result;
  }

  unexpected(token: Token, wanted: string): never {
    const found = token.kind === "string" ? "a string" : `'${token.text}'`;
    const start = token.span.start;
    const end = Math.max(token.span.end, start + 1);
    this.fail(`syntax error, unexpected ${found}, expecting ${wanted}`, { start, end });
  }

  fail(message: string, span: Span): never {
    this.#diagnostics.error("syntax", message, span);
    throw new SyntaxStop();
  }
}

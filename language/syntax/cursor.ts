// Pure: no I/O, no FFI.
// The parser's view of the tokens: one token of lookahead, and errors that stop the parser.

import type { Expr } from "./ast.ts";
import type { Budget, Diagnostics, Source, Span } from "./diagnostics.ts";
import { Lexer } from "./lexer.ts";
import type { ScriptValues } from "./script_value.ts";
import type { Token } from "./token.ts";

/** Most levels of nesting: every pass over the tree recurses once for each level. */
const MAX_LEVELS = 600;
/** As many operators in a row are a level: the tree is one node deeper with each of them. */
const ROW = 4;

/** Thrown by a syntax error, which has been reported, to leave the parser. */
export class SyntaxStop extends Error {}

/** Tokens of a script, one at a time. */
export class Cursor {
  /** Lexer that splits the script into tokens. */
  readonly lexer: Lexer;
  readonly #budget: Budget;
  readonly #diagnostics: Diagnostics;
  readonly #values?: ScriptValues;
  /** Next token and the offset before it; filled by peek(). */
  #ahead?: { token: Token; before: number };
  /** Offset behind the last token that was read. */
  previousEnd = 0;
  /** Operators around the next token; a level counts as {@linkcode ROW}. */
  #depth = 0;
  /** Depth of the tree that the innermost call of {@linkcode nested} has read so far. */
  #height = 0;

  constructor(source: Source, diagnostics: Diagnostics) {
    this.lexer = new Lexer(source, diagnostics);
    this.#budget = source.budget;
    this.#values = source.values;
    this.#diagnostics = diagnostics;
  }

  /** The next token, which stays the next token. */
  peek(): Token {
    if (this.#ahead === undefined) {
      const before = this.lexer.offset;
      this.#ahead = { token: this.lexer.next(), before };
    }
    return this.#ahead.token;
  }

  /** Reads the next token and passes over the token. */
  next(): Token {
    const token = this.peek();
    this.#ahead = undefined;
    this.previousEnd = token.span.end;
    this.#budget.spend("tokens", token.span);
    return token;
  }

  /** The literal of a place for a value. */
  value(token: Token): Expr {
    return this.#values!.literal(token);
  }

  /** An attach point with its values as parts of names. */
  named({ text, span }: Token): string {
    return this.#values?.inName(text, (message) => this.fail(message, span)) ?? text;
  }

  /** Refuses values where no expression and no name is: in text, in comments, in C definitions. */
  checkValues(): void {
    for (const span of this.#values?.unused() ?? []) {
      this.#diagnostics.error(
        "syntax",
        "a value can be an expression or a part of a probe's name, not a part of a text, a " +
          "comment or a definition",
        span,
        'pass it to printf(): printf("%s", …)',
      );
    }
  }

  /** The span from `start` to the end of the last token. */
  since(start: number): Span {
    return { start, end: this.previousEnd };
  }

  /** A position to come {@linkcode back} to. */
  mark(): number {
    return this.#ahead?.before ?? this.lexer.offset;
  }

  /** Goes back to a position that {@linkcode mark} gave. */
  back(mark: number): void {
    this.lexer.rewind(mark);
    this.#ahead = undefined;
  }

  /** Hands the text over to the lexer's own methods. */
  raw(): Lexer {
    if (this.#ahead !== undefined) this.back(this.#ahead.before);
    return this.lexer;
  }

  /** True if the next token is this operator or word; nothing is read. */
  is(text: string): boolean {
    const token = this.peek();
    return token.text === text && (token.kind === "punct" || token.kind === "identifier");
  }

  /** Reads the next token if the token is this operator or word; false if not. */
  accept(text: string): boolean {
    const found = this.is(text);
    if (found) this.next();
    return found;
  }

  /** Reads this operator or word; stops with a syntax error if another token comes next. */
  expect(text: string): void {
    if (!this.is(text)) this.unexpected(this.peek(), `'${text}'`);
    this.next();
  }

  /** Reads a token of a kind; stops with a syntax error if another token comes next. */
  take(kind: Token["kind"], wanted: string): Token {
    if (this.peek().kind !== kind) this.unexpected(this.peek(), wanted);
    return this.next();
  }

  /**
   * Reads one more level of the tree. Guards the stack of this process against a script of a million
   * parentheses.
   */
  nested<T>(parse: () => T): T {
    const around = this.#height;
    this.#depth += ROW;
    this.#height = 0;
    this.#checkDepth();
    const result = parse();
    this.#checkDepth();
    this.#depth -= ROW;
    this.#height = Math.max(around, this.#height + ROW);
    return result;
  }

  /** Notes that what has been read on this level is now below another operator. */
  deepen(): void {
    this.#height++;
    this.#checkDepth();
  }

  #checkDepth(): void {
    if (this.#depth + this.#height <= MAX_LEVELS * ROW) return;
    this.fail(
      `nested more than ${MAX_LEVELS} levels deep`,
      this.peek().span,
      `${ROW} operators in a row count as a level.`,
    );
  }

  /** Stops with a syntax error that names the text wanted, at the token found. */
  unexpected(token: Token, wanted: string): never {
    // Of a text that stands in the wrong place, the quote is told.
    const { start } = token.span;
    const span = token.kind === "string" ? { start, end: start + 1 } : token.span;
    this.fail(`syntax: expected ${wanted}`, span);
  }

  /** Reports a syntax error and stops the parser. */
  fail(message: string, span: Span, hint?: string): never {
    this.#diagnostics.error("syntax", message, span, hint);
    throw new SyntaxStop();
  }
}

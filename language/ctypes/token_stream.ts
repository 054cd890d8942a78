// Pure: no I/O, no FFI.
// The parser's view of the tokens: a position in a list, with pragmas beside the tokens.

import { CError, type CToken, errorAt } from "./c_token.ts";

/** Levels of nesting: they become recursion. */
const MAX_DEPTH = 200;

/** Expanded tokens, one at a time. */
export class TokenStream {
  #tokens: readonly CToken[] = [];
  #pragmas: readonly { readonly at: number; readonly token: CToken }[] = [];
  readonly #onPragma: (token: CToken) => void;
  #at = 0;
  #pragma = 0;
  #depth = 0;

  /** @param onPragma Called once for each pragma when the parser has passed the pragma. */
  constructor(tokens: readonly CToken[], onPragma: (token: CToken) => void = () => {}) {
    this.#onPragma = onPragma;
    this.restart(tokens);
  }

  /** Goes on with other tokens. */
  restart(tokens: readonly CToken[]): void {
    this.#at = 0;
    this.#pragma = 0;
    this.#depth = 0;
    if (!tokens.some(({ kind }) => kind === "pragma")) {
      this.#tokens = tokens;
      this.#pragmas = [];
      return;
    }
    const others: CToken[] = [];
    const pragmas: { at: number; token: CToken }[] = [];
    for (const token of tokens) {
      if (token.kind === "pragma") pragmas.push({ at: others.length, token });
      else others.push(token);
    }
    this.#tokens = others;
    this.#pragmas = pragmas;
  }

  /** Index of the next token. */
  get position(): number {
    return this.#at;
  }

  /** True if there are no more tokens. */
  get atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** Goes to another token. */
  seek(position: number): void {
    this.#at = position;
  }

  /** A token ahead, or undefined at the end. */
  token(ahead = 0): CToken | undefined {
    return this.#tokens[this.#at + ahead];
  }

  /** Text of a token ahead; empty at the end. */
  peek(ahead = 0): string {
    return this.#tokens[this.#at + ahead]?.text ?? "";
  }

  /** Takes the next token. */
  next(): CToken {
    while (this.#pragma < this.#pragmas.length && this.#pragmas[this.#pragma].at <= this.#at) {
      this.#onPragma(this.#pragmas[this.#pragma++].token);
    }
    return this.#tokens[this.#at++] ?? this.fail("unexpected end of the definitions");
  }

  /** Takes the next token if the token has that text. */
  accept(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.text !== text) return false;
    this.next();
    return true;
  }

  /** Takes a token that must be there. */
  expect(text: string): void {
    if (!this.accept(text)) {
      this.fail(`expected '${text}', found ${this.atEnd ? "the end" : `'${this.peek()}'`}`);
    }
  }

  /** Passes over a token and, if the token opens a bracket, over all up to the closing bracket. */
  skipBalanced(): void {
    let depth = 0;
    do {
      const { text, kind } = this.next();
      if (kind !== "punct") continue;
      if (text === "(" || text === "[" || text === "{") depth++;
      if (text === ")" || text === "]" || text === "}") depth--;
    } while (depth > 0);
  }

  /** Runs a step of a recursion, whose depth is bounded. */
  nested<T>(step: () => T): T {
    if (++this.#depth > MAX_DEPTH) this.fail(`nested more than ${MAX_DEPTH} deep`);
    try {
      return step();
    } finally {
      this.#depth--;
    }
  }

  /** Stops with an error at the next token, or at the token that is given. */
  fail(message: string, at?: CToken): never {
    const token = at ?? this.#tokens[Math.min(this.#at, this.#tokens.length - 1)];
    throw token === undefined ? new CError(`definitions.h: ${message}`) : errorAt(token, message);
  }
}

// Pure: no I/O, no FFI.
// The parser's view of the tokens: a position in a list, with pragmas beside the tokens.

import { CError, type CToken, errorAt } from "./c_token.ts";

/** Most levels of nesting: the parser recurses once for each level. */
const MAX_DEPTH = 200;

/** Expanded tokens, one at a time. Only the tokens of one declaration are kept. */
export class TokenStream {
  #source: () => CToken | undefined = () => undefined;
  /** Tokens that have been read since {@linkcode release}. */
  #tokens: CToken[] = [];
  #pragmas: { readonly at: number; readonly token: CToken }[] = [];
  readonly #onPragma: (token: CToken) => void;
  #at = 0;
  #depth = 0;

  /**
   * Starts with the first token.
   *
   * @param source Tokens as a list, or a function that gives the next token, undefined at the end.
   * @param onPragma Called once for each pragma when the parser has passed the pragma.
   */
  constructor(
    source: readonly CToken[] | (() => CToken | undefined),
    onPragma: (token: CToken) => void = () => {},
  ) {
    this.#onPragma = onPragma;
    this.restart(source);
  }

  /** Goes on with other tokens. */
  restart(source: readonly CToken[] | (() => CToken | undefined)): void {
    let next = 0;
    this.#source = typeof source === "function" ? source : () => source[next++];
    this.#tokens = [];
    this.#pragmas = [];
    this.#at = 0;
    this.#depth = 0;
  }

  /** Forgets the tokens that were taken; positions before this one cannot be sought any more. */
  release(): void {
    this.#pragmas = this.#pragmas.map(({ at, token }) => ({ at: at - this.#at, token }));
    this.#tokens = this.#tokens.slice(this.#at);
    this.#at = 0;
  }

  /** Number of tokens since {@linkcode release}. */
  get position(): number {
    return this.#at;
  }

  /** True if there are no more tokens. */
  get atEnd(): boolean {
    return this.token() === undefined;
  }

  /** Goes to another token. */
  seek(position: number): void {
    this.#at = position;
  }

  /** A token ahead, or undefined at the end. */
  token(ahead = 0): CToken | undefined {
    const index = this.#at + ahead;
    return index < this.#tokens.length ? this.#tokens[index] : this.#fill(index);
  }

  /** Text of a token ahead; empty at the end. */
  peek(ahead = 0): string {
    return this.token(ahead)?.text ?? "";
  }

  /** Takes the next token. */
  next(): CToken {
    const token = this.token();
    while (this.#pragmas.length > 0 && this.#pragmas[0].at <= this.#at) {
      this.#onPragma(this.#pragmas.shift()!.token);
    }
    if (token === undefined) this.fail("unexpected end of the definitions");
    this.#at++;
    return token;
  }

  #fill(index: number): CToken | undefined {
    while (this.#tokens.length <= index) {
      const token = this.#source();
      if (token === undefined) return undefined;
      if (token.kind === "pragma") this.#pragmas.push({ at: this.#tokens.length, token });
      else this.#tokens.push(token);
    }
    return this.#tokens[index];
  }

  /** Takes the next token if the token has that text. */
  accept(text: string): boolean {
    if (this.peek() !== text || text === "") return false;
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
    const token = at ?? this.token() ?? this.#tokens.at(-1);
    throw token === undefined ? new CError(`definitions.h: ${message}`) : errorAt(token, message);
  }
}

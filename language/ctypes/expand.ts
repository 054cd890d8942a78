// Pure: no I/O, no FFI.
// Macro expansion. Tokens come from a stack of expansions, below which the text itself is; a macro is
// not expanded again inside its own expansion.

import { type Budget, exceeded } from "../syntax/diagnostics.ts";
import { type CToken, errorAt, tokenLike } from "./c_token.ts";
import { type Macro, substitute } from "./macros.ts";

/** Most uses of macros inside each other's arguments. */
const MAX_DEPTH = 200;

/** Tokens that are read before the text goes on. */
interface Expansion {
  readonly tokens: readonly CToken[];
  at: number;
  /** Macro that the tokens come from, to be released at the end of the tokens. */
  readonly macro?: Macro;
  /** Nothing below is read. */
  readonly barrier: boolean;
}

/** Replaces macros in a stream of tokens. */
export class Expander {
  /** All macros by name. */
  readonly macros = new Map<string, Macro>();
  /** Words that are operators in #if and have arguments: `defined` and `__has_include`. */
  operators: ReadonlyMap<string, (at: CToken) => CToken> | undefined;
  readonly #source: () => CToken | undefined;
  readonly #stack: Expansion[] = [];
  readonly #budget: Budget;
  #depth = 0;
  /** Use of a macro in the text that is being expanded; places of tokens are those of the use. */
  #use: CToken | undefined;

  /**
   * @param source The tokens of the text.
   * @param budget Budget of the script, which bounds how many tokens macros expand to.
   */
  constructor(source: () => CToken | undefined, budget: Budget) {
    this.#source = source;
    this.#budget = budget;
  }

  /** The next token that is no macro, or undefined at the end. */
  next(): CToken | undefined {
    for (;;) {
      const token = this.raw();
      if (token === undefined || token.kind !== "word" || token.blocked) return token;
      const operator = this.operators?.get(token.text);
      if (operator !== undefined) return operator(token);
      const macro = this.macros.get(token.text);
      if (macro === undefined) return token;
      if (macro.busy) return { ...token, blocked: true };
      if (!this.#enter(macro, token)) return token;
    }
  }

  /** All tokens with macros replaced. */
  expand(tokens: readonly CToken[]): CToken[] {
    if (++this.#depth > MAX_DEPTH) {
      const message = `uses of macros are nested more than ${MAX_DEPTH} deep`;
      this.#depth = 0;
      throw tokens.length > 0 ? errorAt(this.#use ?? tokens[0], message) : new Error(message);
    }
    const level = this.#stack.length;
    this.#stack.push({ tokens, at: 0, barrier: true });
    const out: CToken[] = [];
    for (let token = this.next(); token !== undefined; token = this.next()) out.push(token);
    this.#stack.length = level;
    this.#depth--;
    return out;
  }

  /** The next token without expansion. */
  raw(): CToken | undefined {
    for (;;) {
      const top = this.#stack.at(-1);
      if (top === undefined) {
        this.#use = undefined;
        return this.#source();
      }
      if (top.at < top.tokens.length) {
        const token = top.tokens[top.at++];
        this.#charge(this.#use ?? token);
        return this.#use === undefined ? token : this.#moved(token, this.#use);
      }
      if (top.barrier) return undefined;
      this.#stack.pop();
      if (top.macro !== undefined) top.macro.busy = false;
    }
  }

  #charge(at: CToken): void {
    if (!this.#budget.take("preprocessing")) throw errorAt(at, exceeded("preprocessing"));
  }

  /** Gives a token back: the next call of raw() returns the token. */
  unread(token: CToken): void {
    this.#stack.push({ tokens: [token], at: 0, barrier: false });
  }

  #moved(token: CToken, use: CToken): CToken {
    if (token.file === use.file && token.offset === use.offset) return token;
    const { kind, text, spaced, blocked } = token;
    return { kind, text, file: use.file, offset: use.offset, spaced, first: false, blocked };
  }

  /** Starts to read a macro's expansion; false if the word is no use of the macro. */
  #enter(macro: Macro, name: CToken): boolean {
    if (macro.compute !== undefined) {
      this.unread({ ...macro.compute(name), blocked: true });
      return true;
    }
    if (macro.params === undefined) {
      this.#use ??= name;
      const tokens = macro.composed
        ? substitute(macro, { raw: [], expanded: () => [] }, name)
        : macro.body;
      this.#push(macro, tokens);
      return true;
    }
    const use = this.#use;
    const open = this.raw();
    if (open?.text !== "(") {
      if (open !== undefined) this.unread(open);
      return false;
    }
    const raw = this.#arguments(macro, name);
    const expanded: (readonly CToken[])[] = [];
    this.#use ??= use ?? name;
    const tokens = substitute(macro, {
      raw,
      expanded: (index) => expanded[index] ??= this.expand(raw[index]),
    }, name);
    this.#push(macro, tokens);
    return true;
  }

  #push(macro: Macro, tokens: readonly CToken[]): void {
    macro.busy = true;
    this.#stack.push({ tokens, at: 0, macro, barrier: false });
  }

  /** The arguments up to the closing parenthesis, one list for each parameter. */
  #arguments(macro: Macro, name: CToken): CToken[][] {
    const params = macro.params!;
    const args: CToken[][] = [[]];
    let depth = 0;
    for (;;) {
      const token = this.raw();
      if (token === undefined) {
        throw errorAt(name, `unterminated argument list of macro '${macro.name}'`);
      }
      if (token.kind === "punct") {
        if (token.text === "(") depth++;
        if (token.text === ")" && depth-- === 0) break;
        if (
          token.text === "," && depth === 0 && !(macro.variadic && args.length === params.length)
        ) {
          args.push([]);
          continue;
        }
      }
      const busy = token.kind === "word" && this.macros.get(token.text)?.busy === true;
      args.at(-1)!.push(busy ? { ...token, blocked: true } : token);
      this.#charge(name);
    }
    if (params.length === 0 && args.length === 1 && args[0].length === 0) return [];
    if (macro.variadic && args.length === params.length - 1) args.push([]);
    if (args.length !== params.length) {
      throw errorAt(
        name,
        `macro '${macro.name}' takes ${params.length} arguments, found ${args.length}`,
      );
    }
    return args;
  }
}

/** A number token at the place of another token: the result of an operator of #if. */
export function numberToken(at: CToken, value: number): CToken {
  return tokenLike(at, "number", `${value}`);
}

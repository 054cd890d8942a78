// Pure: no I/O, no FFI.
// Macros, and the substitution of their parameters: # and ## and __VA_ARGS__.

import { CFile, type CToken, errorAt, tokenLike } from "./c_token.ts";
import { CLexer, tokenize } from "./c_lexer.ts";

/** Most characters of a token that # or ## makes. */
const MAX_TOKEN = 1 << 16;

/** A macro of the C preprocessor. */
export interface Macro {
  /** Name that #define gives the macro. */
  readonly name: string;
  /** Names of the parameters; undefined for a macro that is used without parentheses. */
  readonly params?: readonly string[];
  /** True if the last parameter takes all further arguments. */
  readonly variadic: boolean;
  /** Tokens that replace a use of the macro. */
  readonly body: readonly CToken[];
  /** True if the body has # or ## or parameters, so that the body cannot be used as it is. */
  readonly composed: boolean;
  /** Makes the macro's only token, for `__LINE__` and its like. */
  readonly compute?: (at: CToken) => CToken;
  /** True while the macro's own expansion is being read. */
  busy: boolean;
}

/** A macro of a header, whose line is read when the macro is used first: few macros are. */
class WaitingMacro implements Macro {
  readonly name: string;
  busy = false;
  readonly #read: () => Macro;
  #macro: Macro | undefined;

  constructor(name: string, read: () => Macro) {
    this.name = name;
    this.#read = read;
  }

  get params(): readonly string[] | undefined {
    return (this.#macro ??= this.#read()).params;
  }

  get variadic(): boolean {
    return (this.#macro ??= this.#read()).variadic;
  }

  get body(): readonly CToken[] {
    return (this.#macro ??= this.#read()).body;
  }

  get composed(): boolean {
    return (this.#macro ??= this.#read()).composed;
  }
}

/**
 * Reads what follows #define and passes over the line.
 *
 * @param at The directive, for messages.
 * @throws {CError} The line is no definition; for a header only if the name is none.
 */
export function readMacro(lexer: CLexer, at: CToken): Macro {
  const { file } = lexer;
  const start = lexer.offset;
  const name = lexer.nextInLine();
  checkName(name, at);
  const read = () => parseMacro(new CLexer(file, start).restOfLine(), at);
  lexer.skipLine();
  return file.inScript ? read() : new WaitingMacro(name.text, read);
}

function checkName(name: CToken | undefined, at: CToken): asserts name is CToken {
  if (name?.kind !== "word") throw errorAt(name ?? at, "macro names must be identifiers");
  if (name.text === "defined") throw errorAt(name, "'defined' cannot be a macro name");
}

/** A macro without parameters and with a text. */
export function plainMacro(name: string, text: string): Macro {
  const body = tokenize(new CFile("<built-in>", text));
  return { name, variadic: false, body, composed: false, busy: false };
}

/** A macro whose token depends on the place of use. */
export function computedMacro(name: string, compute: (at: CToken) => CToken): Macro {
  return { name, variadic: false, body: [], composed: false, compute, busy: false };
}

/**
 * Reads what follows #define.
 *
 * @param tokens The rest of the line.
 * @param at The directive, for messages.
 * @throws {CError} The line is no definition.
 */
function parseMacro(tokens: readonly CToken[], at: CToken): Macro {
  const name: CToken | undefined = tokens[0];
  checkName(name, at);
  const second = tokens[1];
  if (second?.text !== "(" || second.spaced) {
    const body = tokens.slice(1);
    return { ...shape(name.text, body), variadic: false };
  }
  const params: string[] = [];
  let variadic = false;
  let i = 2;
  while (tokens[i]?.text !== ")") {
    const token = tokens[i++];
    if (token?.text === "...") {
      params.push("__VA_ARGS__");
      variadic = true;
    } else if (token?.kind === "word" && !params.includes(token.text)) {
      params.push(token.text);
      if (tokens[i]?.text === "...") {
        variadic = true;
        i++;
      }
    } else {
      throw errorAt(token ?? name, `cannot read the parameters of macro '${name.text}'`);
    }
    if (tokens[i]?.text === "," && !variadic) i++;
    else if (tokens[i]?.text !== ")") {
      throw errorAt(tokens[i] ?? name, `expected ')' in the parameters of macro '${name.text}'`);
    }
  }
  const body = tokens.slice(i + 1);
  return { ...shape(name.text, body), params, variadic, composed: true };
}

function shape(name: string, body: readonly CToken[]): Omit<Macro, "variadic"> {
  const ends = [body[0]?.text, body.at(-1)?.text];
  if (ends.includes("##")) throw errorAt(body[0], "'##' cannot be at either end of a macro");
  return { name, body, composed: body.some(({ text }) => text === "##"), busy: false };
}

/** Arguments of one use of a macro. */
export interface Arguments {
  /** Arguments as written, by parameter. */
  readonly raw: readonly (readonly CToken[])[];
  /** With all macros in them expanded. */
  expanded(index: number): readonly CToken[];
}

/**
 * The body of a macro with its arguments put in.
 *
 * @throws {CError} # or ## make something that is no token.
 */
export function substitute(macro: Macro, args: Arguments, use: CToken): CToken[] {
  return new Substitution(macro, args, use).part(macro.body);
}

class Substitution {
  readonly #macro: Macro;
  readonly #args: Arguments;
  readonly #use: CToken;

  constructor(macro: Macro, args: Arguments, use: CToken) {
    this.#macro = macro;
    this.#args = args;
    this.#use = use;
  }

  part(body: readonly CToken[]): CToken[] {
    const out: CToken[] = [];
    for (let i = 0; i < body.length; i++) {
      const token = body[i];
      const param = this.#param(token);
      const pasted = body[i + 1]?.text === "##";
      if (token.text === "##" && out.length >= 0 && i > 0) {
        i = this.#paste(out, body, i);
      } else if (token.text === "#" && this.#macro.params !== undefined) {
        out.push(this.#stringified(body[++i], token));
      } else if (this.#isOptional(token)) {
        const end = closing(body, i + 1);
        if (end < 0) throw errorAt(token, "unterminated __VA_OPT__");
        append(out, this.#optional(body.slice(i + 2, end)));
        i = end;
      } else if (param < 0) {
        out.push(token);
      } else if (pasted) {
        const raw = this.#args.raw[param];
        // Nothing on the left of ##: the right side stands alone.
        append(out, raw.length > 0 ? like(raw, token) : [tokenLike(token, "punct", "")]);
      } else {
        append(out, like(this.#args.expanded(param), token));
      }
    }
    return out.filter(({ text, kind }) => text !== "" || kind === "pragma");
  }

  /** Index of the parameter that a token names, or -1. */
  #param(token: CToken): number {
    if (token?.kind !== "word" || this.#macro.params === undefined) return -1;
    return this.#macro.params.indexOf(token.text);
  }

  #isOptional(token: CToken): boolean {
    return this.#macro.variadic && token.text === "__VA_OPT__";
  }

  /** The tokens in __VA_OPT__(…), if there are further arguments. */
  #optional(body: readonly CToken[]): CToken[] {
    const last = this.#args.raw.length - 1;
    return this.#args.expanded(last).length > 0 ? this.part(body) : [];
  }

  /** Joins the last token of `out` with what follows the ## at `i`; returns the last index used. */
  #paste(out: CToken[], body: readonly CToken[], i: number): number {
    let last = i + 1;
    const next = body[last];
    if (next === undefined) throw errorAt(body[i], "'##' cannot be at either end of a macro");
    const param = this.#param(next);
    const left = out.pop() ?? tokenLike(this.#use, "punct", "");
    let right: readonly CToken[];
    if (this.#isOptional(next)) {
      last = closing(body, last + 1);
      right = this.#optional(body.slice(i + 3, last));
    } else {
      right = param < 0 ? [next] : this.#args.raw[param];
    }
    const further = this.#macro.variadic && param === this.#macro.params!.length - 1;
    if (left.text === "," && further) {
      // GNU: a comma before further arguments goes away if there are none.
      if (right.length > 0) append(out, [left, ...this.#args.expanded(param)]);
      return last;
    }
    if (right.length === 0) {
      out.push(left);
      return last;
    }
    out.push(this.#joined(left, right[0]));
    append(out, right.slice(1));
    return last;
  }

  #joined(left: CToken, right: CToken): CToken {
    if (left.text === "") return right;
    if (right.text === "") return left;
    const text = left.text + right.text;
    this.#checkLength(text);
    const tokens = tokenize(new CFile("<paste>", text));
    if (tokens.length !== 1) {
      throw errorAt(
        this.#use,
        `macro '${this.#macro.name}': '${left.text}' and '${right.text}' make no token together`,
      );
    }
    return tokenLike(left, tokens[0].kind, text);
  }

  #stringified(token: CToken | undefined, at: CToken): CToken {
    const param = token === undefined ? -1 : this.#param(token);
    if (param < 0) {
      throw errorAt(this.#use, `macro '${this.#macro.name}': '#' is not followed by a parameter`);
    }
    let text = "";
    for (const one of this.#args.raw[param]) {
      if ((one.spaced || one.first) && text !== "") text += " ";
      text += one.kind === "string" || one.kind === "char"
        ? one.text.replace(/["\\]/g, "\\$&")
        : one.text;
      this.#checkLength(text);
    }
    return tokenLike(at, "string", `"${text}"`);
  }

  #checkLength(text: string): void {
    if (text.length > MAX_TOKEN) {
      throw errorAt(
        this.#use,
        `macro '${this.#macro.name}' makes a token of more than ${MAX_TOKEN} characters`,
      );
    }
  }
}

/** Adds tokens to a list; there may be too many for the arguments of one call. */
function append(out: CToken[], tokens: readonly CToken[]): void {
  for (const token of tokens) out.push(token);
}

/** The first token of an argument is as far from its neighbour as the parameter was. */
function like(tokens: readonly CToken[], param: CToken): readonly CToken[] {
  if (tokens.length === 0 || tokens[0].spaced === param.spaced) return tokens;
  return [{ ...tokens[0], spaced: param.spaced, first: false }, ...tokens.slice(1)];
}

/** Index of the closing parenthesis for the parenthesis at `open`, or -1. */
function closing(tokens: readonly CToken[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i].text === "(") depth++;
    if (tokens[i].text === ")" && --depth === 0) return i;
  }
  return -1;
}

// Pure: no I/O, no FFI.
// The part of the C preprocessor that headers of structures need: #include, #define of constants,
// conditions. What it cannot do is refused by name.

import type { Span } from "../syntax/diagnostics.ts";

/** A piece of C. */
export interface CToken {
  readonly text: string;
  readonly kind: "word" | "number" | "string" | "punct";
  /** File and line, as "definitions.h:2:10". */
  readonly place: string;
  /** In the script, if it stands there. */
  readonly span?: Span;
}

/** A file that was included. */
export interface Header {
  readonly name: string;
  readonly text: string;
}

/** C text that cannot be used. */
export class CError extends Error {
  /** @param span Where in the script, if it is there. */
  constructor(message: string, readonly span?: Span) {
    super(message);
  }
}

/** Finds a header; undefined if there is none. */
export type FindHeader = (name: string) => Header | undefined;

/** An object-like macro, or one with parameters, which is not expanded. */
export interface MacroDefinition {
  readonly tokens: readonly CToken[];
  readonly functionLike: boolean;
}

const TOKEN =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|([A-Za-z_]\w*)|(0[xX][0-9A-Fa-f]+[uUlL]*|[0-9]+[uUlL]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(<<|>>|<=|>=|==|!=|&&|\|\||##|\.\.\.|[^\s\w"'])/g;
const MAX_INCLUDES = 200;

/** Collects tokens and macros of text and what it includes. */
export class Preprocessor {
  readonly macros = new Map<string, MacroDefinition>();
  readonly tokens: CToken[] = [];
  readonly #find: FindHeader;
  #includes = 0;

  constructor(find: FindHeader) {
    this.#find = find;
  }

  /** `NAME` as `value`. */
  define(name: string, value: string): void {
    this.macros.set(name, { tokens: this.#tokenize(value, "", undefined), functionLike: false });
  }

  /** Takes in text. `at` tells where in the script it starts; headers have none. */
  add(text: string, file: string, at?: Span): void {
    // Lines are continued by a backslash; line numbers survive.
    const lines = text.split("\n");
    let offset = 0;
    const conditions: { active: boolean; taken: boolean; outer: boolean }[] = [];
    const active = () => conditions.every((one) => one.active);
    let pending = "";
    let pendingLine = 0;
    let pendingOffset = 0;
    const flush = () => {
      if (pending !== "") {
        const span = at === undefined ? undefined : at.start + pendingOffset;
        this.tokens.push(...this.#tokenize(pending, `${file}:${pendingLine}`, span));
      }
      pending = "";
    };
    for (let i = 0; i < lines.length; i++) {
      const start = offset;
      const line = i + 1;
      let logical = lines[i];
      offset += lines[i].length + 1;
      if (!/^\s*#/.test(logical) || inComment(pending)) {
        if (pending === "") [pendingLine, pendingOffset] = [line, start];
        if (active()) pending += `${logical}\n`;
        continue;
      }
      flush();
      while (logical.endsWith("\\") && i + 1 < lines.length) {
        i++;
        logical = `${logical.slice(0, -1)} ${lines[i]}`;
        offset += lines[i].length + 1;
      }
      const span = at && { start: at.start + start, end: at.start + offset - 1 };
      this.#directive(logical, { file, line, span }, conditions, active());
    }
    flush();
  }

  #directive(
    text: string,
    at: { file: string; line: number; span?: Span },
    conditions: { active: boolean; taken: boolean; outer: boolean }[],
    active: boolean,
  ): void {
    const clean = text.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/\/\/.*$/, "");
    const match = /^\s*#\s*(\w*)\s*([\s\S]*?)\s*$/.exec(clean)!;
    const [, name, rest] = match;
    const fail = (message: string): never => {
      throw new CError(`${at.file}:${at.line}: ${message}`, at.span);
    };
    const top = conditions.at(-1);
    const open = (value: boolean) =>
      conditions.push({ active: value, taken: value, outer: active });
    switch (name) {
      case "ifdef":
        return void open(active && this.macros.has(rest));
      case "ifndef":
        return void open(active && !this.macros.has(rest));
      case "if":
        return void open(active && this.#condition(rest, fail));
      case "elif":
        if (top === undefined) return fail("#elif without #if");
        top.active = top.outer && !top.taken && this.#condition(rest, fail);
        top.taken ||= top.active;
        return;
      case "else":
        if (top === undefined) return fail("#else without #if");
        top.active = top.outer && !top.taken;
        top.taken = true;
        return;
      case "endif":
        if (conditions.pop() === undefined) fail("#endif without #if");
        return;
    }
    if (!active) return;
    switch (name) {
      case "define": {
        const parts = /^([A-Za-z_]\w*)(\([^)]*\))?\s*([\s\S]*)$/.exec(rest);
        if (parts === null) return fail("macro names must be identifiers");
        this.macros.set(parts[1], {
          tokens: this.#tokenize(parts[3], `${at.file}:${at.line}`, undefined),
          functionLike: parts[2] !== undefined,
        });
        return;
      }
      case "undef":
        this.macros.delete(rest);
        return;
      case "include": {
        const wanted = /^[<"]([^>"]+)[>"]$/.exec(rest)?.[1];
        if (wanted === undefined) return fail(`cannot read #include ${rest}`);
        if (++this.#includes > MAX_INCLUDES) return fail(`more than ${MAX_INCLUDES} includes`);
        const header = this.#find(wanted);
        if (header === undefined) {
          const column = text.search(/[<"]/) + 1;
          throw new CError(
            `${at.file}:${at.line}:${column}: fatal error: '${wanted}' file not found`,
            at.span,
          );
        }
        // Every header is read once, as if all had guards.
        const guard = `__included ${header.name}`;
        if (this.macros.has(guard)) return;
        this.define(guard, "");
        this.add(header.text, header.name);
        return;
      }
      case "error":
        return fail(`#error ${rest}`);
      case "pragma":
      case "warning":
      case "":
        return;
      default:
        fail(`#${name} is not supported`);
    }
  }

  #tokenize(text: string, place: string, start: number | undefined): CToken[] {
    const tokens: CToken[] = [];
    const [file, line] = [place.slice(0, place.lastIndexOf(":")), Number(place.split(":").at(-1))];
    let lines = 0;
    let seen = 0;
    for (const match of text.matchAll(TOKEN)) {
      const [all, word, number, string, punct] = match;
      for (; seen < match.index; seen++) if (text[seen] === "\n") lines++;
      const value = word ?? number ?? string ?? punct;
      if (value === undefined) continue;
      const at = start === undefined ? undefined : start + match.index;
      tokens.push({
        text: value,
        kind: word !== undefined
          ? "word"
          : number !== undefined
          ? "number"
          : string !== undefined
          ? "string"
          : "punct",
        place: `${file}:${line + lines}`,
        span: at === undefined ? undefined : { start: at, end: at + all.length },
      });
    }
    return tokens;
  }

  /** #if: integers, defined(), operators. */
  #condition(text: string, fail: (message: string) => never): boolean {
    const plain = text.replace(
      /\bdefined\s*\(\s*(\w+)\s*\)|\bdefined\s+(\w+)/g,
      (_, a, b) => this.macros.has(a ?? b) ? "1" : "0",
    );
    const tokens = this.expand(this.#tokenize(plain, "if:1", undefined)).map((token) =>
      token.kind === "word" ? { ...token, text: "0", kind: "number" as const } : token
    );
    try {
      return evaluate(tokens, () => undefined) !== 0n;
    } catch {
      return fail(`cannot evaluate #if ${text}`);
    }
  }

  /** Replaces macros by what they stand for. */
  expand(tokens: readonly CToken[], busy: ReadonlySet<string> = new Set()): CToken[] {
    return tokens.flatMap((token) => {
      const macro = token.kind === "word" ? this.macros.get(token.text) : undefined;
      if (macro === undefined || macro.functionLike || busy.has(token.text)) return [token];
      return this.expand(macro.tokens, new Set([...busy, token.text])).map((one) => ({
        ...one,
        place: token.place,
        span: token.span,
      }));
    });
  }
}

function inComment(text: string): boolean {
  return text.lastIndexOf("/*") > text.lastIndexOf("*/");
}

const LEVELS = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<", ">", "<=", ">="],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];

/**
 * Computes a constant expression.
 *
 * @param lookup Values of names.
 * @throws {SyntaxError} It is none.
 */
export function evaluate(
  tokens: readonly CToken[],
  lookup: (name: string) => bigint | undefined,
): bigint {
  let at = 0;
  const fail = (): never => {
    throw new SyntaxError(`cannot evaluate ${tokens.map(({ text }) => text).join(" ")}`);
  };
  const primary = (): bigint => {
    const token = tokens[at++] ?? fail();
    if (token.kind === "number") {
      const digits = token.text.replace(/[uUlL]+$/, "");
      return BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
    }
    if (token.kind === "string" && token.text[0] === "'") {
      return BigInt(token.text.charCodeAt(1));
    }
    if (token.kind === "word") return lookup(token.text) ?? fail();
    switch (token.text) {
      case "(": {
        const value = level(0);
        if (tokens[at++]?.text !== ")") fail();
        return value;
      }
      case "-":
        return -primary();
      case "+":
        return primary();
      case "~":
        return ~primary();
      case "!":
        return primary() === 0n ? 1n : 0n;
    }
    return fail();
  };
  const level = (n: number): bigint => {
    if (n === LEVELS.length) return primary();
    let left = level(n + 1);
    while (LEVELS[n].includes(tokens[at]?.text)) {
      const operator = tokens[at++].text;
      left = apply(operator, left, level(n + 1));
    }
    if (n === 0 && tokens[at]?.text === "?") {
      at++;
      const then = level(0);
      if (tokens[at++]?.text !== ":") fail();
      const otherwise = level(0);
      return left !== 0n ? then : otherwise;
    }
    return left;
  };
  const value = level(0);
  if (at !== tokens.length) fail();
  return value;
}

function apply(operator: string, a: bigint, b: bigint): bigint {
  const truth = (value: boolean) => value ? 1n : 0n;
  switch (operator) {
    case "||":
      return truth(a !== 0n || b !== 0n);
    case "&&":
      return truth(a !== 0n && b !== 0n);
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    case "&":
      return a & b;
    case "==":
      return truth(a === b);
    case "!=":
      return truth(a !== b);
    case "<":
      return truth(a < b);
    case ">":
      return truth(a > b);
    case "<=":
      return truth(a <= b);
    case ">=":
      return truth(a >= b);
    case "<<":
      return a << (b & 63n);
    case ">>":
      return a >> (b & 63n);
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    default:
      return a % b;
  }
}

// Pure: no I/O, no FFI.
// C text, the tokens that C text consists of, and errors with a place in that text.

import type { Span } from "../syntax/diagnostics.ts";

/** A file that an #include directive names. */
export interface Header {
  /** Path of the file, or the name of a header that is built in. */
  readonly name: string;
  /** Content of the file. */
  readonly text: string;
  /** Number of the search folder that has the file; #include_next starts after that folder. */
  readonly folder: number;
}

/** What an #include directive asks for. */
export interface HeaderRequest {
  /** Text between the quotes or the angle brackets. */
  readonly name: string;
  /** True for `"name"`, false for `<name>`. */
  readonly quoted: boolean;
  /** Path of the file with the directive. */
  readonly from: string;
  /** Number of the first search folder; larger than 0 for #include_next. */
  readonly first: number;
}

/**
 * Finds a header. Returns undefined if there is no such file.
 *
 * @throws {CError} The file exists and cannot be used.
 */
export type FindHeader = (request: HeaderRequest) => Header | undefined;

/** C text that cannot be used. The message starts with file, line and column. */
export class CError extends Error {
  /**
   * Makes the error.
   *
   * @param message One line.
   * @param span Where in the script, if the place is in the script.
   */
  constructor(message: string, readonly span?: Span) {
    super(message);
  }
}

/** Sort of a token. A pragma token holds the text of a directive that the parser must see. */
export type TokenKind = "word" | "number" | "string" | "char" | "punct" | "pragma";

/** A piece of C. */
export interface CToken {
  /** Sort of the token, as a parser distinguishes tokens. */
  readonly kind: TokenKind;
  /** The characters of the token; of a pragma, the text after "#pragma". */
  readonly text: string;
  /** Text that the token stands in. */
  readonly file: CFile;
  /** Index of the first character in {@linkcode CFile.text}. */
  readonly offset: number;
  /** True if white space or a comment stands before the token. */
  readonly spaced: boolean;
  /** True if no other token stands before this token in its line. */
  readonly first: boolean;
  /** True for the name of a macro that must not be expanded again. */
  readonly blocked: boolean;
}

/** C text with the means to tell lines and columns. Lines that a backslash continues are joined. */
export class CFile {
  /** Name for messages and for `__FILE__`. */
  readonly name: string;
  /** The text after joining of continued lines. */
  readonly text: string;
  /** Number of the search folder that has the file, or -1. */
  readonly folder: number;
  readonly #original: string;
  readonly #scriptStart: number | undefined;
  readonly #firstLine: number;
  /** Where characters were removed: index in `text`, number of characters removed up to there. */
  readonly #joins: { readonly at: number; readonly removed: number }[] = [];
  /** What #line directives say. */
  readonly #lines: { readonly offset: number; readonly line: number; readonly name: string }[] = [];
  #starts: number[] | undefined;

  /**
   * Joins continued lines of the text.
   *
   * @param options Number of the search folder; offset of the text in the script, if the text stands there;
   * number of the first line, default 1.
   */
  constructor(
    name: string,
    text: string,
    options: { folder?: number; scriptStart?: number; firstLine?: number } = {},
  ) {
    this.name = name;
    this.folder = options.folder ?? -1;
    this.#scriptStart = options.scriptStart;
    this.#firstLine = options.firstLine ?? 1;
    this.#original = text;
    this.text = text.includes("\\\n") || text.includes("\\\r\n") ? this.#join(text) : text;
  }

  /** True if the text stands in the script and not in a header. */
  get inScript(): boolean {
    return this.#scriptStart !== undefined;
  }

  /** File, line and column as "definitions.h:2:10". */
  place(offset: number): string {
    const { name, line, column } = this.#position(offset);
    return `${name}:${line}:${column}`;
  }

  /** Line number of an offset, from 1, as #line directives have it. */
  line(offset: number): number {
    return this.#position(offset).line;
  }

  /** File name at an offset, as #line directives have it. */
  presumedName(offset: number): string {
    return this.#position(offset).name;
  }

  /** The characters from `start` to `end` as a part of the script. */
  span(start: number, end: number): Span | undefined {
    if (this.#scriptStart === undefined) return undefined;
    return {
      start: this.#scriptStart + this.#originalOffset(start),
      end: this.#scriptStart + this.#originalOffset(end),
    };
  }

  /** Says that the line after `offset` is line `line` of the file `name`. */
  renumber(offset: number, line: number, name: string | undefined): void {
    this.#lines.push({ offset, line, name: name ?? this.presumedName(offset) });
  }

  /** An error at some characters of the text. */
  error(message: string, start: number, end = start + 1): CError {
    const kind = message.startsWith("fatal error: ") ? "" : "error: ";
    return new CError(`${this.place(start)}: ${kind}${message}`, this.span(start, end));
  }

  #join(text: string): string {
    const parts: string[] = [];
    let length = 0;
    let from = 0;
    let removed = 0;
    for (const match of text.matchAll(/\\\r?\n/g)) {
      parts.push(text.slice(from, match.index));
      length += match.index - from;
      from = match.index + match[0].length;
      removed += match[0].length;
      this.#joins.push({ at: length, removed });
    }
    parts.push(text.slice(from));
    return parts.join("");
  }

  #originalOffset(offset: number): number {
    const join = lastBefore(this.#joins, (one) => one.at <= offset);
    return offset + (join?.removed ?? 0);
  }

  #position(offset: number): { name: string; line: number; column: number } {
    if (this.#starts === undefined) {
      this.#starts = [0];
      for (const { index } of this.#original.matchAll(/\n/g)) this.#starts.push(index + 1);
    }
    const original = this.#originalOffset(offset);
    const physical = (at: number) => countUpTo(this.#starts!, at);
    const line = physical(original);
    const column = original - this.#starts[line - 1] + 1;
    const change = lastBefore(this.#lines, (one) => one.offset <= offset);
    if (change === undefined) return { name: this.name, line: this.#firstLine + line - 1, column };
    const after = line - physical(this.#originalOffset(change.offset)) - 1;
    return { name: change.name, line: change.line + after, column };
  }
}

/** The last entry of a sorted list for which `holds` is true. */
function lastBefore<T>(list: readonly T[], holds: (entry: T) => boolean): T | undefined {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(list[middle])) low = middle + 1;
    else high = middle;
  }
  return list[low - 1];
}

/** How many entries of a sorted list are at most `value`. */
function countUpTo(list: readonly number[], value: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** An error at a token. */
export function errorAt(token: CToken, message: string): CError {
  return token.file.error(message, token.offset, token.offset + token.text.length);
}

/** A token with another text at the place of an existing token. */
export function tokenLike(at: CToken, kind: TokenKind, text: string): CToken {
  const { file, offset, spaced, first } = at;
  return { kind, text, file, offset, spaced, first, blocked: false };
}

// Pure: no I/O, no FFI.
// C text to preprocessing tokens. White space and comments are left out.

import type { CFile, CToken, TokenKind } from "./c_token.ts";

const NEWLINE = 10;
const QUOTE = 34;
const HASH = 35;
const APOSTROPHE = 39;
const STAR = 42;
const DOT = 46;
const SLASH = 47;
const BACKSLASH = 92;

/** Punctuators of two or three characters, the longer ones first. */
const LONG_PUNCTUATORS = [
  ...["...", "<<=", ">>="],
  ...["->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "##"],
  ...["+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="],
];
const LONG_BY_FIRST = Map.groupBy(LONG_PUNCTUATORS, (one) => one.charCodeAt(0));
/** What may stand before the quote of a string or a character constant. */
const PREFIX = /^(L|u|U|u8)$/;

function isWordStart(code: number): boolean {
  return code >= 97 && code <= 122 || code >= 65 && code <= 90 || code === 95 || code === 36 ||
    code > 127;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 13 || code === 12 || code === 11;
}

/** Reads the tokens of a file from the first to the last. */
export class CLexer {
  /** File whose tokens the lexer reads. */
  readonly file: CFile;
  readonly #text: string;
  #at = 0;
  #first = true;

  /** Starts at an offset in the file's text. */
  constructor(file: CFile, offset = 0) {
    this.file = file;
    this.#text = file.text;
    this.#at = offset;
  }

  /** Index of the next character. */
  get offset(): number {
    return this.#at;
  }

  /** The next token of the file, or undefined at the end. */
  next(): CToken | undefined {
    const spaced = this.#skipBlanks(true);
    return this.#at >= this.#text.length ? undefined : this.#token(spaced);
  }

  /** The next token of the same line, or undefined at the end of the line. */
  nextInLine(): CToken | undefined {
    const spaced = this.#skipBlanks(false);
    if (this.#at >= this.#text.length || this.#text.charCodeAt(this.#at) === NEWLINE) {
      return undefined;
    }
    return this.#token(spaced);
  }

  /** All other tokens of the line. */
  restOfLine(): CToken[] {
    const tokens: CToken[] = [];
    for (let token = this.nextInLine(); token !== undefined; token = this.nextInLine()) {
      tokens.push(token);
    }
    return tokens;
  }

  /**
   * The name in `<name>` if that comes next.
   *
   * @returns Undefined if something else comes next; nothing is read then.
   */
  angledName(): string | undefined {
    this.#skipBlanks(false);
    if (this.#text[this.#at] !== "<") return undefined;
    const end = this.#text.indexOf(">", this.#at);
    const name = this.#text.slice(this.#at + 1, end);
    if (end < 0 || name.includes("\n")) return undefined;
    this.#at = end + 1;
    return name;
  }

  /** Goes to the next line that starts with `#`; false if there is none. */
  skipToDirective(): boolean {
    const text = this.#text;
    for (;;) {
      this.#skipBlanks(true);
      if (this.#at >= text.length) return false;
      if (this.#first && text.charCodeAt(this.#at) === HASH) return true;
      this.skipLine();
    }
  }

  /** Passes over the rest of a line. A comment that starts in the line belongs to the line. */
  skipLine(): void {
    const text = this.#text;
    for (; this.#at < text.length; this.#at++) {
      const code = text.charCodeAt(this.#at);
      if (code === NEWLINE) return;
      if (code === QUOTE || code === APOSTROPHE) {
        this.#at = this.#endOfQuoted(this.#at) - 1;
      } else if (code === SLASH) {
        const before = this.#at;
        this.#skipBlanks(false);
        if (this.#at > before) this.#at--;
      }
    }
  }

  /** Passes over white space and comments, and over ends of lines if `lines` is set. */
  #skipBlanks(lines: boolean): boolean {
    const text = this.#text;
    const start = this.#at;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (isBlank(code)) {
        this.#at++;
      } else if (code === NEWLINE) {
        if (!lines) break;
        this.#at++;
        this.#first = true;
      } else if (code === SLASH && text.charCodeAt(this.#at + 1) === STAR) {
        const end = text.indexOf("*/", this.#at + 2);
        if (end < 0) throw this.file.error("unterminated comment", this.#at, this.#at + 2);
        this.#at = end + 2;
      } else if (code === SLASH && text.charCodeAt(this.#at + 1) === SLASH) {
        const end = text.indexOf("\n", this.#at);
        this.#at = end < 0 ? text.length : end;
      } else {
        break;
      }
    }
    return this.#at > start;
  }

  #token(spaced: boolean): CToken {
    const start = this.#at;
    const kind = this.#scan();
    const text = this.#text.slice(start, this.#at);
    const { file } = this;
    const first = this.#first;
    this.#first = false;
    return { kind, text, file, offset: start, spaced, first, blocked: false };
  }

  #scan(): TokenKind {
    const text = this.#text;
    const start = this.#at;
    const code = text.charCodeAt(start);
    if (isWordStart(code)) {
      let at = start + 1;
      for (let next = text.charCodeAt(at); isWordStart(next) || isDigit(next);) {
        next = text.charCodeAt(++at);
      }
      this.#at = at;
      const quote = text.charCodeAt(at);
      if ((quote === QUOTE || quote === APOSTROPHE) && PREFIX.test(text.slice(start, at))) {
        return this.#quoted(at);
      }
      return "word";
    }
    if (isDigit(code) || code === DOT && isDigit(text.charCodeAt(start + 1))) {
      this.#scanNumber();
      return "number";
    }
    if (code === QUOTE || code === APOSTROPHE) return this.#quoted(start);
    const long = LONG_BY_FIRST.get(code)?.find((one) => text.startsWith(one, start));
    this.#at += long?.length ?? 1;
    return "punct";
  }

  #scanNumber(): void {
    const text = this.#text;
    for (this.#at++;; this.#at++) {
      const code = text.charCodeAt(this.#at);
      if (isDigit(code) || isWordStart(code) || code === DOT) continue;
      const sign = code === 43 || code === 45;
      if (sign && "eEpP".includes(text[this.#at - 1])) continue;
      return;
    }
  }

  #quoted(at: number): TokenKind {
    const end = this.#endOfQuoted(at);
    this.#at = end;
    // A lone quote is a token of its own: text of assembly and of #error has such quotes.
    if (this.#text[end - 1] !== this.#text[at] || end === at + 1) return "punct";
    return this.#text[at] === '"' ? "string" : "char";
  }

  /** Index after the closing quote, or the end of the line. */
  #endOfQuoted(at: number): number {
    const text = this.#text;
    const quote = text.charCodeAt(at);
    for (let i = at + 1; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === quote) return i + 1;
      if (code === NEWLINE) return i;
      if (code === BACKSLASH) i++;
    }
    return text.length;
  }
}

/** All tokens of a text. */
export function tokenize(file: CFile): CToken[] {
  const lexer = new CLexer(file);
  const tokens: CToken[] = [];
  for (let token = lexer.next(); token !== undefined; token = lexer.next()) tokens.push(token);
  return tokens;
}

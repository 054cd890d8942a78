// Output bytes: collected while records are read, written when a round of reading ends. Putting a
// number or a short string allocates nothing.

import { safeJson, safeUtf8 } from "../../core/safe_text.ts";

/** Takes bytes and writes all of them, or throws. */
export type Sink = (bytes: Uint8Array) => void;

const FLUSH_BYTES = 1 << 16;
const NINE_DIGITS = 1e9;
const ZERO = 0x30;
/** Added to 10 gives the letter a. */
const LETTER = 0x57;
const SPACE = 0x20;
const MINUS = 0x2d;
const QUOTE = 0x22;
const DELETE = 0x7f;
const BACKSLASH = 0x5c;
const OPEN = 0x28;
const CLOSE = 0x29;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

const encoder = new TextEncoder();

/** How text is widened to a number of characters. */
export interface PadOptions {
  /** To at least so many bytes. */
  readonly width: number;
  /** Spaces to the right. */
  readonly left: boolean;
  /** Zeros instead of spaces, to the left. */
  readonly zero: boolean;
}

/** A growing buffer in front of a sink. */
export class Out {
  #bytes = new Uint8Array(FLUSH_BYTES * 2);
  #length = 0;
  readonly #sink: Sink;
  readonly #isTerminal: boolean;

  /**
   * Makes an empty buffer.
   *
   * @param sink Called by {@linkcode flush}.
   * @param isTerminal True if what a terminal would obey is escaped, unless the script says it
   * itself ({@linkcode own}).
   */
  constructor(sink: Sink, isTerminal = false) {
    this.#sink = sink;
    this.#isTerminal = isTerminal;
  }

  /** Bytes collected; a mark for {@linkcode pad}. */
  get length(): number {
    return this.#length;
  }

  /** Writes what was collected. */
  flush(): void {
    if (this.#length === 0) return;
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    this.#sink(bytes);
  }

  /** Flushes once there is much. */
  flushIfLarge(): void {
    if (this.#length >= FLUSH_BYTES) this.flush();
  }

  /** Appends one byte to the output. */
  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  /** A string whose characters are bytes, as the lexer makes them and as maps hold them. */
  text(value: string): void {
    const { length } = value;
    this.#room(length);
    const bytes = this.#bytes;
    const start = this.#length;
    for (let i = 0; i < length; i++) bytes[start + i] = value.charCodeAt(i);
    this.#length = start + length;
    if (this.#isTerminal) this.#secure(start);
  }

  /** Bytes that the script itself wants to be written, such as the text of a format. */
  own(bytes: Uint8Array | string): void {
    const length = bytes.length;
    this.#room(length);
    for (let i = 0; i < length; i++) {
      this.#bytes[this.#length++] = typeof bytes === "string" ? bytes.charCodeAt(i) : bytes[i];
    }
  }

  /** Text of this process. */
  utf8(value: string): void {
    // A character of a string has at most three bytes.
    this.#room(value.length * 3);
    const start = this.#length;
    this.#length += encoder.encodeInto(value, this.#bytes.subarray(start)).written;
    if (this.#isTerminal) this.#secure(start);
  }

  /** Appends bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    const start = this.#length;
    this.#bytes.set(bytes, start);
    this.#length += bytes.length;
    if (this.#isTerminal) this.#secure(start);
  }

  /** Appends a piece of bytes as they are. */
  copy(from: Uint8Array, start: number, end: number): void {
    const mark = this.#length;
    this.#room(end - start);
    const bytes = this.#bytes;
    for (let i = start, at = mark; i < end; i++, at++) bytes[at] = from[i];
    this.#length = mark + end - start;
    if (this.#isTerminal) this.#secure(mark);
  }

  /**
   * A C string out of memory.
   *
   * @returns Bytes written: up to the NUL, `limit` at most.
   */
  cString(from: Uint8Array, at: number, limit: number): number {
    this.#room(limit);
    const bytes = this.#bytes;
    const start = this.#length;
    for (let i = at; i < at + limit && from[i] !== 0; i++) bytes[this.#length++] = from[i];
    const written = this.#length - start;
    if (this.#isTerminal) this.#secure(start);
    return written;
  }

  /** Escapes what a terminal would obey in what was put since `mark`. */
  #secure(mark: number): void {
    const safe = safeUtf8(this.#bytes.subarray(mark, this.#length));
    if (safe === undefined) return;
    const bytes = new TextEncoder().encode(safe);
    this.#length = mark;
    this.#room(bytes.length);
    this.#bytes.set(bytes, mark);
    this.#length += bytes.length;
  }

  /** An integer of at most 53 bits. */
  decimal(value: number): void {
    this.#room(20);
    if (value < 0) {
      this.#bytes[this.#length++] = MINUS;
      value = -value;
    }
    // V8 divides integers of 32 bits several times faster than others: nine digits fit.
    if (value < NINE_DIGITS) return this.#digits(value | 0, 0);
    const upper = Math.floor(value / NINE_DIGITS);
    this.#digits(upper | 0, 0);
    this.#digits((value - upper * NINE_DIGITS) | 0, 9);
  }

  /** Digits of an integer of 31 bits; so many at least, with zeros in front. */
  #digits(value: number, least: number): void {
    let digits = 1;
    for (let rest = (value / 10) | 0; rest > 0; rest = (rest / 10) | 0) digits++;
    if (digits < least) digits = least;
    for (let i = this.#length + digits - 1; i >= this.#length; i--) {
      const rest = (value / 10) | 0;
      this.#bytes[i] = ZERO + (value - rest * 10);
      value = rest;
    }
    this.#length += digits;
  }

  /** An unsigned number of 64 bits in hexadecimal, by its halves of 32 bits, without leading zeros. */
  hexadecimal(high: number, low: number): void {
    this.#room(16);
    const top = high === 0 ? low : high;
    let digits = (35 - Math.clz32(top)) >> 2 || 1;
    if (high !== 0) digits += 8;
    const bytes = this.#bytes;
    const end = this.#length + digits;
    let rest = low;
    for (let i = 1; i <= digits; i++) {
      const digit = rest & 15;
      bytes[end - i] = digit < 10 ? ZERO + digit : LETTER + digit;
      rest = i === 8 ? high : rest >>> 4;
    }
    this.#length = end;
  }

  /**
   * Brings what was put since `mark` to a width, in bytes: on the left or on the right, with spaces or with
   * zeros, which stand before a sign as well.
   */
  pad(mark: number, { width, left, zero }: PadOptions): void {
    const missing = width - (this.#length - mark);
    if (missing <= 0) return;
    this.#room(missing);
    if (!left) this.#bytes.copyWithin(mark + missing, mark, this.#length);
    const at = left ? this.#length : mark;
    this.#bytes.fill(zero ? ZERO : SPACE, at, at + missing);
    this.#length += missing;
  }

  /** Puts brackets around what was put since `mark`, instead of parentheses if such a pair encloses it. */
  bracket(mark: number): void {
    const bytes = this.#bytes;
    const last = this.#length - 1;
    if (last > mark && bytes[mark] === OPEN && bytes[last] === CLOSE) {
      bytes[mark] = OPEN_BRACKET;
      bytes[last] = CLOSE_BRACKET;
      return;
    }
    this.#room(2);
    this.#bytes.copyWithin(mark + 1, mark, this.#length);
    this.#bytes[mark] = OPEN_BRACKET;
    this.#bytes[this.#length + 1] = CLOSE_BRACKET;
    this.#length += 2;
  }

  /** Takes back what was put since `mark` and returns it, one character a byte. */
  take(mark: number): string {
    let text = "";
    for (let i = mark; i < this.#length; i++) text += String.fromCharCode(this.#bytes[i]);
    this.#length = mark;
    return text;
  }

  /** Escapes what was put since `mark` for a JSON string. */
  escape(mark: number): void {
    const bytes = this.#bytes;
    let plain = true;
    for (let i = mark; i < this.#length && plain; i++) {
      const byte = bytes[i];
      plain = byte >= SPACE && byte < DELETE && byte !== QUOTE && byte !== BACKSLASH;
    }
    if (plain) return;
    const text = this.take(mark);
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      const short = ESCAPES[text[i]];
      if (short !== undefined) this.text(short);
      else if (c < SPACE) this.text(`\\u${c.toString(16).padStart(4, "0")}`);
      else this.byte(c);
    }
    try {
      const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
      const json = decoder.decode(this.#bytes.subarray(mark, this.#length));
      const safe = safeJson(json);
      if (safe === json) return;
      this.#length = mark;
      this.utf8(safe);
    } catch {
      // Bytes that are no UTF-8 stay: nothing takes them for characters.
    }
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

// Pure: no I/O, no FFI.
// Bytes as text, as vis(3) and kdump show them.

import { latin1 } from "../ktrace/formats/bytes.ts";
import type { Out } from "../../language/output/output_buffer.ts";
import { isHarmful } from "../../core/safe_text.ts";

const WIDTH = 80;
const TAB = 9;
const NEWLINE = 10;
const QUOTE = 34;
const BACKSLASH = 92;
/** Each character of ASCII as a string. */
const CHARACTERS = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
const ESCAPES: Readonly<Record<number, string>> = {
  0: "\\0",
  7: "\\a",
  8: "\\b",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  92: "\\\\",
};

/** Yields characters of UTF-8 as they are shown; other bytes become escapes. */
function* characters(data: Uint8Array): Generator<string> {
  for (let at = 0; at < data.length;) {
    const byte = data[at];
    const length = sequenceLength(byte);
    const char = length > 1 ? decode(data.subarray(at, at + length)) : undefined;
    if (char !== undefined) {
      yield char;
      at += length;
      continue;
    }
    if (byte === 9 || byte === 10 || (byte >= 32 && byte < 127 && byte !== 92)) {
      yield String.fromCharCode(byte);
    } else {
      yield ESCAPES[byte] ?? `\\${byte.toString(8).padStart(3, "0")}`;
    }
    at++;
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.length > 0 && !isHarmful(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Quotes data on one line, with escapes for newlines, tabs and quotes. */
export function quoted(data: Uint8Array): string {
  let text = "";
  for (const byte of data) {
    // Most data are names and paths in ASCII.
    if (byte < 32 || byte > 126 || byte === 34 || byte === 92) return quotedSlowly(data);
    text += String.fromCharCode(byte);
  }
  return `"${text}"`;
}

/** Puts a piece of bytes as {@linkcode quoted} shows data. */
export function putQuoted(out: Out, bytes: Uint8Array, start: number, end: number): void {
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte < 32 || byte > 126 || byte === 34 || byte === 92) {
      return out.utf8(quotedSlowly(bytes.subarray(start, end)));
    }
  }
  out.byte(QUOTE);
  out.copy(bytes, start, end);
  out.byte(QUOTE);
}

function quotedSlowly(data: Uint8Array): string {
  let text = "";
  for (const char of characters(data)) {
    text += char === "\n" ? "\\n" : char === "\t" ? "\\t" : char === '"' ? '\\"' : char;
  }
  return `"${text}"`;
}

/** Shows the name of a thread, whose characters are bytes: a thread may call itself anything. */
export function nameText(name: string): string {
  let shown = names.get(name);
  if (shown === undefined) {
    if (names.size === MOST_NAMES) names.clear();
    names.set(name, shown = quoted(latin1(name)).slice(1, -1));
  }
  return shown;
}

/** Names as they are shown: a trace has few, and many records of each. */
const names = new Map<string, string>();
const MOST_NAMES = 4096;

/** Shows text on lines of its own, indented and folded at 80 columns. */
export function visible(data: Uint8Array): string {
  let text = '       "';
  let column = 8;
  const put = (char: string, width: number) => {
    if (column === 0) {
      text += "\t";
      column = 8;
    }
    if (column + width > WIDTH - 2) {
      text += "\\\n\t";
      column = 8;
    }
    column += width;
    text += char;
  };
  for (let at = 0; at < data.length;) {
    const byte = data[at];
    if (byte === NEWLINE) {
      text += column === 0 ? "\t\n" : "\n";
      column = 0;
      at++;
    } else if (byte === TAB) {
      put("\t", 8 - ((column || 8) & 7));
      at++;
    } else if (byte >= 32 && byte < 127 && byte !== BACKSLASH) {
      // A run of plain characters, as far as the line has room.
      if (column === 0) {
        text += "\t";
        column = 8;
      } else if (column + 1 > WIDTH - 2) {
        text += "\\\n\t";
        column = 8;
      }
      const most = at + WIDTH - 2 - column;
      const from = at;
      while (at < data.length && at < most && isPlain(data[at])) at++;
      text += ascii(data, from, at);
      column += at - from;
    } else {
      const length = sequenceLength(byte);
      const char = length > 1 ? decode(data.subarray(at, at + length)) : undefined;
      const shown = char ?? ESCAPES[byte] ?? `\\${byte.toString(8).padStart(3, "0")}`;
      put(shown, shown.length);
      at += char === undefined ? 1 : length;
    }
  }
  return `${text}${column === 0 ? "       " : ""}"\n`;
}

function isPlain(byte: number): boolean {
  return byte >= 32 && byte < 127 && byte !== BACKSLASH;
}

/** Text of bytes that are ASCII. */
function ascii(data: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let i = from; i < to; i++) text += CHARACTERS[data[i]];
  return text;
}

/** Bytes of a character of UTF-8 by its first byte; 0 for a byte that begins none. */
function sequenceLength(byte: number): number {
  return byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 0;
}

/** True if the data has control characters other than white space and NUL, or is not UTF-8. */
export function isBinary(data: Uint8Array): boolean {
  let isAscii = true;
  for (const byte of data) {
    if (byte > 127) isAscii = false;
    else if (
      (byte < 32 && byte !== 0 && byte !== TAB && byte !== NEWLINE && byte !== 13) || byte === 127
    ) {
      return true;
    }
  }
  return !isAscii && !isText(data);
}

/** True for UTF-8, whose last character may be cut. */
function isText(data: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(data, { stream: true });
    return true;
  } catch {
    return false;
  }
}

const ROW = 16;

/** Shows data in hexadecimal, 16 bytes a line, with printable characters beside them. */
export function hexdump(data: Uint8Array): string {
  let text = "";
  for (let at = 0; at < data.length; at += ROW) {
    const end = Math.min(at + ROW, data.length);
    text += `       0x${at.toString(16).padStart(4, "0")} `;
    for (let i = at; i < at + ROW; i++) {
      text += i < end ? HEX[data[i]] : "  ";
      if (i % 2 === 1) text += " ";
    }
    text += " |";
    for (let i = at; i < end; i++) {
      text += data[i] < 127 && data[i] >= 32 ? CHARACTERS[data[i]] : ".";
    }
    text += "|\n";
  }
  return text;
}

/** Two digits of each byte. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

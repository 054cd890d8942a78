// Pure: no I/O, no FFI.
// Bytes as text, as vis(3) and kdump show them.

import { latin1 } from "../ktrace/formats/bytes.ts";
import { isHarmful } from "../../core/safe_text.ts";

const WIDTH = 80;
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
    const length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 0;
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
  for (const char of characters(data)) {
    text += char === "\n" ? "\\n" : char === "\t" ? "\\t" : char === '"' ? '\\"' : char;
  }
  return `"${text}"`;
}

/** Shows the name of a thread, whose characters are bytes: a thread may call itself anything. */
export function nameText(name: string): string {
  return quoted(latin1(name)).slice(1, -1);
}

/** Shows text on lines of its own, indented and folded at 80 columns. */
export function visible(data: Uint8Array): string {
  let text = '       "';
  let column = 8;
  for (const char of characters(data)) {
    if (column === 0) {
      text += "\t";
      column = 8;
    }
    if (char === "\n") {
      text += "\n";
      column = 0;
      continue;
    }
    const width = char === "\t" ? 8 - (column & 7) : char.length;
    if (column + width > WIDTH - 2) {
      text += "\\\n\t";
      column = 8;
    }
    column += width;
    text += char;
  }
  return `${text}${column === 0 ? "       " : ""}"\n`;
}

/** True if the data has control characters other than white space and NUL, or is not UTF-8. */
export function isBinary(data: Uint8Array): boolean {
  return data.some((byte) => (byte < 32 || byte === 127) && ![0, 9, 10, 13].includes(byte)) ||
    !isText(data);
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
    const row = data.subarray(at, at + ROW);
    let pairs = "";
    for (let i = 0; i < ROW; i++) {
      pairs += i < row.length ? row[i].toString(16).padStart(2, "0") : "  ";
      if (i % 2 === 1) pairs += " ";
    }
    const chars = [...row].map((byte) =>
      byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "."
    );
    text += `       0x${at.toString(16).padStart(4, "0")} ${pairs} |${chars.join("")}|\n`;
  }
  return text;
}

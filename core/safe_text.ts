// Pure: no I/O, no FFI.
// Makes text that others have chosen harmless: names of processes, arguments, paths, messages. A
// terminal obeys control characters, also those of C1 (U+0080 to U+009F), and marks of direction let
// a line read otherwise than its characters stand.

/** Control characters but newline and tab, and the marks and isolates of direction. */
const HARMFUL =
  // deno-lint-ignore no-control-regex -- they are what must not reach a terminal
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\r": "\\r" };

/** An escape for a character, as shells and C take it: `\x1b`, `\u202e`. */
function escape(char: string): string {
  const code = char.charCodeAt(0);
  const hex = code.toString(16);
  return SHORT[char] ??
    (code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`);
}

/** True if a character would be escaped by {@linkcode safeLines}. */
export function isHarmful(char: string): boolean {
  HARMFUL.lastIndex = 0;
  return HARMFUL.test(char);
}

/** Escapes what could harm in text of several lines: newlines and tabs stay. */
export function safeLines(text: string): string {
  return text.replace(HARMFUL, escape);
}

/** Escapes what could harm in a piece of a line: newlines and tabs, too. */
export function safeText(text: string): string {
  return safeLines(text).replace(/[\n\t]/g, escape);
}

/** Escapes what could harm in JSON text; the values stay the same. */
export function safeJson(json: string): string {
  return json.replace(HARMFUL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Escapes what could harm in bytes of UTF-8, as {@linkcode safeLines} does in text; bytes that are
 * no UTF-8 become `\xff`.
 *
 * @returns The text in ASCII and UTF-8; undefined if the bytes are harmless as they are.
 */
export function safeUtf8(bytes: Uint8Array): string | undefined {
  if (bytes.every((byte) => byte === 9 || byte === 10 || (byte >= 0x20 && byte < 0x7f))) {
    return undefined;
  }
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    const text = decoder.decode(bytes);
    const safe = safeLines(text);
    return safe === text ? undefined : safe;
  } catch {
    // Bytes that are no UTF-8 are found one by one.
  }
  let safe = "";
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at];
    const length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    try {
      safe += safeLines(decoder.decode(bytes.subarray(at, at + length)));
      at += length;
    } catch {
      safe += `\\x${byte.toString(16)}`;
      at++;
    }
  }
  return safe;
}

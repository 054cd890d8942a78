// Pure: no I/O, no FFI.
// The text of an attach point, "provider:part:part": where the text ends in a script, and its parts. Parts
// are separated by colons; quotes keep colons, commas, braces, slashes and white space together and do not
// belong to the part.

import { PLACEHOLDER } from "./token.ts";

/** Types of probes whose second part is a file, which may be named by a path with slashes. */
const FILE_TYPES = ["uprobe", "uretprobe", "usdt", "u", "ur", "U"];

/**
 * The offset behind an attach point: at white space, `,` or `{` outside quotes, or at the `/` that begins a
 * predicate. A slash belongs to the attach point in the name of a file, and in a part that begins with a
 * slash.
 *
 * @param start Where the attach point begins.
 * @param hasValues True if the text has places for values.
 */
export function attachPointEnd(text: string, start: number, hasValues = false): number {
  let type = "";
  let part = "";
  let index = 0;
  let quoted = false;
  let at = start;
  for (; at < text.length; at++) {
    const c = text[at];
    if (c === "\\" && quoted) at++;
    else if (c === '"') quoted = !quoted;
    else if (quoted) part += c;
    else if (hasValues && c === "$" && valueLength(text, at) > 0) at += valueLength(text, at) - 1;
    else if (/[\s,{]/.test(c)) break;
    else if (c === ":") {
      if (index++ === 0) type = part;
      part = "";
    } else if (c === "/" && index === 1 && (isFileType(type) || part.startsWith("."))) part += c;
    else if (c === "/" && part !== "" && !part.includes("/")) break;
    else part += c;
  }
  return at;
}

/** Length of the value that stands at an offset, 0 if none does. */
function valueLength(text: string, at: number): number {
  PLACEHOLDER.lastIndex = at;
  return PLACEHOLDER.exec(text)?.[0].length ?? 0;
}

/** True if the type's probes name a file in their second part. */
function isFileType(text: string): boolean {
  const type = text.replace(/^\w+=/, "");
  return FILE_TYPES.includes(type) || FILE_TYPES.includes(type.toLowerCase());
}

/** The parts of an attach point, quotes removed and escaped characters in quotes as themselves. */
export function splitAttachPoint(text: string): string[] {
  const parts = [""];
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const c = text[at];
    if (c === "\\" && quoted && at + 1 < text.length) parts[parts.length - 1] += text[++at];
    else if (c === '"') quoted = !quoted;
    else if (c === ":" && !quoted) parts.push("");
    else parts[parts.length - 1] += c;
  }
  return parts;
}

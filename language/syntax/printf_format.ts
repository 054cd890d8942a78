// Pure: no I/O, no FFI.
// printf format strings, parsed once.

/** One conversion specification, such as `%5d`. */
export interface Conversion {
  /** Letters that end the specification and choose the form of the value. */
  readonly conversion:
    | "d"
    | "i"
    | "u"
    | "o"
    | "x"
    | "X"
    | "c"
    | "s"
    | "p"
    | "r"
    | "rx"
    | "rh"
    | "gr";
  /** Bits of an integer that are printed. */
  readonly bits: 8 | 16 | 32 | 64;
  /** Minimum width; 0 for none. */
  readonly width: number;
  /** Flag `-`: the value stands at the left of its width. */
  readonly left: boolean;
  /** Flag `0`: zeros instead of spaces fill the width. */
  readonly zero: boolean;
  /** Flag `+`: numbers that are not negative have a plus sign. */
  readonly plus: boolean;
  /** Flag `#`: octal and hexadecimal numbers have their prefix. */
  readonly alternate: boolean;
}

/** A part of a format: text or a conversion. */
export type FormatPart = string | Conversion;

/**
 * `%`, then flags in this order (`-`, `+`, a space or `#`), a width, a precision, length modifiers, and the
 * conversion; or `%` and a second `%`, with ignored flags and width between. A width that begins with 0
 * pads with zeros. Any other `%` is text.
 */
const SPECIFICATION =
  /%(-?)(\+?)([ #]?)(\d+|\*)?(?:\.(?:\d+|\*))?(?:([hlLjzt]*)(rx|rh|gr|[diouxXcsprnaAeEfFgG])|%)/g;
const CONVERSIONS = "d i u o x X c s p r rx rh gr".split(" ");

/** Bits of an integer that length modifiers stand for. */
function bitsOf(modifiers: string): Conversion["bits"] {
  if (modifiers === "" || modifiers.startsWith("L")) return 32;
  if (modifiers.startsWith("hh")) return 8;
  return modifiers.startsWith("h") ? 16 : 64;
}

/**
 * Parses a format. Without a length modifier 32 bits of an integer are printed; a space flag, a
 * precision and `*` are accepted and ignored.
 *
 * @returns Parts, or the conversion of C that the language does not have.
 */
export function parseFormat(format: string): FormatPart[] | { readonly unsupported: string } {
  const parts: FormatPart[] = [];
  let text = "";
  let at = 0;
  for (const match of format.matchAll(SPECIFICATION)) {
    text += format.slice(at, match.index);
    at = match.index + match[0].length;
    const [, minus, plus, other, width = "", modifiers, conversion] = match;
    if (conversion === undefined) {
      text += "%";
      continue;
    }
    if (!CONVERSIONS.includes(conversion)) return { unsupported: conversion };
    if (text !== "") parts.push(text);
    text = "";
    parts.push({
      conversion: conversion as Conversion["conversion"],
      bits: bitsOf(modifiers),
      width: width === "*" ? 0 : Number(width),
      left: minus !== "",
      zero: width.startsWith("0"),
      plus: plus !== "",
      alternate: other === "#",
    });
  }
  text += format.slice(at);
  if (text !== "") parts.push(text);
  return parts;
}

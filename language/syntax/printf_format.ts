// Pure: no I/O, no FFI.
// printf format strings, parsed once.

/** One conversion specification, such as `%5d`. */
export interface Conversion {
  /** Conversion character. */
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
  /** `-` */
  readonly left: boolean;
  /** `0` */
  readonly zero: boolean;
  /** `+` */
  readonly plus: boolean;
  /** `#` */
  readonly alternate: boolean;
}

/** Text or a conversion. */
export type FormatPart = string | Conversion;

const SPECIFICATION =
  /%(?:%|([-+ #0]*)(\d+|\*)?(?:\.(\d+|\*))?(hh|h|ll|l|j|z|t|L)?(rx|rh|gr|[A-Za-z]))/g;
const CONVERSIONS = "d i u o x X c s p r rx rh gr".split(" ");
const BITS: Readonly<Record<string, 8 | 16 | 32 | 64>> = {
  hh: 8,
  h: 16,
  l: 64,
  ll: 64,
  j: 64,
  z: 64,
  t: 64,
  L: 64,
};

/**
 * Parses a format. Without a length modifier 32 bits of an integer are printed; a space flag, a
 * precision and `*` are accepted and ignored.
 *
 * @returns Parts, or the conversion that is not known.
 */
export function parseFormat(format: string): FormatPart[] | { readonly unknown: string } {
  const parts: FormatPart[] = [];
  let at = 0;
  const text = (until: number) => {
    if (until > at) parts.push(format.slice(at, until));
  };
  for (const match of format.matchAll(SPECIFICATION)) {
    text(match.index);
    at = match.index + match[0].length;
    if (match[0] === "%%") {
      parts.push("%");
      continue;
    }
    const [all, flags, width, , modifier, conversion] = match;
    if (!CONVERSIONS.includes(conversion)) return { unknown: all };
    parts.push({
      conversion: conversion as Conversion["conversion"],
      bits: BITS[modifier] ?? 32,
      width: width === undefined || width === "*" ? 0 : Number(width),
      left: flags.includes("-"),
      zero: flags.includes("0"),
      plus: flags.includes("+"),
      alternate: flags.includes("#"),
    });
  }
  const rest = format.slice(at);
  const stray = /%.?/.exec(rest);
  if (stray !== null) return { unknown: stray[0] };
  text(format.length);
  return parts;
}

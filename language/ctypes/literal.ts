// Pure: no I/O, no FFI.
// Numbers and character constants of C: value and type.

import { C_CHAR, C_INT, C_LONG, C_UNSIGNED, C_UNSIGNED_LONG, type CType } from "./c_type.ts";

/** A constant with its type. */
export interface Literal {
  /** Number that the constant stands for. */
  readonly value: bigint;
  /** The C type of the constant. */
  readonly type: CType;
}

const INTEGER = /^(0[xX][0-9A-Fa-f']+|0[bB][01']+|0[0-7']*|[1-9][0-9']*)([uUlLzZ]*)$/;
const ESCAPES: Readonly<Record<string, number>> = {
  ...{ n: 10, t: 9, r: 13, a: 7, b: 8, f: 12, v: 11, e: 27, E: 27 },
  ...{ "\\": 92, "'": 39, '"': 34, "?": 63 },
};

/** An integer as C has integers; undefined if the text is none or has no room in 64 bits. */
export function integerLiteral(text: string): Literal | undefined {
  const match = INTEGER.exec(text);
  if (match === null) return undefined;
  const digits = match[1].replaceAll("'", "");
  const suffix = match[2].toLowerCase();
  if (!/^(u?(l|ll|z)?|(l|ll|z)u)$/.test(suffix)) return undefined;
  const decimal = /^[1-9]/.test(digits);
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (value >= 1n << 64n) return undefined;
  const unsigned = suffix.includes("u");
  const long = /[lz]/.test(suffix);
  const fits = (bits: bigint) => value < 1n << bits;
  if (!long && !unsigned && fits(31n)) return { value, type: C_INT };
  if (!long && (unsigned || !decimal) && fits(32n)) return { value, type: C_UNSIGNED };
  if (!unsigned && fits(63n)) return { value, type: C_LONG };
  return { value, type: C_UNSIGNED_LONG };
}

/** A character constant such as 'a', '\n' or L'x'; undefined if the text is none. */
export function charLiteral(text: string): Literal | undefined {
  const match = /^(L|u8|u|U)?'(.+)'$/su.exec(text);
  if (match === null) return undefined;
  const units = characters(match[2]);
  if (units === undefined) return undefined;
  if (match[1] !== undefined && match[1] !== "u8") {
    return units.length === 1 ? { value: BigInt(units[0]), type: C_INT } : undefined;
  }
  const bytes = units.flatMap((unit) =>
    unit < 256 ? [unit] : [...new TextEncoder().encode(String.fromCodePoint(unit))]
  );
  if (bytes.length === 1) return { value: BigInt.asIntN(8, BigInt(bytes[0])), type: C_INT };
  // Several characters: one byte after the other, as gcc has them.
  const value = bytes.reduce((sum, byte) => sum << 8n | BigInt(byte), 0n);
  return { value: BigInt.asIntN(32, value), type: C_INT };
}

/** Code points of the text between quotes; undefined if an escape is not known. */
function characters(text: string): number[] | undefined {
  const units: number[] = [];
  const pattern = /\\x([0-9A-Fa-f]+)|\\([0-7]{1,3})|\\u([0-9A-Fa-f]{4})|\\(.)|([^\\])/gsu;
  let end = 0;
  for (const [all, hex, octal, universal, escape, other] of text.matchAll(pattern)) {
    end += all.length;
    if (hex !== undefined || universal !== undefined) units.push(parseInt(hex ?? universal, 16));
    else if (octal !== undefined) units.push(parseInt(octal, 8));
    else if (other !== undefined) units.push(other.codePointAt(0)!);
    else if (escape in ESCAPES) units.push(ESCAPES[escape]);
    else return undefined;
  }
  return end === text.length && units.length > 0 ? units : undefined;
}

/** The characters of a string constant, or undefined if the text is none. */
export function stringLiteral(text: string): string | undefined {
  const match = /^(?:u8)?"(.*)"$/su.exec(text);
  const units = match === null ? undefined : match[1] === "" ? [] : characters(match[1]);
  return units && String.fromCodePoint(...units);
}

/** Type of a string constant's elements. */
export const STRING_ELEMENT = C_CHAR;

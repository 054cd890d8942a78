// Pure: no I/O, no FFI.
// Integers as scripts write them, in expressions and in attach points.

import { DURATION_NS } from "../../core/duration.ts";

/**
 * The value of an integer literal, undefined if the text is none: decimal, octal (leading 0), hexadecimal,
 * 1e6, `_` separators, C suffixes (ignored), durations (in nanoseconds).
 */
export function parseInteger(text: string): bigint | undefined {
  const plain = text.replace(/(?<=[0-9A-Fa-f])_+(?=[0-9A-Fa-f])/g, "");
  let match = /^0[xX]([0-9A-Fa-f]+)(?:[uU]?[lL]{0,2})$/.exec(plain);
  if (match !== null) return BigInt(`0x${match[1]}`);
  match = /^([0-9]+)(?:[eE]([0-9]{1,2}))?(ns|us|ms|s|m|h|d)?$/.exec(plain);
  const [, digits, exponent, unit] = match ?? [];
  if (match !== null && (exponent ?? unit) !== undefined) {
    return BigInt(digits) * 10n ** BigInt(exponent ?? 0) * (unit ? DURATION_NS[unit] : 1n);
  }
  match = /^([0-9]+)(?:[uU]?[lL]{0,2})$/.exec(plain);
  if (match === null) return undefined;
  if (!/^0[0-9]/.test(match[1])) return BigInt(match[1]);
  return /^[0-7]+$/.test(match[1]) ? BigInt(`0o${match[1]}`) : undefined;
}

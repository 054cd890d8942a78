// Pure: no I/O, no FFI.

import type { Span } from "./diagnostics.ts";

/** Sort of a token. `punct` covers operators and brackets; the lexer takes the longest that fits. */
export type TokenKind =
  | "integer"
  | "string"
  | "identifier"
  | "variable"
  | "map"
  | "param"
  | "value"
  | "punct"
  | "end";

/** A piece of a script. */
export interface Token {
  /** Sort of the token, such as "identifier". */
  readonly kind: TokenKind;
  /**
   * Identifier; variable, map, parameter and value with their sigil; operator; unescaped text of a string, one character
   * a byte of its UTF-8; digits of an integer as written.
   */
  readonly text: string;
  /** Value of an integer. */
  readonly value?: bigint;
  /** Place of the token in the source. */
  readonly span: Span;
}

/** Matches the place of a value that a program puts into a script, "${1}", by its number from 1. */
export const PLACEHOLDER = /\$\{(\d+)\}/y;

/** Operators and brackets, longest first. */
export const PUNCTUATION: readonly string[] = [
  "<<=",
  ">>=",
  "==",
  "!=",
  "<=",
  ">=",
  "&&",
  "||",
  "<<",
  ">>",
  "++",
  "--",
  "+=",
  "-=",
  "*=",
  "/=",
  "%=",
  "&=",
  "|=",
  "^=",
  "->",
  "?:",
  "..",
  ..."{}()[],;:.?=<>+-*/%&|^!~".split(""),
];

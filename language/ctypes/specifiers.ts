// Pure: no I/O, no FFI.
// The words that make a basic type together: `unsigned long long int`.

import {
  C_BOOL,
  C_CHAR,
  C_INT,
  C_LONG,
  C_UNSIGNED,
  C_UNSIGNED_LONG,
  cFloat,
  cInteger,
  type CType,
  VOID,
} from "./c_type.ts";

/** Other spellings of words. */
const SPELLINGS: Readonly<Record<string, string>> = {
  ...{ __signed: "signed", __signed__: "signed", __complex__: "_Complex", __complex: "_Complex" },
};
const WORDS = new Set([
  ...["void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "_Bool"],
  ...["_Complex", "__int128"],
]);
const FLOATS: Readonly<Record<string, number>> = {
  ...{ float: 4, double: 8, "double long": 16 },
};
const INTEGERS: Readonly<Record<string, CType>> = {
  void: VOID,
  _Bool: C_BOOL,
  char: C_CHAR,
  "char signed": cInteger(1, true, "signed char"),
  "char unsigned": cInteger(1, false, "unsigned char"),
  short: cInteger(2, true, "short"),
  "short unsigned": cInteger(2, false, "unsigned short"),
  int: C_INT,
  unsigned: C_UNSIGNED,
  long: C_LONG,
  "long unsigned": C_UNSIGNED_LONG,
  "long long": cInteger(8, true, "long long"),
  "long long unsigned": cInteger(8, false, "unsigned long long"),
  __int128: cInteger(16, true, "__int128"),
  "__int128 unsigned": cInteger(16, false, "unsigned __int128"),
};

/**
 * Names that are types unless the text declares them: headers written for older compilers do.
 */
const NAMES: Readonly<Record<string, CType>> = {
  bool: C_BOOL,
  __int128_t: cInteger(16, true, "__int128"),
  __uint128_t: cInteger(16, false, "unsigned __int128"),
  ...Object.fromEntries(
    ([
      [2, ["_Float16", "__fp16", "__bf16"]],
      [4, ["_Float32", "_Decimal32"]],
      [8, ["_Float64", "_Float32x", "_Decimal64"]],
      [16, ["_Float128", "_Float64x", "__float128", "_Decimal128", "__ibm128"]],
    ] as const).flatMap(([size, names]) => names.map((name) => [name, cFloat(size, name)])),
  ),
};

/** The type that a name has in every C text, or undefined. */
export function builtinName(name: string): CType | undefined {
  return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
}

/** The common spelling of a word of a basic type; undefined for all other words. */
export function basicWord(word: string): string | undefined {
  const common = Object.hasOwn(SPELLINGS, word) ? SPELLINGS[word] : word;
  return WORDS.has(common) ? common : undefined;
}

/**
 * The type that words make, in any order.
 *
 * @param words In their common spelling.
 * @returns Undefined if the words make no type.
 */
export function basicCType(words: readonly string[]): CType | undefined {
  const rest = words.filter((word) => word !== "_Complex").sort();
  const complex = rest.length < words.length;
  const [kinds, others] = [
    rest.filter((word) => word !== "signed" && word !== "int"),
    rest.filter((word) => word === "signed" || word === "int"),
  ];
  // "int" and "signed" add nothing, but to char, and where they stand alone.
  const key = kinds.length === 0 && others.length > 0
    ? "int"
    : kinds[0] === "char" && others.includes("signed")
    ? "char signed"
    : kinds.join(" ");
  const size = Object.hasOwn(FLOATS, key) ? FLOATS[key] : complex && key === "" ? 8 : undefined;
  if (size !== undefined) return cFloat(complex ? size * 2 : size, words.join(" "), size);
  const found = Object.hasOwn(INTEGERS, key) ? INTEGERS[key] : undefined;
  if (!complex || found === undefined) return found;
  return cFloat(found.size * 2, words.join(" "), found.size);
}

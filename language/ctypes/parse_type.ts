// Pure: no I/O, no FFI.
// C types as providers and headers spell them: "const char *", "struct page *", "u8[6]".

import {
  BOOL,
  CHAR,
  integer,
  NONE,
  pointer,
  type Space,
  type Type,
  UINT64,
} from "../model/types.ts";
import type { TypeScope } from "./scope.ts";

const WORDS: Readonly<Record<string, Type>> = {
  void: NONE,
  bool: BOOL,
  _Bool: BOOL,
  char: CHAR,
  "signed char": integer(1, true),
  "unsigned char": integer(1, false),
  short: integer(2, true),
  "unsigned short": integer(2, false),
  int: integer(4, true),
  unsigned: integer(4, false),
  "unsigned int": integer(4, false),
  long: integer(8, true),
  "unsigned long": integer(8, false),
  size_t: integer(8, false),
  ssize_t: integer(8, true),
  intptr_t: integer(8, true),
  uintptr_t: integer(8, false),
  loff_t: integer(8, true),
  off_t: integer(8, true),
  pid_t: integer(4, true),
  uid_t: integer(4, false),
  gid_t: integer(4, false),
  umode_t: integer(2, false),
  ...Object.fromEntries(
    ([[8, 1], [16, 2], [32, 4], [64, 8]] as const).flatMap(([bits, size]) =>
      ["u", "__u", "uint", "s", "__s", "int"].flatMap((prefix) => {
        const type = integer(size, !prefix.includes("u"));
        return [[`${prefix}${bits}`, type], [`${prefix}${bits}_t`, type]];
      })
    ),
  ),
  // Pointers behind a typedef.
  cap_user_header_t: pointer(NONE, "user"),
  cap_user_data_t: pointer(NONE, "user"),
};

const CACHE = new WeakMap<TypeScope, Map<string, Type>>();

/** A word that names an integer, whatever headers there are. */
export function basicType(words: string): Type | undefined {
  const plain = words.split(" ").filter((word) => word !== "int" || words === "int");
  const normal = plain.join(" ").replace(/^(long|short) unsigned/, "unsigned $1")
    .replace(/long long/, "long").replace(/^signed (?!char)/, "").replace(/^signed$/, "int");
  return Object.hasOwn(WORDS, normal) ? WORDS[normal] : undefined;
}

/** A type as C text; what is not known is a 64-bit word. */
export function parseCType(text: string, scope: TypeScope): Type {
  let cache = CACHE.get(scope);
  if (cache === undefined) CACHE.set(scope, cache = new Map());
  let type = cache.get(text);
  if (type === undefined) cache.set(text, type = parse(text, scope));
  return type;
}

function parse(text: string, scope: TypeScope): Type {
  const space: Space | undefined = /\b__user\b/.test(text) ? "user" : undefined;
  const plain = text.replace(/\b(const|volatile|restrict|__user|__rcu|__percpu|__iomem)\b/g, "")
    .replace(/\s+/g, " ").trim();
  const array = /^(.*?)\s*\[(\d*)\]$/.exec(plain);
  if (array !== null) {
    return { kind: "array", of: parse(array[1], scope), count: Number(array[2]) };
  }
  if (plain.includes("(")) return pointer(NONE); // a function
  const star = plain.lastIndexOf("*");
  if (star >= 0) {
    const to = plain.slice(0, star).trim();
    return {
      kind: "pointer",
      space,
      get to() {
        return parseCType(to, scope);
      },
    };
  }
  return basicType(plain) ?? scope.type(plain) ??
    (plain.startsWith("enum ") ? integer(4, false) : UINT64);
}

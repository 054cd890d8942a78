// -l 'struct NAME': structures as C text.

import { BTF_KIND, type BtfKind, kernelBtf } from "../../core/btf/mod.ts";
import { globMatcher, isPattern } from "../../core/contract/probe_name.ts";
import { BtfTypes } from "../../language/ctypes/btf_types.ts";
import {
  cSize,
  type Field,
  type StructType,
  type Type,
  typeName,
} from "../../language/model/types.ts";

const KINDS: Readonly<Record<string, BtfKind>> = {
  struct: BTF_KIND.STRUCT,
  union: BTF_KIND.UNION,
  enum: BTF_KIND.ENUM,
};

/**
 * Structures, unions or enumerations of the kernel that a pattern as `struct list_*` matches: their
 * C text, or their names, one a line. Empty if the kernel has none.
 *
 * @param whole True for C text.
 */
export function structures(pattern: string, whole: boolean): string {
  const types = new BtfTypes(kernelBtf);
  return named(pattern).map((name) => whole ? structure(types, name) : `${name}\n`).join("");
}

function named(pattern: string): string[] {
  const btf = kernelBtf();
  const [, kind, glob] = /^(\w+)\s+(.*)$/.exec(pattern) ?? [];
  if (btf === null || kind === undefined) return [];
  if (!isPattern(glob)) return btf.find(KINDS[kind], glob) === 0 ? [] : [`${kind} ${glob}`];
  const matches = globMatcher(glob);
  const found = new Set<string>();
  for (const [, name] of btf.names(KINDS[kind])) if (matches(name)) found.add(`${kind} ${name}`);
  return [...found].sort();
}

function structure(types: BtfTypes, name: string): string {
  const type = types.type(name);
  if (type?.kind === "struct") return `vmlinux: ${body(type, "")};\n\n`;
  if (type?.kind === "integer" && type.enumeration !== undefined) {
    const members = [...type.enumeration.names].map(([value, one]) => `${TAB}${one} = ${value},\n`);
    return `vmlinux: enum ${type.enumeration.name} {\n${members.join("")}};\n\n`;
  }
  return "";
}

const TAB = "\t";

function body(type: StructType, indent: string): string {
  const fields = type.fields().map((field) => `${indent}${TAB}${declaration(field, indent)};\n`);
  return `${type.name.trim()} {\n${fields.join("")}${indent}}`;
}

function declaration({ name, type, bits }: Field, indent: string): string {
  let suffix = bits === undefined ? "" : ` : ${bits.width}`;
  let of: Type = type;
  while (of.kind === "array") {
    suffix = `${suffix}[${of.count}]`;
    of = of.of;
  }
  const anonymous = of.kind === "struct" && /^(struct|union) $/.test(of.name);
  const text = anonymous
    ? body(of as StructType, indent + TAB)
    : of.kind === "pointer"
    ? pointerName(of)
    : cName(of);
  return `${text}${name === "" || text.endsWith("*") ? "" : " "}${name}${suffix}`;
}

function pointerName(type: Type): string {
  if (type.kind !== "pointer") return cName(type);
  const to = pointerName(type.to);
  return to.endsWith("*") ? `${to}*` : `${to} *`;
}

const INTEGERS: Readonly<Record<number, string>> = { 1: "char", 2: "short", 4: "int", 8: "long" };

function cName(type: Type): string {
  switch (type.kind) {
    case "integer":
      if (type.enumeration !== undefined) return `enum ${type.enumeration.name}`;
      return `${type.signed ? "" : "unsigned "}${INTEGERS[cSize(type)]}`;
    case "none":
      return "void";
    default:
      return typeName(type);
  }
}

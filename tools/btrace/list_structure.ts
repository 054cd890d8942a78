// -l 'struct NAME': structures as C text.

import { kernelBtf } from "../../core/btf/mod.ts";
import { BtfTypes } from "../../language/ctypes/btf_types.ts";
import {
  cSize,
  type Field,
  type StructType,
  type Type,
  typeName,
} from "../../language/model/types.ts";

/** C text of a kernel structure, union or enumeration; empty if the kernel has none of that name. */
export function structure(name: string): string {
  const types = new BtfTypes(kernelBtf);
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

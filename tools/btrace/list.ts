// -l: probes, their arguments, structures.

import { kernelBtf } from "../../core/btf/mod.ts";
import type { Device } from "../../core/device.ts";
import { BtfTypes } from "./ctypes/btf_types.ts";
import { Source } from "./lang/diagnostics.ts";
import { parse } from "./lang/parser.ts";
import { cSize, type Field, type StructType, type Type, typeName } from "./lang/types.ts";
import type { Options } from "./options.ts";
import { fullName } from "./passes/expand.ts";

/**
 * The listing.
 *
 * @param program Lists the probes of this script.
 */
export function list(device: Device, options: Options, program: string | undefined): string {
  if (program !== undefined) {
    const { clauses } = parse(new Source("stdin", program));
    const points = clauses.flatMap(({ attachPoints }) => attachPoints.map(({ text }) => text));
    return points.map((text) => {
      const name = fullName(text);
      return /^(begin|end)$|^self:/.test(name) ? `${name}\n` : probes(device, name, options);
    }).join("");
  }
  const pattern = options.positional[0] ?? "*";
  if (/^(struct|union|enum)\s/.test(pattern)) {
    return pattern.split(",").map((name) => structure(name.trim())).join("");
  }
  // Without a colon any provider is meant.
  const full = pattern.includes(":") ? fullName(pattern) : pattern === "*" ? "*" : `*:*${pattern}*`;
  return probes(device, full, options);
}

function probes(device: Device, pattern: string, { verbose, probeFilter }: Options): string {
  let text = "";
  // Names that are not listed can be asked for: rawtracepoint without its module.
  const found = pattern.includes("*") ? device.probes(pattern) : device.match(pattern);
  for (const spec of found) {
    const { name } = spec;
    if (probeFilter !== undefined && !probeFilter.test(name)) continue;
    text += `${name}\n`;
    if (!verbose) continue;
    // Made when they are asked for.
    const { args, retval } = spec;
    for (const arg of args) {
      const count = arg.count === undefined ? "" : `[${arg.count}]`;
      const array = /^(.*?)\s*(\[\d*\])$/.exec(arg.type);
      text += array === null || /^__(data|rel)_loc/.test(arg.type)
        ? `    ${arg.type} ${arg.name}${count}\n`
        : `    ${array[1]} ${arg.name}${array[2]}\n`;
    }
    if (retval !== undefined && !args.some((arg) => arg.at === "retval")) {
      text += `    ${retval} retval\n`;
    }
  }
  return text;
}

/** A structure as C text; tabs are 8 spaces. */
function structure(name: string): string {
  const types = new BtfTypes(kernelBtf);
  const type = types.type(name);
  if (type?.kind === "struct") return `vmlinux: ${body(type, "")};\n\n`;
  if (type?.kind === "integer" && type.enumeration !== undefined) {
    const members = [...type.enumeration.names].map(([value, one]) =>
      `        ${one} = ${value},\n`
    );
    return `vmlinux: enum ${type.enumeration.name} {\n${members.join("")}};\n\n`;
  }
  return "";
}

const TAB = "        ";

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

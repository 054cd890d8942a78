// Pure: no I/O, no FFI.
// How the values of expressions come to lie in memory: what both backends must agree on.

import type { TextNode } from "./functions.ts";
import type { Node } from "./ir.ts";
import { cSize, storageSize, type TupleType, type Type, typeName } from "./types.ts";

/** True if an expression's value is text in memory. */
export function isText(node: Node): node is TextNode {
  return node.type.kind === "string";
}

/** True if an expression that makes its value itself can make it where a `type` is wanted. */
export function makesInPlace(node: Node, type: Type): boolean {
  const makes = node.op === "memory_call" || node.op === "memory_builtin" || node.op === "load" ||
    node.op === "contexts" || node.op === "element" || node.op === "convert" ||
    (node.op === "part" && node.c);
  if (!makes) return false;
  const own = node.type;
  return typeName(type) === typeName(own) ||
    (type.kind === "string" && own.kind === "string" && own.limit <= type.limit) ||
    (type.kind === "buffer" && own.kind === "buffer" && own.limit <= type.limit);
}

/** The layout in which a value is found: locals and maps may be wider than what is read out of them. */
export function storedType(node: Node): Type {
  if (node.op === "local") return node.local.type;
  return node.op === "map" ? node.map.value as Type : node.type;
}

/**
 * Bytes of memory that a value comes from: text has a NUL more than its array, and a tuple lies in memory
 * of the script alone.
 */
export function dataSize(type: Type): number {
  if (type.kind === "tuple") return storageSize(type);
  return type.kind === "string" ? type.limit - 1 : cSize(type);
}

/** Bytes of a scalar in C memory. */
export function accessSize(type: Type): 1 | 2 | 4 | 8 {
  return Math.max(1, Math.min(8, cSize(type))) as 1 | 2 | 4 | 8;
}

/** The element of a tuple that one of another tuple becomes: by name, or by its number. */
export function partner(name: string | undefined, index: number, type: TupleType): number {
  return name === undefined ? index : type.elements.findIndex((one) => one.name === name);
}

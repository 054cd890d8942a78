// Pure: no I/O, no FFI.
// Members, elements, what pointers point to, casts.

import type { Span } from "../syntax/diagnostics.ts";
import { didYouMean } from "../syntax/diagnostics.ts";
import type { Node } from "../model/ir.ts";
import { numberOf } from "../model/aggregations.ts";
import {
  CHAR,
  cSize,
  elementOffsets,
  type Field,
  fieldNames,
  findField,
  INT64,
  integer,
  isCharArray,
  isFloat,
  isNumeric,
  isScalar,
  kindName,
  NONE,
  pointer,
  string,
  type TupleType,
  type Type,
  typeName,
  UINT64,
} from "../model/types.ts";
import type { Context } from "./context.ts";
import { broken, constant } from "./nodes.ts";
import { binary, isConstant, offsetPointer } from "./operators.ts";

/** The type that a place in C memory has as a value: char[N] is text, floating point is no value. */
export function valueType(type: Type): Type {
  if (isFloat(type)) return NONE;
  return isCharArray(type) ? string(type.count + 1) : type;
}

/** `object.name`, through a pointer too. */
export function member(context: Context, object: Node, name: string, span: Span): Node {
  const { type } = object;
  const isRecord = type.kind === "pointer" && type.to.kind === "tuple" && !/^\d/.test(name);
  if (type.kind === "pointer" && (type.to.kind === "struct" || isRecord)) {
    const target: Node = { op: "load", address: object, offset: 0, type: type.to, span };
    return member(context, target, name, span);
  }
  if (type.kind === "tuple") return tupleElement(context, object, type, name, span);
  if (type.kind !== "struct") {
    context.error(
      "no-fields",
      `Can not access ${/^\d/.test(name) ? "index" : "field"} '${name}' on expression of type ` +
        `'${typeName(type)}'`,
      span,
    );
    return broken(span);
  }
  const field = findField(type, name);
  if (field === undefined) {
    const names = fieldNames(type);
    const near = didYouMean(name, names);
    const hint = near !== undefined
      ? `did you mean '${near}'?`
      : names.length === 0
      ? `${type.name} has no definition here`
      : undefined;
    context.error(
      "unknown-field",
      `Struct/union of type '${type.name}' does not contain a field named '${name}'`,
      span,
      hint,
    );
    return broken(span);
  }
  return piece(object, field, span);
}

function piece(object: Node, field: Field, span: Span): Node {
  const { offset, bits } = field;
  const type = valueType(field.type);
  if (object.op === "load" && object.bits === undefined) {
    return {
      op: "load",
      address: object.address,
      offset: object.offset + offset,
      bits,
      type,
      span,
    };
  }
  if (object.op === "part" && object.c) {
    return {
      op: "part",
      object: object.object,
      offset: object.offset + offset,
      bits,
      c: true,
      type,
      span,
    };
  }
  return { op: "part", object, offset, bits, c: true, type, span };
}

function tupleElement(
  context: Context,
  object: Node,
  type: TupleType,
  name: string,
  span: Span,
): Node {
  const { elements } = type;
  const index = /^\d+$/.test(name)
    ? Number(name)
    : elements.findIndex((element) => element.name === name);
  if (index < 0 || index >= elements.length) {
    context.error(
      "unknown-field",
      /^\d+$/.test(name)
        ? `Invalid tuple index: ${name}. Found ${elements.length} elements in tuple.`
        : `Record does not contain a field named '${name}'`,
      span,
    );
    return broken(span);
  }
  if (object.op === "tuple") return object.elements[index];
  const offset = elementOffsets(type)[index];
  return { op: "part", object, offset, c: false, type: elements[index].type, span };
}

/** The value of `object[index]`. */
export function element(context: Context, object: Node, index: Node, span: Span): Node {
  const { type } = object;
  if (type.kind === "tuple" && isConstant(index)) {
    return tupleElement(context, object, type, `${index.value}`, span);
  }
  if (type.kind === "tuple") {
    const message = "Array-style access for tuples only valid for integer literals";
    context.error("literal-expected", message, span);
    return broken(span);
  }
  const isInteger = index.type.kind === "integer" && !(isConstant(index) && index.value < 0n);
  if (!isInteger && type.kind !== "pointer") {
    context.error(
      "type-mismatch",
      "The array index operator [] only accepts non-negative integer indices. Got: " +
        kindName(index.type),
      span,
    );
    return broken(span);
  }
  if (type.kind === "pointer" && type.to.kind !== "none") {
    return dereference(context, offsetPointer(context, "+", object, index, span), span);
  }
  const array = type.kind === "string"
    ? { kind: "array", of: CHAR, count: type.limit } as const
    : type;
  if (array.kind !== "array") {
    context.error(
      "not-an-array",
      `The array index operator [] can only be used on arrays, pointers, and tuples, found ` +
        `${typeName(type)}.`,
      span,
    );
    return broken(span);
  }
  const size = cSize(array.of);
  const of = valueType(array.of);
  // An array at the end of a structure may have no size.
  if (isConstant(index) && array.count > 0 && (index.value < 0n || index.value >= array.count)) {
    context.error(
      "index",
      `the index ${index.value} is out of bounds for array of size ${array.count}`,
      span,
    );
    return broken(span);
  }
  if (object.op === "load") {
    if (isConstant(index)) {
      const offset = object.offset + Number(index.value) * size;
      return { op: "load", address: object.address, offset, type: of, span };
    }
    const start: Node = {
      ...object.address,
      type: { kind: "pointer", space: spaceOf(object.address), to: array.of },
    };
    const address = offsetPointer(context, "+", start, index, span);
    return { op: "load", address, offset: object.offset, type: of, span };
  }
  if (object.op === "contexts" && isConstant(index)) {
    return { op: "context", at: object.at[Number(index.value)], type: of, span };
  }
  if (isConstant(index)) {
    return piece(object, { name: "", type: array.of, offset: Number(index.value) * size }, span);
  }
  return { op: "element", object: { ...object, type: array }, index, type: of, span };
}

function spaceOf(node: Node) {
  return node.type.kind === "pointer" ? node.type.space : undefined;
}

/** The value of `*address`. */
export function dereference(context: Context, address: Node, span: Span): Node {
  if (address.type.kind === "integer") {
    // An address that is a number: eight bytes.
    const type = pointer(UINT64);
    return dereference(context, { op: "convert", operand: address, type, span }, span);
  }
  if (address.type.kind !== "pointer" || address.type.to.kind === "none") {
    context.error(
      "type-mismatch",
      address.type.kind === "pointer"
        ? `Can not dereference a value of type '${typeName(address.type)}': it is no pointer to ` +
          "a known type"
        : `The * operator can not be used on expressions of type '${typeName(address.type)}'`,
      span,
    );
    return broken(span);
  }
  return { op: "load", address, offset: 0, type: address.type.to, span };
}

/** The value of the cast `(to)operand`. */
export function cast(
  context: Context,
  to: Type,
  operand: Node,
  span: Span,
): Node {
  const from = operand.type;
  const convert = (): Node => ({ op: "convert", operand, type: to, span });
  if (isScalar(to) && isScalar(from) && (isNumeric(from) || from.kind === "coded")) {
    if (isConstant(operand)) {
      return { ...constant(foldCast(operand.value, to), to, span), cast: true } as Node;
    }
    if (to.kind === "pointer" && from.kind === "pointer") {
      const { to: target } = to;
      return { ...convert(), type: pointer(target, to.space ?? from.space) };
    }
    return convert();
  }
  if (to.kind === "bool" && from.kind === "string") return isNotEmpty(context, operand, span);
  const sized = (type: Type) => type.kind === "array" && isScalar(type.of);
  if (sized(to) && from.kind === "integer" && to.kind === "array") {
    const { size } = from;
    const count = to.count || size / cSize(to.of);
    const bytes = count * cSize(to.of);
    // A literal has no more bytes than it needs, but takes those that there are.
    const literal = isConstant(operand) && from.signed;
    // Bytes that the number does not have are zeros.
    const fits = bytes <= 8 && size <= bytes;
    if (fits && literal && isConstant(operand)) {
      // A negative literal has no more bytes than it needs, and zeros behind them.
      const value = BigInt.asUintN(size * 8, operand.value);
      const bits = constant(value, UINT64, span);
      return { op: "convert", operand: bits, type: { ...to, count }, span };
    }
    if (fits) {
      const bits: Node = { op: "convert", operand, type: integer(size, false), span };
      return { op: "convert", operand: bits, type: { ...to, count }, span };
    }
  }
  if (isNumeric(to) && sized(from) && cSize(from) === cSize(to)) return convert();
  const fitsText = to.kind === "array" && from.kind === "string" && cSize(to.of) === 1 &&
    (to.count === 0 || to.count === from.limit);
  if (fitsText) {
    return { op: "convert", operand, type: { ...to, count: to.count || from.limit }, span };
  }
  if (to.kind === "array" && from.kind === "array" && cSize(to) === cSize(from)) return convert();
  if (to.kind === "string" && (from.kind === "string" || isCharArray(from))) return convert();
  if (to.kind === "tuple" && from.kind === "tuple" && to.elements.length === from.elements.length) {
    return convert();
  }
  if (typeName(to) === typeName(from)) return operand;
  context.error("cast", `Cannot cast from "${typeName(from)}" to "${typeName(to)}"`, span);
  return broken(span);
}

/** Refuses a literal as a value of an enumeration that does not have it. */
export function checkVariant(context: Context, to: Type, value: Node, span: Span): void {
  if (to.kind !== "integer" || to.enumeration === undefined) return;
  const { name, names } = to.enumeration;
  if (!isConstant(value) || value.cast || value.value < 0n || names.has(value.value)) return;
  context.error("enum", `Enum: ${name} doesn't contain a variant value of ${value.value}`, span);
}

/** Text is true if it has a character. */
function isNotEmpty(context: Context, text: Node, span: Span): Node {
  const empty: Node = { op: "text", value: "", type: string(1), span };
  return binary(context, "!=", text, empty, span);
}

function foldCast(value: bigint, to: Type): bigint {
  if (to.kind === "bool") return value === 0n ? 0n : 1n;
  if (to.kind !== "integer") return BigInt.asUintN(64, value);
  return to.signed ? BigInt.asIntN(to.size * 8, value) : BigInt.asUintN(to.size * 8, value);
}

/** An aggregation as the number that it stands for. */
export function aggregateValue(node: Node & { op: "map" }, span: Span): Node | undefined {
  const { value } = node.map;
  if (value?.kind !== "aggregation" || numberOf(value) === undefined) return undefined;
  const type = value.name === "count" ? UINT64 : value.signed ? INT64 : integer(8, false);
  return { op: "aggregate", map: node.map, key: node.key, type, span };
}

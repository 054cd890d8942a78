// Pure: no I/O, no FFI.
// Types of expressions, variables and maps.
//
// A value in our memory (stack, scratch, map, record) starts at a multiple of 8 and takes a multiple
// of 8 bytes: scalars are widened to one word, strings are padded with zeros, tuples are their
// elements one after the other. Only inside C structures and arrays, which are copies of the
// kernel's memory, do C's own sizes and alignments count; sizeof() always tells those.

import type { AggregationType } from "./aggregations.ts";

/** An integer: one word in a register and in our memory. */
export interface IntegerType {
  /** Tells integers from other types. */
  readonly kind: "integer";
  /** Bytes that its C type has. */
  readonly size: 1 | 2 | 4 | 8;
  /** Decides how the integer is widened, compared, divided, shifted and printed. */
  readonly signed: boolean;
  /** Enumeration whose names are printed in place of the numbers. */
  readonly enumeration?: Enumeration;
  /** Set for a literal that is not negative: beside an unsigned number, the literal is unsigned. */
  readonly literal?: true;
  /** Set on {@linkcode UNKNOWN} only. */
  readonly unknown?: true;
}

/** An enum of C. */
export interface Enumeration {
  /** Name of the enum, without the word "enum". */
  readonly name: string;
  /** Names of the enumerators by their values. */
  readonly names: ReadonlyMap<bigint, string>;
}

/** Which memory an address is meant for. */
export type Space = "kernel" | "user";

/** An address with the type of what it points to. */
export interface PointerType {
  /** Tells pointers from other types. */
  readonly kind: "pointer";
  /** Type of the value at the address; NONE for void. */
  readonly to: Type;
  /** Memory that the address is in. Undefined: the address itself tells, at run time. */
  readonly space?: Space;
}

/** One word whose meaning shows when it is printed: an address by its symbol, a uid by its user. */
export interface CodedType {
  /** Tells coded words from other types. */
  readonly kind: "coded";
  /** What the word means: how it is printed. */
  readonly as: "ksym" | "username" | "strerror" | "signal" | "syscall" | "probe";
}

/** Text in memory: zero-padded to `size`, always with at least one NUL. */
export interface StringType {
  /** Tells strings from other types. */
  readonly kind: "string";
  /** Bytes in memory, a multiple of 8. */
  readonly size: number;
  /** Most bytes of `size` that the text may take, its NUL included. */
  readonly limit: number;
  /** True if the text may have been cut: a text that fills `limit` is printed with a mark. */
  readonly truncates: boolean;
}

/** Bytes with their number: a word for the length, then the data. */
export interface BufferType {
  /** Tells buffers from other types. */
  readonly kind: "buffer";
  /** Most bytes that the data may have. */
  readonly limit: number;
}

/** An array of C. */
export interface ArrayType {
  /** Tells arrays from other types. */
  readonly kind: "array";
  /** Type of the array's elements. */
  readonly of: Type;
  /** Number of the array's elements. */
  readonly count: number;
}

/** A struct or union of C. Members are looked up on demand: the kernel's refer to each other. */
export interface StructType {
  /** Tells structures from other types. */
  readonly kind: "struct";
  /** "struct task_struct", "union x"; "struct " if it has no name. */
  readonly name: string;
  /** Size of the structure in bytes. */
  readonly size: number;
  /** Alignment of the structure in bytes. */
  readonly align: number;
  /** Members of the structure in order. */
  fields(): readonly Field[];
}

/** Members that a structure of any size may have, those within its members included. */
const MOST_MEMBERS = 1 << 16;

/**
 * Most members of a structure of so many bytes, those within its members included: one for each bit, and
 * some more. Unions in unions double their members without an end, and somebody may want to print them.
 */
export function mostMembers(bytes: number): number {
  return MOST_MEMBERS + bytes * 8;
}

/** A member of a structure. */
export interface Field {
  /** Empty for an anonymous struct or union, whose members count as the outer one's. */
  readonly name: string;
  /** Type of the member's value. */
  readonly type: Type;
  /** Bytes from the start of the structure. For a bit field: of the unit that holds it. */
  readonly offset: number;
  /** Bit fields: first bit in that unit, number of bits. */
  readonly bits?: { readonly shift: number; readonly width: number };
}

/** A tuple, or a record if its elements have names. */
export interface TupleType {
  /** Tells tuples from other types. */
  readonly kind: "tuple";
  /** Types of the elements in order; names for a record. */
  readonly elements: readonly { readonly name?: string; readonly type: Type }[];
}

/** How frames of a stack are printed. */
export type StackMode = "bpftrace" | "perf" | "raw" | "build_id";

/** A stack: its hash, and the process whose addresses they are. */
export interface StackType {
  /** Tells stacks from other types. */
  readonly kind: "stack";
  /** Memory that the frames' addresses are in. */
  readonly space: Space;
  /** How the frames are printed. */
  readonly mode: StackMode;
  /** Most frames that the stack may have. */
  readonly limit: number;
}

/** Types of two words or more that only printing understands. */
export interface SpecialType {
  /** Tells special types from other types. */
  readonly kind: "special";
  /**
   * inet: family, then 16 bytes of address. mac: 6 bytes. usym: address, process. timestamp: ns since
   * the epoch, number of the format. cgroup_path: id, number of the filter.
   */
  readonly as: "inet" | "mac" | "usym" | "timestamp" | "cgroup_path";
}

/** Type of expressions without a value. */
export interface NoneType {
  /** Tells this type from types with values. */
  readonly kind: "none";
}

/** Types whose values one register holds. */
export type ScalarType = IntegerType | { readonly kind: "bool" } | PointerType | CodedType;

/** What an expression can be. */
export type Type =
  | ScalarType
  | StringType
  | BufferType
  | ArrayType
  | StructType
  | TupleType
  | StackType
  | SpecialType
  | NoneType;

/** How a declared map keeps its entries. */
export type MapKind = "hash" | "lruhash" | "percpuhash" | "percpulruhash";

/** What a map holds. */
export interface MapType {
  /** Name of the map, with its `@`. */
  readonly name: string;
  /** Absent for a scalar map; a tuple for several keys. */
  readonly key?: Type;
  /** Type of the values, or their aggregation. */
  readonly value: Type | AggregationType;
  /** Declared by `let @m = kind(entries)`. */
  readonly declared?: { readonly kind: MapKind; readonly entries: number };
}

/** A signed or unsigned integer type. */
export function integer(size: 1 | 2 | 4 | 8, signed: boolean): IntegerType {
  return { kind: "integer", size, signed };
}

/** An enumeration as scripts have it outside of structures: a number of 64 bits. */
export function wideEnumeration(type: IntegerType): IntegerType {
  return { ...type, size: 8 };
}

/** An address of `to`. */
export function pointer(to: Type, space?: Space): PointerType {
  return { kind: "pointer", to, space };
}

/** The type of most arithmetic: a signed integer of 64 bits. */
export const INT64: IntegerType = integer(8, true);
/** What is counted from literals, as by ++: a signed number that is unsigned beside unsigned ones. */
export const COUNTED: IntegerType = { ...integer(8, true), literal: true };
/** An unsigned integer of 64 bits. */
export const UINT64: IntegerType = integer(8, false);
/** An unsigned integer of 32 bits. */
export const UINT32: IntegerType = integer(4, false);
/** One character of C text. */
export const CHAR: IntegerType = integer(1, true);
/** The type of conditions: true or false. */
export const BOOL: ScalarType = { kind: "bool" };
/** The type of expressions without a value. */
export const NONE: NoneType = { kind: "none" };
/** The firing probe's name. */
export const PROBE: CodedType = { kind: "coded", as: "probe" };

/**
 * The type of a map before anything was assigned to it, while types are being found out: it gives way
 * to every other one.
 */
export const UNKNOWN: IntegerType = { kind: "integer", size: 1, signed: true, unknown: true };

/** Rounds up to words. */
export function words(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** A string type with room for `bytes`, its NUL included. */
export function string(bytes: number, truncates = false): StringType {
  return { kind: "string", size: words(bytes), limit: bytes, truncates };
}

/** The type of text of unknown length: at most `maxStrlen` bytes and a NUL; longer text is cut with a mark. */
export function longString(maxStrlen: number): StringType {
  return string(maxStrlen + 1, true);
}

/** Bytes in front of a buffer's data, which sizeof counts: the length. */
export const BUFFER_HEAD = 4;

/** A tuple of types. */
export function tuple(types: readonly Type[]): TupleType {
  return { kind: "tuple", elements: types.map((type) => ({ type })) };
}

/** Smallest signed type that holds a literal; uint64 above INT64_MAX. */
export function literalType(value: bigint): IntegerType {
  for (const size of [1, 2, 4, 8] as const) {
    if (BigInt.asIntN(size * 8, value) !== value) continue;
    return value < 0n ? integer(size, true) : { ...integer(size, true), literal: true };
  }
  return UINT64;
}

/** True for the type of a literal that is not negative, and of what is computed from such literals. */
export function isLiteral(type: Type): boolean {
  return type.kind === "integer" && type.literal === true;
}

/** True for C's floating-point types: bytes with a size, and no values of scripts. */
export function isFloat(type: Type): boolean {
  return type.kind === "struct" && !/^(struct|union) /.test(type.name);
}

/** True for a type whose values one register holds. */
export function isScalar(type: Type | AggregationType): type is ScalarType {
  return type.kind === "integer" || type.kind === "bool" || type.kind === "pointer" ||
    type.kind === "coded";
}

/** True if arithmetic makes sense. */
export function isNumeric(type: Type | AggregationType): boolean {
  return type.kind === "integer" || type.kind === "bool" || type.kind === "pointer";
}

/** Only integers can be signed. */
export function isSigned(type: Type): boolean {
  return type.kind === "integer" && type.signed;
}

/** char[N], which reads as text. */
export function isCharArray(
  type: Type,
): type is ArrayType & { of: { kind: "integer"; size: 1; signed: true } } {
  return type.kind === "array" && type.of.kind === "integer" && type.of.size === 1 &&
    type.of.signed && type.of.enumeration === undefined;
}

/** Bytes of a value in our memory: a multiple of 8. */
export function storageSize(type: Type): number {
  switch (type.kind) {
    case "string":
      return type.size;
    case "buffer":
      return 8 + words(type.limit);
    case "array":
    case "struct":
      return Math.max(8, words(cSize(type)));
    case "tuple":
      return type.elements.reduce((sum, one) => sum + storageSize(one.type), 0);
    case "stack":
      return 16;
    case "special":
      return type.as === "inet" ? 24 : type.as === "mac" ? 8 : 16;
    case "none":
      return 0;
    default:
      return 8;
  }
}

/** Offset of each element of a tuple in our memory. */
export function elementOffsets(type: TupleType): number[] {
  let at = 0;
  return type.elements.map((one) => {
    const offset = at;
    at += storageSize(one.type);
    return offset;
  });
}

/**
 * The size of a type as scripts are told it: C's, but without the NUL of text that may be cut, and with the
 * length that stands in front of a buffer.
 */
export function toldSize(type: Type): number {
  if (type.kind === "string" && type.truncates) return type.limit - 1;
  if (type.kind === "stack") return (type.space === "user" ? 16 : 8) + type.limit * 8;
  return type.kind === "buffer" ? BUFFER_HEAD + type.limit : cSize(type);
}

/** True if every value of an integer type stays as it is, extended to 64 bits, in another one. */
export function keepsValue(from: Type, to: Type): boolean {
  if (from.kind !== "integer" || to.kind !== "integer") return false;
  if (to.size === 8) return from.size < 8 || from.signed === to.signed;
  if (to.size > from.size) return to.signed || !from.signed;
  return to.size === from.size && to.signed === from.signed;
}

/** Bytes of a value in C memory, as sizeof tells them. */
export function cSize(type: Type): number {
  switch (type.kind) {
    case "integer":
      return type.size;
    case "bool":
      return 1;
    case "string":
      return type.limit;
    case "array":
      return cSize(type.of) * type.count;
    case "struct":
      return type.size;
    case "buffer":
      return type.limit;
    case "tuple": {
      let at = 0;
      for (const one of type.elements) {
        const align = cAlign(one.type);
        at = Math.ceil(at / align) * align + cSize(one.type);
      }
      const align = cAlign(type);
      return Math.ceil(at / align) * align;
    }
    case "special":
      return type.as === "mac" ? 6 : type.as === "inet" ? 24 : 16;
    case "none":
      return 0;
    default:
      return 8;
  }
}

/** By how much one step moves a value: a pointer by what it points to, a number by 1. */
export function stepSize(type: Type): number {
  return type.kind === "pointer" && type.to.kind !== "none" ? Math.max(1, cSize(type.to)) : 1;
}

/** Alignment of a value in C memory, in bytes. */
export function cAlign(type: Type): number {
  switch (type.kind) {
    case "integer":
      return type.size;
    case "bool":
    case "string":
    case "buffer":
    case "none":
      return 1;
    case "array":
      return cAlign(type.of);
    case "struct":
      return type.align;
    case "tuple":
      return type.elements.reduce((most, one) => Math.max(most, cAlign(one.type)), 1);
    default:
      return 8;
  }
}

/** Never narrower than 64 bits: signed if an operand is. */
export function arithmeticType(left: Type, right: Type): IntegerType {
  return isSigned(left) || isSigned(right) ? INT64 : UINT64;
}

/** The type that holds both, or undefined if nothing does. */
export function widen(a: Type, b: Type): Type | undefined {
  if (a === UNKNOWN) return b;
  if (b === UNKNOWN) return a;
  if (a.kind === "string" && b.kind === "string") {
    return string(Math.max(a.limit, b.limit), a.truncates || b.truncates);
  }
  if (a.kind === "integer" && b.kind === "integer") {
    if (a.enumeration !== undefined || b.enumeration !== undefined) {
      const same = a.enumeration?.name === b.enumeration?.name;
      if (same) return a.size >= b.size ? a : b;
    }
    if (a.literal !== b.literal && a.signed !== b.signed) {
      const other = a.literal ? b : a;
      return other.signed ? other : integer(a.size >= b.size ? a.size : b.size, false);
    }
    if (a.signed === b.signed) {
      const size = a.size >= b.size ? a.size : b.size;
      const wider = a.size >= b.size ? a : b;
      // Together with a number that is no literal, a literal is none.
      return wider.literal && !(a.literal && b.literal) ? integer(size, a.signed) : wider;
    }
    const [signed, unsigned] = a.signed ? [a, b] : [b, a];
    if (signed.size > unsigned.size) return integer(signed.size, true);
    return unsigned.size < 8 ? integer(unsigned.size * 2 as 2 | 4 | 8, true) : INT64;
  }
  if (a.kind === "pointer" && b.kind === "pointer") {
    if (a.to.kind === "none") return b;
    if (b.to.kind === "none") return a;
    return cSize(a.to) >= cSize(b.to) ? a : b;
  }
  // An address of nothing in particular is a number.
  if (a.kind === "pointer" && b.kind === "integer") {
    return a.to.kind === "none" ? UINT64 : undefined;
  }
  if (a.kind === "integer" && b.kind === "pointer") return widen(b, a);
  if (a.kind === "buffer" && b.kind === "buffer") return a.limit >= b.limit ? a : b;
  if (a.kind === "tuple" && b.kind === "tuple") return widenTuples(a, b);
  return typeName(a) === typeName(b) ? a : undefined;
}

/** Elements widen one by one; of records by name, in the first one's order. */
function widenTuples(a: TupleType, b: TupleType): TupleType | undefined {
  if (a.elements.length !== b.elements.length) return undefined;
  const elements: { name?: string; type: Type }[] = [];
  for (const [i, { name, type }] of a.elements.entries()) {
    const other = name === undefined
      ? b.elements[i].name === undefined ? b.elements[i] : undefined
      : b.elements.find((one) => one.name === name);
    const wide = other && widen(type, other.type);
    if (wide === undefined) return undefined;
    elements.push({ name, type: wide });
  }
  return { kind: "tuple", elements };
}

/** True if a value is, or has in it, an address of a process's code. */
export function storesUserCode(type: Type | AggregationType): boolean {
  return type.kind === "tuple"
    ? type.elements.some((one) => storesUserCode(one.type))
    : (type.kind === "stack" && type.space === "user" && type.mode !== "raw") ||
      (type.kind === "special" && type.as === "usym");
}

/** The type's name in messages; equal for equal types. */
export function typeName(type: Type | AggregationType): string {
  switch (type.kind) {
    case "integer":
      if (type.unknown) return "none";
      if (type.enumeration !== undefined) return `enum ${type.enumeration.name}`;
      return `${type.signed ? "" : "u"}int${type.size * 8}`;
    case "string":
      return `string[${toldSize(type)}]`;
    case "buffer":
      return `buffer[${toldSize(type)}]`;
    case "pointer":
      return type.to.kind === "none" ? "void *" : `${typeName(type.to)} *`;
    case "array":
      return `${typeName(type.of)}[${type.count}]`;
    case "struct":
      return type.name;
    case "tuple": {
      const names = type.elements.map(({ type }) => typeName(type));
      if (!type.elements[0]?.name) return `(${names.join(",")})`;
      return `record { ${
        names.map((name, i) => `.${type.elements[i].name} = ${name}`).join(", ")
      } }`;
    }
    case "stack":
      return `${type.space === "kernel" ? "k" : "u"}stack_${type.mode}_${type.limit}`;
    case "coded":
      return type.as === "username" || type.as === "ksym" ? `${type.as}_t` : type.as;
    case "special":
      return type.as === "usym" ? "usym_t" : type.as === "inet" ? "inet[24]" : type.as;
    case "aggregation":
      return `${type.name}_t`;
    default:
      return type.kind;
  }
}

/** The kind of a type in messages: "int", "string", "count_t". */
export function kindName(type: Type | AggregationType): string {
  switch (type.kind) {
    case "integer":
      return "int";
    case "tuple":
      return type.elements[0]?.name === undefined ? "tuple" : "record";
    case "none":
      return "void";
    case "struct":
      return "struct";
    case "special":
      return type.as;
    case "coded":
    case "aggregation":
    case "stack":
      return typeName(type);
    default:
      return type.kind;
  }
}

/** Where a member lies, through anonymous structures. */
export interface FoundField extends Field {
  /** As {@linkcode Field.offset}, from the start of the outermost structure. */
  readonly offset: number;
}

/** Finds a member by name. */
export function findField(type: StructType, name: string): FoundField | undefined {
  for (const field of type.fields()) {
    if (field.name === name) return field;
    if (field.name === "" && field.type.kind === "struct") {
      const inner = findField(field.type, name);
      if (inner !== undefined) return { ...inner, offset: inner.offset + field.offset };
    }
  }
  return undefined;
}

/** Names of all members, those of anonymous structures included. */
export function fieldNames(type: StructType): string[] {
  return type.fields().flatMap((field) =>
    field.name === "" && field.type.kind === "struct" ? fieldNames(field.type) : [field.name]
  );
}

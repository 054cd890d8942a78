// Pure: no I/O, no FFI.
// Types of a program, each described when it is first asked for: they refer to each other in circles.

import { ByteReader, DamagedError } from "./byte_reader.ts";
import { DW_AT, DW_ATE, DW_OP, DW_TAG } from "./constants.ts";
import type { Die } from "./die.ts";
import type { Unit } from "./unit.ts";

/** Nothing: what `void *` points to. */
export interface VoidType {
  /** Tells apart kinds of types. */
  readonly kind: "void";
}

/** A type of the language: a number, a character, a truth value. */
export interface BaseType {
  /** Tells apart kinds of types. */
  readonly kind: "base";
  /** Name of the type in the source. */
  readonly name: string;
  /** Size of a value in bytes. */
  readonly size: number;
  /** What the bytes are. */
  readonly encoding: "signed" | "unsigned" | "bool" | "char" | "float" | "other";
}

/** A pointer or a reference: an address. */
export interface PointerType {
  /** Tells apart kinds of types. */
  readonly kind: "pointer";
  /** Sign of the declaration: `*` for a pointer, else for a reference. */
  readonly sign: "*" | "&" | "&&";
  /** Type of the value at the address. */
  readonly to: DebugType;
}

/** Const, volatile, restrict or atomic. */
export interface QualifiedType {
  /** Tells apart kinds of types. */
  readonly kind: "qualified";
  /** The word: "const", "volatile", "restrict", "_Atomic". */
  readonly qualifier: string;
  /** The type that is meant. */
  readonly of: DebugType;
}

/** Another name for a type. */
export interface TypedefType {
  /** Tells apart kinds of types. */
  readonly kind: "typedef";
  /** Name of the type in the source. */
  readonly name: string;
  /** The type that is meant. */
  readonly of: DebugType;
}

/** A struct, union or class. */
export interface RecordType {
  /** Tells apart kinds of types. */
  readonly kind: "record";
  /** The word of the declaration. */
  readonly keyword: "struct" | "union" | "class";
  /** Name of the type; empty if the type has no name. */
  readonly name: string;
  /** Size of a value in bytes; 0 if the type is only declared. */
  readonly size: number;
  /** It cannot be copied bit by bit, so its address is passed where a value is. */
  readonly byReference: boolean;
  /** Its members in order; of C++ the base classes first, each a member without a name. */
  members(): readonly Member[];
}

/** A member of a record. */
export interface Member {
  /** Empty for an anonymous record and for a base class. */
  readonly name: string;
  /** The type of its value. */
  readonly type: DebugType;
  /** Bytes from the start of the record. Of a bit field: bits. */
  readonly offset: number;
  /** Of a bit field: its bits. */
  readonly bits?: number;
}

/** An enumeration: integers with names. */
export interface EnumerationType {
  /** Tells apart kinds of types. */
  readonly kind: "enumeration";
  /** Name of the type; empty if the type has no name. */
  readonly name: string;
  /** Size of a value in bytes. */
  readonly size: number;
  /** True if values may be negative. */
  readonly signed: boolean;
  /** Names with their values. */
  enumerators(): readonly (readonly [name: string, value: bigint])[];
}

/** An array of one or more dimensions. */
export interface ArrayType {
  /** Tells apart kinds of types. */
  readonly kind: "array";
  /** The type that is meant. */
  readonly of: DebugType;
  /** Elements in each dimension; 0 where that is not known. */
  readonly counts: readonly number[];
}

/** Code, or a type of which no more than its name and size is known. */
export interface OtherType {
  /** Tells apart kinds of types. */
  readonly kind: "function" | "unknown";
  /** Name of the type in the source. */
  readonly name: string;
  /** Size of a value in bytes. */
  readonly size: number;
}

/** A type of a program. */
export type DebugType =
  | VoidType
  | BaseType
  | PointerType
  | QualifiedType
  | TypedefType
  | RecordType
  | EnumerationType
  | ArrayType
  | OtherType;

/** What records are called. */
export type Keyword = RecordType["keyword"] | "enum";

const VOID: VoidType = { kind: "void" };
const UNKNOWN: OtherType = { kind: "unknown", name: "", size: 0 };
/** Types that a type is another name of: more would be a circle. */
const MOST_NAMES = 64;
/** Entries of a list in a type; what is behind is left out. */
const MOST_ENTRIES = 1 << 16;
const DW_CC_pass_by_reference = 4;

const QUALIFIERS: Readonly<Record<number, string>> = {
  [DW_TAG.const_type]: "const",
  [DW_TAG.volatile_type]: "volatile",
  [DW_TAG.restrict_type]: "restrict",
  [DW_TAG.atomic_type]: "_Atomic",
};
const POINTERS: Readonly<Record<number, PointerType["sign"]>> = {
  [DW_TAG.pointer_type]: "*",
  [DW_TAG.reference_type]: "&",
  [DW_TAG.rvalue_reference_type]: "&&",
};
const RECORDS: Readonly<Record<number, RecordType["keyword"]>> = {
  [DW_TAG.structure_type]: "struct",
  [DW_TAG.union_type]: "union",
  [DW_TAG.class_type]: "class",
};
const ENCODINGS: Readonly<Record<number, BaseType["encoding"]>> = {
  [DW_ATE.boolean]: "bool",
  [DW_ATE.signed]: "signed",
  [DW_ATE.unsigned]: "unsigned",
  [DW_ATE.address]: "unsigned",
  [DW_ATE.UTF]: "unsigned",
  [DW_ATE.signed_char]: "char",
  [DW_ATE.unsigned_char]: "unsigned",
  [DW_ATE.float]: "float",
};

/** Describes types; one object for each entry. */
export class Types {
  readonly #complete: (name: string, keyword: Keyword) => Die | undefined;
  readonly #known = new Map<Unit, Map<number, DebugType>>();

  /** @param complete Finds the definition of what a unit only declares. */
  constructor(complete: (name: string, keyword: Keyword) => Die | undefined) {
    this.#complete = complete;
  }

  /** The type of a variable, member, function: void if it has none. */
  typeOf(die: Die): DebugType {
    return intact(UNKNOWN, () => {
      const owner = die.owner(DW_AT.type);
      const type = owner?.reference(DW_AT.type);
      if (type !== undefined) return this.describe(type);
      // What cannot be found is not nothing.
      return owner === undefined ? VOID : UNKNOWN;
    });
  }

  /** The type that an entry is. */
  describe(die: Die): DebugType {
    let known = this.#known.get(die.unit);
    if (known === undefined) this.#known.set(die.unit, known = new Map());
    let type = known.get(die.offset);
    if (type === undefined) {
      known.set(die.offset, type = intact(UNKNOWN, () => this.#make(die)));
    }
    return type;
  }

  #make(die: Die): DebugType {
    const { tag } = die;
    const name = die.name ?? "";
    const size = die.number(DW_AT.byte_size) ?? 0;
    const target = () => this.typeOf(die);
    const qualifier = QUALIFIERS[tag];
    if (qualifier !== undefined) {
      return lazily({ kind: "qualified", qualifier } as const, "of", target);
    }
    const sign = POINTERS[tag];
    if (sign !== undefined) return lazily({ kind: "pointer", sign } as const, "to", target);
    if (RECORDS[tag] !== undefined) return this.#record(die);
    switch (tag) {
      case DW_TAG.base_type: {
        const encoding = ENCODINGS[die.number(DW_AT.encoding) ?? 0] ?? "other";
        // Signed or not: `char` is for text.
        return { kind: "base", name, size, encoding: name === "char" ? "char" : encoding };
      }
      case DW_TAG.typedef:
        return lazily({ kind: "typedef", name } as const, "of", target);
      case DW_TAG.enumeration_type:
        return this.#enumeration(die);
      case DW_TAG.array_type: {
        const counts = [...die.children()].filter((one) => one.tag === DW_TAG.subrange_type)
          .map(countOf);
        return lazily({ kind: "array", counts } as const, "of", target);
      }
      case DW_TAG.subroutine_type:
        return { kind: "function", name, size: 0 };
      case DW_TAG.unspecified_type:
        return { kind: "unknown", name, size: name === "decltype(nullptr)" ? 8 : 0 };
      case DW_TAG.ptr_to_member_type:
        return { kind: "unknown", name, size: 8 };
    }
    return { kind: "unknown", name, size };
  }

  #record(die: Die): RecordType {
    const keyword = RECORDS[die.tag];
    const definition = this.#definition(die, keyword);
    let members: readonly Member[] | undefined;
    return {
      kind: "record",
      keyword,
      name: die.name ?? definition.name ?? "",
      size: definition.number(DW_AT.byte_size) ?? 0,
      byReference: definition.number(DW_AT.calling_convention) === DW_CC_pass_by_reference,
      members: () => members ??= collect(this.#members(definition)),
    };
  }

  #definition(die: Die, keyword: Keyword): Die {
    const typed = die.reference(DW_AT.signature);
    if (typed !== undefined) return typed;
    const { name } = die;
    if (name === undefined || !die.flag(DW_AT.declaration)) return die;
    return this.#complete(name, keyword) ?? die;
  }

  *#members(record: Die): Generator<Member> {
    for (const die of record.children()) {
      if (die.tag === DW_TAG.variant_part) {
        yield* this.#variants(die);
        continue;
      }
      if (die.tag !== DW_TAG.member && die.tag !== DW_TAG.inheritance) continue;
      // A static member is elsewhere.
      if (die.flag(DW_AT.declaration) || die.flag(DW_AT.external)) continue;
      const place = memberPlace(die);
      if (place === undefined) continue;
      const name = die.tag === DW_TAG.member ? die.name ?? "" : "";
      yield { name, type: this.typeOf(die), ...place };
    }
  }

  /** Rust's enumerations: what tells them apart, and a member for each that lies in the same place. */
  *#variants(part: Die): Generator<Member> {
    for (const die of part.children()) {
      if (die.tag === DW_TAG.member) {
        const place = memberPlace(die);
        if (place !== undefined) {
          yield { name: die.name ?? "discriminant", type: this.typeOf(die), ...place };
        }
      } else yield* this.#members(die);
    }
  }

  #enumeration(die: Die): EnumerationType {
    const definition = this.#definition(die, "enum");
    const underlying = resolved(this.typeOf(definition));
    const size = definition.number(DW_AT.byte_size) ??
      (underlying.kind === "base" ? underlying.size : 4);
    const entries = () =>
      collect(definition.children()).filter((one) => one.has(DW_AT.const_value));
    let enumerators: (readonly [string, bigint])[] | undefined;
    let signed: boolean;
    if (underlying.kind === "base") signed = underlying.encoding === "signed";
    else {
      // Version 2 has no underlying type: the sign is that of the constants.
      signed = entries().some((one) => one.integer(DW_AT.const_value, true)! < 0n);
    }
    return {
      kind: "enumeration",
      name: die.name ?? definition.name ?? "",
      size,
      signed,
      enumerators: () =>
        enumerators ??= intact(
          [],
          () =>
            entries().map((one) =>
              [one.name ?? "", one.integer(DW_AT.const_value, signed) ?? 0n] as const
            ),
        ),
    };
  }
}

/** What is made, or `otherwise` where the file is damaged: the rest of a program is still of use. */
function intact<T>(otherwise: T, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof DamagedError) return otherwise;
    throw error;
  }
}

/** All of a list, or what is in front of damage. */
function collect<T>(list: Iterable<T>): T[] {
  const found: T[] = [];
  intact(undefined, () => {
    for (const one of list) if (found.push(one) >= MOST_ENTRIES) break;
    return undefined;
  });
  return found;
}

/** Adds a property that is made when it is first read. */
function lazily<T extends object, K extends string, V>(
  object: T,
  key: K,
  make: () => V,
): T & { readonly [P in K]: V } {
  let value: V | undefined;
  return Object.defineProperty(object, key, {
    get: () => value ??= make(),
    enumerable: true,
  }) as T & { readonly [P in K]: V };
}

/** Elements of a dimension; 0 if that is not known. */
function countOf(range: Die): number {
  const count = range.number(DW_AT.count);
  if (count !== undefined) return count;
  const upper = range.integer(DW_AT.upper_bound, true);
  return upper === undefined || upper < 0n ? 0 : Number(upper) + 1;
}

/** Where a member is; undefined if that is only known at run time. */
function memberPlace(die: Die): { offset: number; bits?: number } | undefined {
  const bits = die.number(DW_AT.bit_size);
  const first = die.number(DW_AT.data_bit_offset);
  if (bits !== undefined && first !== undefined) return { offset: first, bits };
  const expression = die.block(DW_AT.data_member_location);
  const at = expression === undefined
    ? die.number(DW_AT.data_member_location) ?? 0
    : constantOffset(expression);
  if (at === undefined) return undefined;
  if (bits === undefined) return { offset: at };
  // Counted from the most significant bit of a unit of so many bytes.
  const unit = 8 * (die.number(DW_AT.byte_size) ?? sizeOf(die));
  return { offset: at * 8 + unit - (die.number(DW_AT.bit_offset) ?? 0) - bits, bits };
}

/** Bytes of the type of a member that does not say how wide the unit of its bits is. */
function sizeOf(member: Die): number {
  let type = member.reference(DW_AT.type);
  for (let i = 0; i < MOST_NAMES && type !== undefined; i++) {
    const size = type.number(DW_AT.byte_size);
    if (size !== undefined) return size;
    type = type.reference(DW_AT.type);
  }
  return 4;
}

/** DW_OP_plus_uconst or DW_OP_constu alone: old compilers write offsets so. */
function constantOffset(expression: Uint8Array): number | undefined {
  const reader = new ByteReader(expression);
  if (reader.done) return undefined;
  const operation = reader.u8();
  if (operation !== DW_OP.plus_uconst && operation !== DW_OP.constu) return undefined;
  const value = reader.uleb();
  return reader.done ? value : undefined;
}

/** The type without its other names, const and the like. */
export function resolved(type: DebugType): DebugType {
  let current = type;
  for (let i = 0; i < MOST_NAMES; i++) {
    if (current.kind !== "typedef" && current.kind !== "qualified") return current;
    current = current.of;
  }
  return VOID;
}

/** Bytes of a type; 0 if that is not known. */
export function byteSize(type: DebugType): number {
  let current = resolved(type);
  let count = 1;
  for (let i = 0; i < MOST_NAMES && current.kind === "array"; i++) {
    count = current.counts.reduce((product, one) => product * one, count);
    current = resolved(current.of);
  }
  switch (current.kind) {
    case "void":
    case "array":
      return 0;
    case "pointer":
      return 8 * count;
    case "qualified":
    case "typedef":
      return 0; // a circle
    default:
      return current.size * count;
  }
}

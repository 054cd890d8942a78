// Pure: no I/O, no FFI.
// Types of C with what their layout needs: size, alignment, signedness, members. The types of scripts
// (model/types.ts) know neither floating point nor alignment that an attribute has changed.

import {
  BOOL,
  CHAR,
  cSize,
  type Field,
  integer,
  type IntegerType,
  NONE,
  pointer,
  type StructType,
  type Type,
  UINT64,
} from "../model/types.ts";

/** A type of C. */
export interface CType {
  /** Sort of the type; enumerations are integers, unions are structures. */
  readonly kind:
    | "void"
    | "integer"
    | "bool"
    | "float"
    | "pointer"
    | "array"
    | "struct"
    | "function";
  /** The type as scripts have it. */
  readonly type: Type;
  /** Bytes; 0 while the size is not known. */
  readonly size: number;
  /** Alignment of values in bytes. */
  readonly align: number;
  /** True if values of the type have a size. */
  readonly complete: boolean;
  /** Integers only: true if values may be negative. */
  readonly signed?: boolean;
  /** What a pointer points to, what an array consists of, what a function returns. */
  readonly to?: CType;
  /** The type as error messages write it. */
  readonly name: string;
  /** Structures of C text only: number of members, those within members included. */
  readonly leaves?: number;
  /** Structures only: the members in order. */
  members?(): readonly CMember[];
}

/** A member of a structure or a union. */
export interface CMember {
  /** Empty for an anonymous structure. */
  readonly name: string;
  /** The C type of the member. */
  readonly type: CType;
  /** Bits from the start of the structure. */
  readonly bitOffset: number;
  /** Number of bits of a bit field. */
  readonly width?: number;
}

function plain(
  kind: CType["kind"],
  name: string,
  type: Type,
  size: number,
  signed?: boolean,
): CType {
  return { kind, name, type, size, align: Math.max(1, size), complete: kind !== "void", signed };
}

/** The C type `void`, which has no values. */
export const VOID = plain("void", "void", NONE, 0);
/** The C type `_Bool`, of 1 byte. */
export const C_BOOL = plain("bool", "_Bool", BOOL, 1, false);
/** The C type `char`, of 1 signed byte. */
export const C_CHAR = plain("integer", "char", CHAR, 1, true);
/** The C type of functions without a result; parameters are not kept. */
export const FUNCTION: CType = { ...plain("function", "function", NONE, 1), to: VOID };

/** An integer type by size in bytes and signedness. */
export function cInteger(size: number, signed: boolean, name: string): CType {
  if (size <= 8) {
    return plain("integer", name, integer(size as 1 | 2 | 4 | 8, signed), size, signed);
  }
  // Scripts see the two halves of 128 bits, the lower half first.
  return plain("integer", name, { kind: "array", of: UINT64, count: size / 8 }, size, signed);
}

/** The C type `int`, of 4 signed bytes. */
export const C_INT = cInteger(4, true, "int");
/** The C type `unsigned int`, of 4 bytes. */
export const C_UNSIGNED = cInteger(4, false, "unsigned int");
/** The C type `long`, of 8 signed bytes. */
export const C_LONG = cInteger(8, true, "long");
/** The C type `unsigned long`, of 8 bytes. */
export const C_UNSIGNED_LONG = cInteger(8, false, "unsigned long");

/** A floating-point type. Scripts cannot read such values; the bytes are counted all the same. */
export function cFloat(size: number, name: string, align = size): CType {
  const type: StructType = { kind: "struct", name, size, align, fields: () => [] };
  return { ...plain("float", name, type, size), align };
}

/** A pointer to a type; `space` "user" for memory of a process. */
export function cPointer(to: CType, space?: "user"): CType {
  const type: Type = to.kind === "function" || to.kind === "void"
    ? pointer(NONE, space)
    : { kind: "pointer", space, to: to.type };
  return { ...plain("pointer", `${to.name} *`, type, 8, false), to };
}

/** An array; `count` is undefined for an array without a size. */
export function cArray(of: CType, count: number | undefined): CType {
  return {
    kind: "array",
    name: `${of.name}[${count ?? ""}]`,
    type: { kind: "array", of: of.type, count: count ?? 0 },
    size: of.size * (count ?? 0),
    align: of.align,
    complete: count !== undefined,
    to: of,
  };
}

/** The same type with another alignment. */
export function withAlign(type: CType, align: number): CType {
  if (align === type.align) return type;
  const members = type.members && (() => type.members!());
  const { kind, name, size, complete, signed, to, leaves } = type;
  return { kind, name, type: type.type, size, align, complete, signed, to, leaves, members };
}

/** Size, alignment in bytes, and members of a structure. */
export interface StructBody {
  /** Bytes of the structure. */
  readonly size: number;
  /** Alignment of the structure in bytes. */
  readonly align: number;
  /** Number of members, those within members included. */
  readonly leaves: number;
  /** Members as C declares the members. */
  readonly members: readonly CMember[];
  /** Members as scripts read the members. */
  readonly fields: Field[];
}

/** A struct or union, whose members may become known later than the name. */
export class CStruct implements CType {
  readonly kind = "struct";
  readonly type: StructType;
  /** Keyword and tag, such as "struct name". */
  readonly name: string;
  /** True if C text has used the size of the kernel's structure: no definition may follow. */
  measured = false;
  readonly #fallback: () => Type | undefined;
  #body: StructBody | undefined;

  /** @param fallback Finds the kernel's type of the name if C text has no definition. */
  constructor(name: string, fallback: () => Type | undefined) {
    this.name = name;
    this.#fallback = fallback;
    const own = () => this.#body;
    const other = () => this.#kernelType();
    this.type = {
      kind: "struct",
      name,
      get size() {
        return own()?.size ?? other()?.size ?? 0;
      },
      get align() {
        return own()?.align ?? other()?.align ?? 1;
      },
      fields: () => own()?.fields ?? other()?.fields() ?? [],
    };
  }

  /** True if C text defines the members. */
  get defined(): boolean {
    return this.#body !== undefined;
  }

  get size(): number {
    this.measured ||= this.#body === undefined;
    return this.type.size;
  }

  get align(): number {
    if (this.#body !== undefined) return this.#body.align;
    const other = this.#kernelType();
    return other === undefined ? 1 : naturalAlign(other);
  }

  get complete(): boolean {
    return this.#body !== undefined || this.#kernelType() !== undefined;
  }

  get leaves(): number | undefined {
    return this.#body?.leaves;
  }

  members(): readonly CMember[] {
    return this.#body?.members ?? membersOf(this.#kernelType());
  }

  /** Sets size, alignment in bytes, and members of the structure. */
  define(body: StructBody): void {
    this.#body = body;
  }

  #kernelType(): StructType | undefined {
    const found = this.#fallback();
    return found?.kind === "struct" && found.size > 0 ? found : undefined;
  }
}

function membersOf(type: StructType | undefined): CMember[] {
  return (type?.fields() ?? []).map(({ name, type, offset, bits }) => ({
    name,
    type: fromModel(type),
    bitOffset: offset * 8 + (bits?.shift ?? 0),
    width: bits?.width,
  }));
}

/** The C type of a type that scripts have. */
export function fromModel(type: Type): CType {
  switch (type.kind) {
    case "integer": {
      const { size, signed } = type;
      return { ...cInteger(size, signed, `${signed ? "" : "u"}int${size * 8}_t`), type };
    }
    case "bool":
      return C_BOOL;
    case "pointer":
      return {
        ...plain("pointer", "pointer", type, 8, false),
        get to() {
          return fromModel(type.to);
        },
      };
    case "array":
      return { ...cArray(fromModel(type.of), type.count), type };
    case "struct":
      return {
        kind: "struct",
        name: type.name,
        type,
        size: type.size,
        align: naturalAlign(type),
        complete: true,
        members: () => membersOf(type),
      };
    default:
      return VOID;
  }
}

/**
 * The alignment that follows from the members: type information of the kernel has sizes and offsets
 * only. A structure whose members do not lie at multiples of their alignment is packed.
 */
function naturalAlign(type: Type): number {
  if (type.kind === "array") {
    const wide = type.of === UINT64 && type.count === 2;
    return wide ? 16 : naturalAlign(type.of);
  }
  if (type.kind !== "struct") return Math.max(1, cSize(type));
  let align = 1;
  for (const field of type.fields()) {
    let own = field.bits === undefined ? naturalAlign(field.type) : cSize(field.type);
    while (own > 1 && field.offset % own !== 0) own /= 2;
    align = Math.max(align, own);
  }
  while (align > 1 && type.size % align !== 0) align /= 2;
  return align;
}

/** The type of an enumeration as scripts have it. */
export function enumType(
  size: 1 | 2 | 4 | 8,
  signed: boolean,
  enumeration: IntegerType["enumeration"],
): CType {
  const name = `enum ${enumeration?.name ?? ""}`;
  return { ...cInteger(size, signed, name), type: { ...integer(size, signed), enumeration } };
}

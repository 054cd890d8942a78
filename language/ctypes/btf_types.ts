// Pure: no I/O, no FFI.
// The kernel's types out of BTF. A type is converted on first use.

import type { Btf } from "../../core/btf/parse.ts";
import { BTF_KIND } from "../../core/btf/types.ts";
import {
  BOOL,
  CHAR,
  cSize,
  type Enumeration,
  type Field,
  integer,
  type IntegerType,
  NONE,
  pointer,
  type Space,
  type StructType,
  type Type,
  UINT64,
} from "../model/types.ts";
import type { Constant, TypeScope } from "./scope.ts";

const TAGS = { struct: BTF_KIND.STRUCT, union: BTF_KIND.UNION } as const;

/** Types of one BTF blob. */
export class BtfTypes implements TypeScope {
  readonly #btf: () => Btf | null;
  readonly #byId = new Map<number, Type>();
  readonly #byName = new Map<string, Type | undefined>();
  readonly #constants = new Map<string, Constant | undefined>();

  /** @param btf Reads the BTF; called on the first look-up of a type. */
  constructor(btf: () => Btf | null) {
    this.#btf = btf;
  }

  type(name: string): Type | undefined {
    if (!this.#byName.has(name)) this.#byName.set(name, this.#find(name));
    return this.#byName.get(name);
  }

  constant(name: string): Constant | undefined {
    if (!this.#constants.has(name)) this.#constants.set(name, this.#findConstant(name));
    return this.#constants.get(name);
  }

  /** The type with a BTF id. */
  fromId(id: number): Type {
    let type = this.#byId.get(id);
    if (type === undefined) this.#byId.set(id, type = this.#make(id));
    return type;
  }

  #find(name: string): Type | undefined {
    const btf = this.#btf();
    if (btf === null) return undefined;
    const tagged = /^(struct|union|enum) (\w+)$/.exec(name);
    let id = 0;
    if (tagged === null) {
      id = btf.find(BTF_KIND.TYPEDEF, name);
    } else if (tagged[1] === "enum") {
      id = btf.find(BTF_KIND.ENUM, tagged[2]) || btf.find(BTF_KIND.ENUM64, tagged[2]);
    } else {
      id = btf.find(TAGS[tagged[1] as "struct" | "union"], tagged[2]);
    }
    return id === 0 ? undefined : this.fromId(id);
  }

  #findConstant(name: string): Constant | undefined {
    const btf = this.#btf();
    const id = btf?.findEnumerator(name) ?? 0;
    if (id === 0) return undefined;
    const found = btf!.enumerators(id).find(([one]) => one === name)!;
    return { value: found[1], type: this.fromId(id) as IntegerType };
  }

  #make(id: number): Type {
    const btf = this.#btf()!;
    switch (btf.kind(id)) {
      case BTF_KIND.INT:
        return this.#integer(id);
      case BTF_KIND.PTR:
        return this.#pointer(btf.sizeOrType(id));
      case BTF_KIND.ARRAY: {
        const { type, count } = btf.array(id);
        return { kind: "array", of: this.fromId(type), count };
      }
      case BTF_KIND.STRUCT:
      case BTF_KIND.UNION:
      case BTF_KIND.FWD:
        return this.#struct(id);
      case BTF_KIND.ENUM:
      case BTF_KIND.ENUM64: {
        const names = new Map<bigint, string>();
        for (const [name, value] of btf.enumerators(id)) {
          if (!names.has(value)) names.set(value, name);
        }
        const enumeration: Enumeration = { name: btf.name(id), names };
        const size = btf.sizeOrType(id) as 1 | 2 | 4 | 8;
        return { ...integer(size, btf.flag(id)), enumeration };
      }
      case BTF_KIND.TYPEDEF:
      case BTF_KIND.VOLATILE:
      case BTF_KIND.CONST:
      case BTF_KIND.RESTRICT:
      case BTF_KIND.TYPE_TAG:
        return this.fromId(btf.sizeOrType(id));
      default:
        return NONE;
    }
  }

  #integer(id: number): Type {
    const btf = this.#btf()!;
    const name = btf.name(id);
    if (name === "_Bool" || name === "bool") return BOOL;
    if (name === "char") return CHAR;
    const size = btf.sizeOrType(id);
    // __int128
    if (size > 8) return { kind: "array", of: UINT64, count: size / 8 };
    return integer(size as 1 | 2 | 4 | 8, btf.isSigned(id));
  }

  #pointer(to: number): Type {
    const btf = this.#btf()!;
    let space: Space | undefined;
    for (let id = to; btf.kind(id) === BTF_KIND.TYPE_TAG; id = btf.sizeOrType(id)) {
      if (btf.name(id) === "user") space = "user";
    }
    if (space !== undefined) return pointer(this.fromId(to), space);
    // Lazily: structures refer to each other in circles.
    const fromId = () => this.fromId(to);
    return {
      kind: "pointer",
      get to() {
        return fromId();
      },
    };
  }

  #struct(id: number): StructType {
    const btf = this.#btf()!;
    const kind = btf.kind(id);
    const isUnion = kind === BTF_KIND.UNION || (kind === BTF_KIND.FWD && btf.flag(id));
    let fields: Field[] | undefined;
    return {
      kind: "struct",
      name: `${isUnion ? "union" : "struct"} ${btf.name(id)}`,
      size: kind === BTF_KIND.FWD ? 0 : btf.sizeOrType(id),
      align: 8,
      fields: () => fields ??= kind === BTF_KIND.FWD ? [] : this.#fields(id),
    };
  }

  #fields(id: number): Field[] {
    return this.#btf()!.members(id).map(({ name, type: typeId, bitOffset, bitSize }) => {
      const type = this.fromId(typeId);
      if (bitSize === 0) return { name, type, offset: bitOffset / 8 };
      const unit = Math.max(1, cSize(type)) * 8;
      const offset = Math.floor(bitOffset / unit) * unit;
      return {
        name,
        type,
        offset: offset / 8,
        bits: { shift: bitOffset - offset, width: bitSize },
      };
    });
  }
}

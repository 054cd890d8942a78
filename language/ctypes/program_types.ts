// Pure: no I/O, no FFI.
// Types and functions of a program out of its debug information, each turned into ours when it is first
// asked for. A program may be somebody else's: types that contain themselves, or too much, have no members.

import { convention } from "../../core/dwarf/convention.ts";
import type { Storage } from "../../core/dwarf/expression.ts";
import type { FunctionInfo } from "../../core/dwarf/functions.ts";
import {
  byteSize,
  type DebugType,
  type EnumerationType,
  type Member,
  type RecordType,
  resolved,
} from "../../core/dwarf/types.ts";
import {
  BOOL,
  CHAR,
  cSize,
  type Enumeration,
  type Field,
  integer,
  mostMembers,
  NONE,
  type StructType,
  type Type,
  UINT64,
} from "../model/types.ts";
import { basicType } from "./parse_type.ts";
import type { ProgramFunction, ProgramScope, ProgramStorage, ProgramValue } from "./scope.ts";

/** Most structures inside each other. */
const MOST_DEPTH = 32;
const MOST_ELEMENTS = 1 << 24;

/** The reader of debug information, as {@linkcode ProgramTypes} uses the reader. */
export interface ProgramInfo {
  /** Parts of the debug information that are missing, one sentence each. */
  readonly notes: readonly string[];
  /** The function at an address, with its variables as they are `within` bytes behind its start. */
  functionAt(address: number, within: number): FunctionInfo | undefined;
  /** The type of that name; undefined if the program has no such type. */
  typeNamed(name: string): DebugType | undefined;
}

/** Types and functions from the debug information of one program. */
export class ProgramTypes implements ProgramScope {
  readonly #info: ProgramInfo;
  readonly #types = new Map<DebugType, Type>();
  readonly #leaves = new Map<RecordType, number>();
  readonly #functions = new Map<string, ProgramFunction | undefined>();

  /** Keeps the reader; the first look-up reads. */
  constructor(info: ProgramInfo) {
    this.#info = info;
  }

  /** Parts of the debug information that are missing, one sentence each. */
  get notes(): readonly string[] {
    return this.#info.notes;
  }

  /** A type by its name. */
  type(name: string): Type | undefined {
    // Basic types mean the same in all programs, and a look-up in a program is slow.
    if (basicType(name) !== undefined) return undefined;
    const found = this.#info.typeNamed(name);
    return found && this.convert(found);
  }

  /** Always undefined: enumerators are found by their types. */
  constant(): undefined {
    return undefined;
  }

  /** See {@linkcode ProgramScope.functionAt}. */
  functionAt(address: number, within: number): ProgramFunction | undefined {
    const key = `${address} ${within}`;
    if (!this.#functions.has(key)) this.#functions.set(key, this.#function(address, within));
    return this.#functions.get(key);
  }

  #function(address: number, within: number): ProgramFunction | undefined {
    const found = this.#info.functionAt(address, within);
    if (found === undefined) return undefined;
    const value = (name: string, type: DebugType, storage: Storage): ProgramValue => ({
      name,
      type: this.convert(type),
      text: typeText(type),
      storage: storageOf(storage),
    });
    const { parameters, returns } = found;
    return {
      parameters: parameters.filter(({ name }) => name !== "")
        .map(({ name, type, storage }) => value(name, type, storage)),
      result: resolved(returns).kind === "void"
        ? undefined
        : value("retval", returns, convention.result(returns)),
    };
  }

  /** Converts a type of the debug information to a type of scripts. */
  convert(type: DebugType): Type {
    let known = this.#types.get(type);
    if (known === undefined) this.#types.set(type, known = this.#make(resolved(type)));
    return known;
  }

  #make(type: DebugType): Type {
    switch (type.kind) {
      case "base": {
        const { size, encoding } = type;
        if (encoding === "float" || encoding === "other") return NONE;
        if (encoding === "bool" && size === 1) return BOOL;
        if (encoding === "char" && size === 1) return CHAR;
        if (size === 16) return { kind: "array", of: UINT64, count: 2 };
        return isWidth(size) ? integer(size, encoding === "signed") : NONE;
      }
      case "pointer": {
        const convert = () => this.convert(type.to);
        return {
          kind: "pointer",
          space: "user",
          get to() {
            return convert();
          },
        };
      }
      case "record":
        return this.#record(type);
      case "enumeration":
        return enumeration(type);
      case "array": {
        const of = this.convert(type.of);
        const count = type.counts.reduce((product, one) => product * Math.max(1, one), 1);
        if (!(count <= MOST_ELEMENTS) || (cSize(of) === 0)) return NONE;
        return type.counts.toReversed().reduce<Type>(
          (inner, count) => ({ kind: "array", of: inner, count }),
          of,
        );
      }
      default:
        return NONE;
    }
  }

  #record(type: RecordType): StructType {
    let fields: readonly Field[] | undefined;
    return {
      kind: "struct",
      name: `${type.keyword === "union" ? "union" : "struct"} ${type.name}`,
      size: type.size,
      align: 8,
      fields: () =>
        fields ??= this.#leavesOf(type, 0) > mostMembers(type.size)
          ? []
          : type.members().map((one) => this.#field(one)),
    };
  }

  #field({ name, type: debugType, offset, bits }: Member): Field {
    const type = this.convert(debugType);
    if (bits === undefined) return { name, type, offset };
    const unit = Math.max(1, cSize(type)) * 8;
    const from = Math.floor(offset / unit) * unit;
    if (offset - from + bits <= unit) {
      return { name, type, offset: from / 8, bits: { shift: offset - from, width: bits } };
    }
    // Packed: across the units of its type.
    const wide = integer(8, type.kind === "integer" && type.signed);
    const shift = offset % 8;
    if (shift + bits > 64) return { name, type: NONE, offset: (offset - shift) / 8 };
    return { name, type: wide, offset: (offset - shift) / 8, bits: { shift, width: bits } };
  }

  /**
   * Members of a record, of records within it, too; Infinity if it contains itself.
   */
  #leavesOf(type: RecordType, depth: number): number {
    const known = this.#leaves.get(type);
    if (known !== undefined) return known;
    if (depth > MOST_DEPTH) return Infinity;
    this.#leaves.set(type, Infinity);
    let sum = 0;
    for (const member of type.members()) {
      let inner = resolved(member.type);
      let count = 1;
      for (let i = 0; i < MOST_DEPTH && inner.kind === "array"; i++) {
        count = inner.counts.reduce((product, one) => product * one, count);
        inner = resolved(inner.of);
      }
      // Arrays of scalars are no more than their bytes.
      sum += inner.kind === "record" ? Math.max(1, count) * this.#leavesOf(inner, depth + 1) : 1;
      // Members must lie within their record.
      const end = Math.ceil((member.bits ?? 0) / 8) || byteSize(member.type);
      const from = member.bits === undefined ? member.offset : Math.floor(member.offset / 8);
      if (from < 0 || from + end > type.size) sum = Infinity;
    }
    this.#leaves.set(type, sum);
    return sum;
  }
}

function isWidth(size: number): size is 1 | 2 | 4 | 8 {
  return size === 1 || size === 2 || size === 4 || size === 8;
}

function enumeration(type: EnumerationType): Type {
  if (!isWidth(type.size)) return NONE;
  let names: Map<bigint, string> | undefined;
  const made: Enumeration = {
    name: type.name,
    get names() {
      if (names !== undefined) return names;
      names = new Map();
      for (const [name, value] of type.enumerators()) if (!names.has(value)) names.set(value, name);
      return names;
    },
  };
  return { ...integer(type.size, type.signed), enumeration: made };
}

/** A place as probes name it: registers by the names of struct pt_regs. */
function storageOf(storage: Storage): ProgramStorage {
  const absent = (reason: string): ProgramStorage => ({ kind: "absent", reason });
  const register = (number: number) => convention.registers[number];
  switch (storage.kind) {
    case "register": {
      const name = register(storage.register);
      return name === undefined
        ? absent("is in a register that programs of the kernel cannot read")
        : { kind: "registers", at: [`reg:${name}`] };
    }
    case "memory":
    case "indirect": {
      const name = register(storage.register);
      if (name === undefined) return absent("is at an address that cannot be read");
      const { offset } = storage;
      return { kind: "memory", at: `reg:${name}`, offset, indirect: storage.kind === "indirect" };
    }
    case "pieces": {
      const at: string[] = [];
      for (const [i, piece] of storage.pieces.entries()) {
        const one = storageOf(piece.storage);
        if (one.kind === "absent") return one;
        const last = i === storage.pieces.length - 1;
        if (one.kind !== "registers" || (!last && piece.size !== 8)) {
          return absent("is scattered over registers and memory");
        }
        at.push(...one.at);
      }
      return { kind: "registers", at };
    }
    case "static":
      return absent("is at an address that only the running program knows");
    case "constant":
    case "absent":
      return storage;
  }
}

/** A type in the notation of C; <unknown type> for a type without a short notation. */
export function typeText(type: DebugType, depth = 0): string {
  if (depth > MOST_DEPTH) return UNKNOWN;
  const text = (inner: DebugType) => typeText(inner, depth + 1);
  switch (type.kind) {
    case "void":
      return "void";
    case "pointer": {
      const to = resolved(type.to);
      return to.kind === "function" || to.kind === "array"
        ? UNKNOWN
        : `${text(type.to)}${type.sign}`;
    }
    case "qualified":
      return type.of.kind === "pointer"
        ? `${text(type.of)} ${type.qualifier}`
        : `${type.qualifier} ${text(type.of)}`;
    case "array":
      return `${text(type.of)}${type.counts.map((one) => `[${one || ""}]`).join("")}`;
    case "record":
      return `${type.keyword} ${type.name || "<anonymous>"}`;
    case "enumeration":
      return `enum ${type.name || "<anonymous>"}`;
    default:
      return type.name || UNKNOWN;
  }
}

const UNKNOWN = "<unknown type>";

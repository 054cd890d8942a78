// Pure: no I/O, no FFI.
// Where the members of a structure lie: the rules of the System V ABI, as gcc and clang have them on
// x86_64 and aarch64, with packed, aligned and #pragma pack.

import { type Field, integer, NONE, type Type } from "../model/types.ts";
import type { CMember, CType, StructBody } from "./c_type.ts";

/** A member whose place is not known yet. */
export interface Member {
  /** Name of the member; empty if the member has no name. */
  readonly name: string;
  /** The C type of the member. */
  readonly type: CType;
  /** Number of bits of a bit field. */
  readonly width?: number;
  /** True if the member itself has the attribute packed. */
  readonly packed: boolean;
  /** Alignment in bytes that the member's own attribute asks for. */
  readonly align?: number;
}

/** Influence of attributes, pragmas and the machine on the layout of a structure. */
export interface LayoutOptions {
  /** True for a union: all members begin at byte 0. */
  readonly union: boolean;
  /** True if the structure has the attribute packed. */
  readonly packed: boolean;
  /** Alignment in bytes by an attribute of the structure. */
  readonly align?: number;
  /** Bytes that #pragma pack allows as alignment; 0 for no limit. */
  readonly pack: number;
  /** True if bit fields without a name raise the alignment, as on aarch64. */
  readonly unnamedBitFieldsAlign: boolean;
}

/** Computes the offset of each member, and size and alignment of the structure. */
export function layOut(members: readonly Member[], options: LayoutOptions): StructBody {
  const { union, pack } = options;
  const placed: CMember[] = [];
  let bits = 0;
  let end = 0;
  let align = options.align ?? 1;
  for (const member of members) {
    const { type, width, name } = member;
    const packed = member.packed || options.packed;
    const typeAlign = pack > 0 ? Math.min(type.align, pack) : packed ? 1 : type.align;
    if (union) bits = 0;
    if (width === undefined) {
      const own = alignOf(member, packed, pack);
      bits = roundUp(bits, own * 8);
      align = Math.max(align, own);
    } else if (width === 0) {
      // A width of 0 closes the unit of the type, also under packed and #pragma pack.
      bits = roundUp(bits, Math.max(type.align, member.align ?? 1) * 8);
      if (options.unnamedBitFieldsAlign) align = Math.max(align, typeAlign);
      end = Math.max(end, bits);
      continue;
    } else {
      const word = !packed && isWord(bits, width) ? width / 8 : 1;
      const own = Math.min(Math.max(member.align ?? 1, word), pack || Infinity);
      if (member.align !== undefined) bits = roundUp(bits, own * 8);
      const unit = type.align * 8;
      if (pack === 0 && !packed && spans(bits, width, unit) > type.size * 8 / unit) {
        bits = roundUp(bits, unit);
      }
      if (name !== "" || options.unnamedBitFieldsAlign) align = Math.max(align, own, typeAlign);
    }
    if (name !== "" || width === undefined) placed.push({ name, type, bitOffset: bits, width });
    bits += width ?? type.size * 8;
    end = Math.max(end, bits);
  }
  const size = roundUp(Math.ceil(end / 8), align);
  const leaves = placed.reduce((sum, { type }) => sum + leavesOf(type), 0);
  return { size, align, leaves, members: placed, fields: placed.map((one) => field(one, size)) };
}

/** Number of scalars in a value, those that share bytes each counted. */
function leavesOf(type: CType): number {
  const { kind, to, size } = type;
  if (kind === "array" && to !== undefined && to.size > 0) return size / to.size * leavesOf(to);
  // The kernel's structures have about a member for each byte at most.
  return kind === "struct" ? type.leaves ?? Math.max(1, size) : 1;
}

/** The alignment of a member that is no bit field. */
function alignOf(member: Member, packed: boolean, pack: number): number {
  const { type, align } = member;
  // An attribute of the member itself goes before packed, which goes before the type's alignment.
  const wanted = packed ? align ?? 1 : Math.max(align ?? 1, type.align);
  return pack > 0 ? Math.min(wanted, pack) : wanted;
}

/** True for a bit field of 8, 16, 32, 64 or 128 bits that lies as a whole number of that size does. */
function isWord(bits: number, width: number): boolean {
  return [8, 16, 32, 64, 128].includes(width) && bits % width === 0;
}

/** How many units of `unit` bits a bit field touches. */
function spans(bits: number, width: number, unit: number): number {
  return Math.ceil((bits % unit + width) / unit);
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** A member as scripts read a member. */
function field({ name, type, bitOffset, width }: CMember, size: number): Field {
  if (width === undefined) {
    // Floating point has no value in scripts.
    const shown = type.kind === "float" ? NONE : type.type;
    return { name, type: shown, offset: bitOffset / 8 };
  }
  const unit = type.size * 8;
  const start = Math.floor(bitOffset / unit) * unit;
  const fits = bitOffset + width <= start + unit && (start + unit) / 8 <= size;
  if (fits && unit <= 64) {
    const bits = { shift: bitOffset - start, width };
    return { name, type: type.type, offset: start / 8, bits };
  }
  return crossingField(name, type.type, bitOffset, width, size);
}

/** A bit field that no aligned unit of its type holds: the smallest word that has all its bits. */
function crossingField(
  name: string,
  type: Type,
  bitOffset: number,
  width: number,
  size: number,
): Field {
  for (const bytes of [1, 2, 4, 8] as const) {
    const first = Math.floor(bitOffset / 8);
    const offset = Math.max(0, Math.min(first, size - bytes));
    const shift = bitOffset - offset * 8;
    // Copies of structures have room up to a multiple of 8 bytes.
    if (shift + width > bytes * 8 || offset + bytes > roundUp(size, 8)) continue;
    const signed = type.kind === "integer" && type.signed;
    const enumeration = type.kind === "integer" ? type.enumeration : undefined;
    const word = type.kind === "bool" ? type : { ...integer(bytes, signed), enumeration };
    return { name, type: word, offset, bits: { shift, width } };
  }
  // Parts of nine bytes or more: not readable as a number.
  return { name, type: NONE, offset: Math.floor(bitOffset / 8) };
}

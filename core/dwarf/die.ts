// Pure: no I/O, no FFI.
// An entry of .debug_info and the values of its attributes, decoded when they are asked for.

import type { Abbreviation } from "./abbreviations.ts";
import { ByteReader, DamagedError, stringAt } from "./byte_reader.ts";
import { DW_AT, DW_FORM } from "./constants.ts";
import { formSize, skipForm } from "./forms.ts";
import type { Unit } from "./unit.ts";

/** Where a list (of ranges or of locations) is: at an offset of its section, or by its number. */
export interface ListPlace {
  /** Offset in the section. */
  readonly offset?: number;
  /** Number in the unit's table of lists. */
  readonly index?: number;
}

/** Entries that an entry is said to be of: more would be a circle. */
const MOST_ORIGINS = 8;

const encoder = new TextEncoder();

/** True if that text with its NUL is there. */
function isTextAt(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return bytes[at + text.length] === 0;
}

/** An entry: a function, a parameter, a type. */
export class Die {
  /** Unit that the entry belongs to. */
  readonly unit: Unit;
  /** Offset in the unit's section. */
  readonly offset: number;
  /** What its code stands for. */
  readonly abbreviation: Abbreviation;
  readonly #valuesAt: number;

  /**
   * Made by {@linkcode Unit}.
   *
   * @param valuesAt Where the values of the attributes start.
   */
  constructor(unit: Unit, offset: number, abbreviation: Abbreviation, valuesAt: number) {
    this.unit = unit;
    this.offset = offset;
    this.abbreviation = abbreviation;
    this.#valuesAt = valuesAt;
  }

  /** Tag of the entry, `DW_TAG_*`. */
  get tag(): number {
    return this.abbreviation.tag;
  }

  /** Name of the entry, DW_AT_name; undefined if the entry has none. */
  get name(): string | undefined {
    return this.text(DW_AT.name);
  }

  /** Compares DW_AT_name with text in UTF-8, most often without making a string. */
  isNamed(name: Uint8Array): boolean {
    const found = this.#find(DW_AT.name);
    if (found === undefined) return false;
    const { form, reader } = found;
    if (form === DW_FORM.string) return isTextAt(reader.bytes, reader.at, name);
    if (form === DW_FORM.strp) {
      const offset = reader.unsigned(this.unit.offsetSize);
      return isTextAt(this.unit.file.section("debug_str"), offset, name);
    }
    const text = this.name;
    return text !== undefined && isTextAt(encoder.encode(`${text}\0`), 0, name);
  }

  /** True if the entry itself has the attribute. */
  has(attribute: number): boolean {
    return this.abbreviation.attributes.includes(attribute);
  }

  /** The entry itself, then what it is an instance of or completes. */
  *origins(): Generator<Die> {
    yield this;
    let die = this.#origin();
    for (let i = 1; i < MOST_ORIGINS && die !== undefined; i++) {
      yield die;
      die = die.#origin();
    }
  }

  #origin(): Die | undefined {
    return this.reference(DW_AT.abstract_origin) ?? this.reference(DW_AT.specification);
  }

  /** The entry that has the attribute: itself, or the nearest of its origins. */
  owner(attribute: number): Die | undefined {
    for (const die of this.origins()) if (die.has(attribute)) return die;
    return undefined;
  }

  /** Entries of the level right below this entry. */
  *children(): Generator<Die> {
    if (!this.abbreviation.hasChildren) return;
    const { unit } = this;
    let at = unit.afterValues(this.abbreviation, this.#valuesAt);
    for (;;) {
      const child = unit.entryAt(at);
      if (child === undefined) return;
      yield child;
      at = child.next();
    }
  }

  /** Where the entry after this one and all below it starts. */
  next(): number {
    const { unit, abbreviation } = this;
    if (abbreviation.hasChildren && abbreviation.hasSibling) {
      const sibling = this.#targetOf(DW_AT.sibling);
      // Backwards would be a circle.
      if (sibling !== undefined && sibling > this.offset) return sibling;
    }
    let at = unit.afterValues(abbreviation, this.#valuesAt);
    for (let depth = abbreviation.hasChildren ? 1 : 0; depth > 0;) {
      const entry = unit.codeAt(at);
      if (entry === undefined) {
        depth--;
        at++;
        continue;
      }
      if (entry.abbreviation.hasChildren) depth++;
      at = unit.afterValues(entry.abbreviation, entry.valuesAt);
    }
    return at;
  }

  /** A constant as a number, exact up to 2^53; undefined if it is none. */
  number(attribute: number): number | undefined {
    const value = this.integer(attribute, false);
    return value === undefined ? undefined : Number(value);
  }

  /**
   * A constant; undefined if the attribute is missing or no constant.
   *
   * @param signed Bits of a fixed width are a signed number.
   */
  integer(attribute: number, signed: boolean): bigint | undefined {
    const found = this.#find(attribute);
    if (found === undefined) return undefined;
    const { form, reader } = found;
    switch (form) {
      case DW_FORM.implicit_const:
        return found.constant!;
      case DW_FORM.sdata:
        return reader.wideLeb(true);
      case DW_FORM.udata:
        return reader.wideLeb(false);
      case DW_FORM.flag_present:
        return 1n;
      case DW_FORM.data1:
      case DW_FORM.data2:
      case DW_FORM.data4:
      case DW_FORM.data8:
      case DW_FORM.data16:
      case DW_FORM.flag:
      case DW_FORM.sec_offset: {
        const size = formSize(form, this.unit)!;
        const value = reader.wide(size);
        return signed ? BigInt.asIntN(size * 8, value) : value;
      }
    }
    return undefined;
  }

  /** Value of a flag; false if the entry has no such attribute. */
  flag(attribute: number): boolean {
    return (this.number(attribute) ?? 0) !== 0;
  }

  /** Value of a text attribute; undefined if the entry has no such attribute. */
  text(attribute: number): string | undefined {
    const found = this.#find(attribute);
    if (found === undefined) return undefined;
    const { form, reader } = found;
    const { unit } = this;
    const { file } = unit;
    switch (form) {
      case DW_FORM.string:
        return reader.text();
      case DW_FORM.strp:
        return stringAt(file.section("debug_str"), reader.unsigned(unit.offsetSize));
      case DW_FORM.line_strp:
        return stringAt(file.section("debug_line_str"), reader.unsigned(unit.offsetSize));
      case DW_FORM.strp_sup:
      case DW_FORM.GNU_strp_alt: {
        const offset = reader.unsigned(unit.offsetSize);
        return file.alternative && stringAt(file.alternative.section("debug_str"), offset);
      }
      case DW_FORM.strx:
      case DW_FORM.GNU_str_index:
        return unit.indexedString(reader.uleb());
      case DW_FORM.strx1:
      case DW_FORM.strx2:
      case DW_FORM.strx3:
      case DW_FORM.strx4:
        return unit.indexedString(reader.unsigned(formSize(form, unit)!));
    }
    return undefined;
  }

  /** An address, as the file speaks of it; undefined if it is missing or of another kind. */
  address(attribute: number): number | undefined {
    const found = this.#find(attribute);
    if (found === undefined) return undefined;
    const { form, reader } = found;
    switch (form) {
      case DW_FORM.addr:
        return reader.unsigned(this.unit.addressSize);
      case DW_FORM.addrx:
      case DW_FORM.GNU_addr_index:
        return this.unit.indexedAddress(reader.uleb());
      case DW_FORM.addrx1:
      case DW_FORM.addrx2:
      case DW_FORM.addrx3:
      case DW_FORM.addrx4:
        return this.unit.indexedAddress(reader.unsigned(formSize(form, this.unit)!));
    }
    return undefined;
  }

  /** Bytes: an expression, or a constant of odd width. */
  block(attribute: number): Uint8Array | undefined {
    const found = this.#find(attribute);
    if (found === undefined) return undefined;
    const { form, reader } = found;
    switch (form) {
      case DW_FORM.exprloc:
      case DW_FORM.block:
        return reader.block(reader.uleb());
      case DW_FORM.block1:
        return reader.block(reader.u8());
      case DW_FORM.block2:
        return reader.block(reader.u16());
      case DW_FORM.block4:
        return reader.block(reader.u32());
      case DW_FORM.data16:
        return reader.block(16);
    }
    return undefined;
  }

  /** Where a list is; undefined if the attribute is missing or no list. */
  list(attribute: number): ListPlace | undefined {
    const found = this.#find(attribute);
    if (found === undefined) return undefined;
    const { form, reader } = found;
    switch (form) {
      case DW_FORM.sec_offset:
        return { offset: reader.unsigned(this.unit.offsetSize) };
      case DW_FORM.data4:
        return { offset: reader.u32() };
      case DW_FORM.data8:
        return { offset: reader.u64() };
      case DW_FORM.loclistx:
      case DW_FORM.rnglistx:
        return { index: reader.uleb() };
    }
    return undefined;
  }

  /** The entry that is meant; undefined if the attribute is missing or leads nowhere. */
  reference(attribute: number): Die | undefined {
    const found = this.#find(attribute);
    if (found === undefined) return undefined;
    const { form, reader } = found;
    const { unit } = this;
    switch (form) {
      case DW_FORM.ref_addr:
        return unit.file.entryAt(reader.unsigned(formSize(form, unit)!));
      case DW_FORM.ref_sup4:
      case DW_FORM.ref_sup8:
        return unit.file.alternative?.entryAt(reader.unsigned(formSize(form, unit)!));
      case DW_FORM.GNU_ref_alt:
        return unit.file.alternative?.entryAt(reader.unsigned(unit.offsetSize));
      case DW_FORM.ref_sig8:
        return unit.file.typeOf(reader.wide(8));
    }
    const target = this.#targetOf(attribute);
    return target === undefined ? undefined : unit.entryAt(target);
  }

  /** Offset of a reference within the unit. */
  #targetOf(attribute: number): number | undefined {
    const found = this.#find(attribute);
    if (found === undefined) return undefined;
    const { form, reader } = found;
    const { unit } = this;
    switch (form) {
      case DW_FORM.ref_udata:
        return unit.offset + reader.uleb();
      case DW_FORM.ref1:
      case DW_FORM.ref2:
      case DW_FORM.ref4:
      case DW_FORM.ref8:
        return unit.offset + reader.unsigned(formSize(form, unit)!);
    }
    return undefined;
  }

  /** A reader in front of the value. */
  #find(attribute: number):
    | { readonly form: number; readonly reader: ByteReader; readonly constant?: bigint }
    | undefined {
    const { attributes, forms, constants } = this.abbreviation;
    const index = attributes.indexOf(attribute);
    if (index < 0) return undefined;
    const { unit } = this;
    const reader = new ByteReader(unit.bytes, this.#valuesAt, unit.end);
    for (let i = 0; i < index; i++) skipForm(reader, forms[i], unit);
    let form = forms[index];
    if (form === DW_FORM.indirect) {
      form = reader.uleb();
      if (form === DW_FORM.indirect || form === DW_FORM.implicit_const) {
        throw new DamagedError("a form that names itself");
      }
    }
    return { form, reader, constant: constants.get(index) };
  }
}

// Pure: no I/O, no FFI.
// A unit of .debug_info or .debug_types: its header, its entries, what their numbers refer to.

import type { Abbreviation, Abbreviations } from "./abbreviations.ts";
import { ByteReader, DamagedError, stringAt } from "./byte_reader.ts";
import { DW_AT, DW_FORM, DW_UT } from "./constants.ts";
import { Die } from "./die.ts";
import type { DwarfFile } from "./dwarf_file.ts";
import { skipForm, type UnitFormat } from "./forms.ts";

/** Sections that have units. */
export type UnitSection = "debug_info" | "debug_types";

/** Told of every entry of a walk; returns whether to go below. */
export type Visit = (
  abbreviation: Abbreviation,
  entry: { readonly offset: number; readonly valuesAt: number; readonly depth: number },
) => boolean;

/** A unit of debug information: entries that a compiler made together. */
export class Unit implements UnitFormat {
  /** File that the unit belongs to. */
  readonly file: DwarfFile;
  /** Contents of the unit's section. */
  readonly bytes: Uint8Array;
  /** Offset of the unit's header in the section. */
  readonly offset: number;
  /** Offset behind the unit in the section. */
  readonly end: number;
  readonly version: number;
  readonly offsetSize: 4 | 8;
  readonly addressSize: number;
  /** `DW_UT_*`; of older versions what is alike. */
  readonly kind: number;
  /** Of a unit with one type: its signature and where the type is in the section. */
  readonly type?: { readonly signature: bigint; readonly offset: number };
  /** For a split unit: the unit of the program that it completes. */
  skeleton?: Unit;
  readonly #firstAt: number;
  readonly #abbreviations: Abbreviations;
  readonly #dwoId?: bigint;
  #root?: Die;

  /**
   * Reads the header.
   *
   * @throws {DamagedError} The bytes are no header, or of an unknown version.
   */
  constructor(file: DwarfFile, section: UnitSection, offset: number) {
    this.file = file;
    this.bytes = file.section(section);
    this.offset = offset;
    const reader = new ByteReader(this.bytes, offset);
    const { length, offsetSize } = initialLength(reader);
    this.offsetSize = offsetSize;
    this.end = reader.at + length;
    if (this.end > this.bytes.length) throw new DamagedError("a unit that is cut off");
    this.version = reader.u16();
    if (this.version < 2 || this.version > 5) {
      throw new DamagedError(`version ${this.version} of DWARF`);
    }
    let abbreviations: number;
    let kind: number = section === "debug_types" ? DW_UT.type : DW_UT.compile;
    if (this.version === 5) {
      kind = reader.u8();
      this.addressSize = reader.u8();
      abbreviations = reader.unsigned(offsetSize);
    } else {
      abbreviations = reader.unsigned(offsetSize);
      this.addressSize = reader.u8();
    }
    if (![1, 2, 4, 8].includes(this.addressSize)) {
      throw new DamagedError(`addresses of ${this.addressSize} bytes`);
    }
    this.kind = kind;
    if (kind === DW_UT.skeleton || kind === DW_UT.split_compile) this.#dwoId = reader.wide(8);
    if (kind === DW_UT.type || kind === DW_UT.split_type) {
      const signature = reader.wide(8);
      this.type = { signature, offset: offset + reader.unsigned(offsetSize) };
    }
    this.#firstAt = reader.at;
    this.#abbreviations = file.abbreviations(abbreviations, this);
  }

  /** Its first entry, which all others are below of. */
  get root(): Die {
    if (this.#root !== undefined) return this.#root;
    const root = this.entryAt(this.#firstAt);
    if (root === undefined) throw new DamagedError("a unit without entries");
    return this.#root = root;
  }

  /** Id that the unit and its split part share. */
  get dwoId(): bigint | undefined {
    return this.#dwoId ?? this.root.integer(DW_AT.GNU_dwo_id, false);
  }

  /** Name of the file that has the rest of the unit. */
  get dwoName(): string | undefined {
    const { root } = this;
    // The split part of version 4 has the name, too.
    if (this.file.isSplit) return undefined;
    return root.text(DW_AT.dwo_name) ?? root.text(DW_AT.GNU_dwo_name);
  }

  /** The code at a place; undefined where a list of entries ends. */
  codeAt(at: number): { abbreviation: Abbreviation; valuesAt: number } | undefined {
    const reader = new ByteReader(this.bytes, at, this.end);
    const code = reader.uleb();
    if (code === 0) return undefined;
    return { abbreviation: this.#abbreviations.get(code), valuesAt: reader.at };
  }

  /** The entry at an offset of the section; undefined where a list of entries ends. */
  entryAt(at: number): Die | undefined {
    if (at < this.#firstAt) throw new DamagedError("a reference into a header");
    const found = this.codeAt(at);
    return found && new Die(this, at, found.abbreviation, found.valuesAt);
  }

  /** Where the values of an entry end. */
  afterValues({ size, forms }: Abbreviation, valuesAt: number): number {
    if (size >= 0) {
      if (valuesAt + size > this.end) throw new DamagedError("an entry that is cut off");
      return valuesAt + size;
    }
    const reader = new ByteReader(this.bytes, valuesAt, this.end);
    for (const form of forms) skipForm(reader, form, this);
    return reader.at;
  }

  /** Goes over all entries, or over those that `visit` goes below. */
  walk(visit: Visit): void {
    const reader = new ByteReader(this.bytes, this.#firstAt, this.end);
    let depth = 0;
    let hidden = Infinity;
    while (!reader.done) {
      const offset = reader.at;
      const code = reader.uleb();
      if (code === 0) {
        depth--;
        if (depth <= 0) return;
        if (depth <= hidden) hidden = Infinity;
        continue;
      }
      const abbreviation = this.#abbreviations.get(code);
      const valuesAt = reader.at;
      const { size, forms, hasChildren } = abbreviation;
      const below = hidden === Infinity && visit(abbreviation, { offset, valuesAt, depth });
      if (!below && hidden === Infinity && hasChildren && abbreviation.hasSibling) {
        reader.at = new Die(this, offset, abbreviation, valuesAt).next();
        continue;
      }
      if (size >= 0) reader.skip(size);
      else for (let i = 0; i < forms.length; i++) skipForm(reader, forms[i], this);
      if (!hasChildren) {
        if (depth === 0) return;
        continue;
      }
      if (!below && hidden === Infinity) hidden = depth;
      depth++;
    }
  }

  /** A string by its number. */
  indexedString(index: number): string | undefined {
    const section = this.file.section("debug_str_offsets");
    const at = this.#stringsBase + index * this.offsetSize;
    if (!(at + this.offsetSize <= section.length)) return undefined;
    const offset = new ByteReader(section, at).unsigned(this.offsetSize);
    return stringAt(this.file.section("debug_str"), offset);
  }

  /** An address by its number. */
  indexedAddress(index: number): number | undefined {
    const { file } = this.skeleton ?? this;
    const section = file.section("debug_addr");
    const at = this.#addressBase + index * this.addressSize;
    if (!(at + this.addressSize <= section.length)) return undefined;
    return new ByteReader(section, at).unsigned(this.addressSize);
  }

  /**
   * Where the offsets of lists start that have numbers, in .debug_loclists or .debug_rnglists.
   *
   * @param attribute DW_AT_loclists_base or DW_AT_rnglists_base
   */
  listsBase(attribute: number): number {
    // Behind the section's header.
    return this.root.list(attribute)?.offset ?? (this.offsetSize === 8 ? 20 : 12);
  }

  get #stringsBase(): number {
    const base = this.root.list(DW_AT.str_offsets_base)?.offset;
    if (base !== undefined) return base;
    return this.version < 5 ? 0 : this.offsetSize === 8 ? 16 : 8;
  }

  get #addressBase(): number {
    const { root } = this.skeleton ?? this;
    return root.list(DW_AT.addr_base)?.offset ?? root.list(DW_AT.GNU_addr_base)?.offset ??
      (this.version < 5 ? 0 : 8);
  }
}

/**
 * Reads the length that units, tables of lines and the like begin with.
 *
 * @throws {DamagedError} It is cut off, or of the values that are kept for later.
 */
export function initialLength(reader: ByteReader): { length: number; offsetSize: 4 | 8 } {
  const length = reader.u32();
  if (length === 0xffff_ffff) return { length: reader.u64(), offsetSize: 8 };
  if (length >= 0xffff_fff0) throw new DamagedError("a length that is none");
  return { length, offsetSize: 4 };
}

/** True if the form is a constant that is added to low_pc, not an address. */
export function isLength(die: Die): boolean {
  const { attributes, forms } = die.abbreviation;
  const form = forms[attributes.indexOf(DW_AT.high_pc)];
  return form !== DW_FORM.addr && form !== DW_FORM.addrx;
}

// Pure: no I/O, no FFI.
// Abbreviations: which attributes an entry of that code has, in which forms. A table is decoded up to the
// code that is wanted; whole tables are most of what looking at the heads of units costs.

import { ByteReader, DamagedError } from "./byte_reader.ts";
import { DW_AT, DW_FORM } from "./constants.ts";
import { formSize, type UnitFormat } from "./forms.ts";

/** What entries of one code have in common. */
export interface Abbreviation {
  /** Tag of the entries, `DW_TAG_*`. */
  readonly tag: number;
  /** True if entries of the next level follow. */
  readonly hasChildren: boolean;
  /** Attributes of the entries, `DW_AT_*`, in order. */
  readonly attributes: readonly number[];
  /** Form of each attribute, `DW_FORM_*`. */
  readonly forms: readonly number[];
  /** Values of DW_FORM_implicit_const by index. */
  readonly constants: ReadonlyMap<number, bigint>;
  /** Bytes of all values, if that is always the same; -1 otherwise. */
  readonly size: number;
  /** True if the entries have the attribute DW_AT_sibling. */
  readonly hasSibling: boolean;
}

/** More attributes than any entry has. */
const MOST_ATTRIBUTES = 512;
const NO_CONSTANTS: ReadonlyMap<number, bigint> = new Map();

/** One table of .debug_abbrev, for units of one format. */
export class Abbreviations {
  readonly #reader: ByteReader;
  readonly #format: UnitFormat;
  readonly #byCode = new Map<number, Abbreviation>();
  #complete = false;

  /**
   * Reads nothing yet.
   *
   * @param section .debug_abbrev
   * @param offset Where the table starts in it.
   */
  constructor(section: Uint8Array, offset: number, format: UnitFormat) {
    this.#reader = new ByteReader(section, offset);
    this.#format = format;
  }

  /**
   * The abbreviation of a code.
   *
   * @throws {DamagedError} The table does not have it.
   */
  get(code: number): Abbreviation {
    let found = this.#byCode.get(code);
    while (found === undefined && !this.#complete) {
      const read = this.#reader.uleb();
      if (read === 0) this.#complete = true;
      else {
        const one = this.#next();
        // The first of a code counts.
        if (!this.#byCode.has(read)) this.#byCode.set(read, one);
        if (read === code) found = this.#byCode.get(code);
      }
    }
    if (found === undefined) throw new DamagedError(`no abbreviation ${code}`);
    return found;
  }

  #next(): Abbreviation {
    const reader = this.#reader;
    const tag = reader.uleb();
    const hasChildren = reader.u8() !== 0;
    const attributes: number[] = [];
    const forms: number[] = [];
    let constants: Map<number, bigint> | undefined;
    let size = 0;
    let hasSibling = false;
    for (;;) {
      const attribute = reader.uleb();
      const form = reader.uleb();
      if (form === DW_FORM.implicit_const) {
        (constants ??= new Map()).set(attributes.length, reader.wideLeb(true));
      }
      if (attribute === 0 && form === 0) break;
      if (attributes.push(attribute) > MOST_ATTRIBUTES) {
        throw new DamagedError("an abbreviation without an end");
      }
      forms.push(form);
      hasSibling ||= attribute === DW_AT.sibling;
      const width = formSize(form, this.#format);
      size = size < 0 || width === undefined ? -1 : size + width;
    }
    return {
      tag,
      hasChildren,
      attributes,
      forms,
      constants: constants ?? NO_CONSTANTS,
      size,
      hasSibling,
    };
  }
}

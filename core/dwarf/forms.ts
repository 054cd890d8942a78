// Pure: no I/O, no FFI.
// How many bytes the value of an attribute takes. DWARF 5, section 7.5.6.

import { type ByteReader, DamagedError } from "./byte_reader.ts";
import { DW_FORM } from "./constants.ts";

/** What widths in a unit depend on. */
export interface UnitFormat {
  /** Version of DWARF: 2 to 5. */
  readonly version: number;
  /** Bytes of an address. */
  readonly addressSize: number;
  /** Bytes of an offset in a section: 4, or 8 in 64-bit DWARF. */
  readonly offsetSize: 4 | 8;
}

const FIXED: Readonly<Record<number, number>> = {
  [DW_FORM.data1]: 1,
  [DW_FORM.data2]: 2,
  [DW_FORM.data4]: 4,
  [DW_FORM.data8]: 8,
  [DW_FORM.data16]: 16,
  [DW_FORM.flag]: 1,
  [DW_FORM.flag_present]: 0,
  [DW_FORM.implicit_const]: 0,
  [DW_FORM.ref1]: 1,
  [DW_FORM.ref2]: 2,
  [DW_FORM.ref4]: 4,
  [DW_FORM.ref8]: 8,
  [DW_FORM.ref_sig8]: 8,
  [DW_FORM.ref_sup4]: 4,
  [DW_FORM.ref_sup8]: 8,
  [DW_FORM.strx1]: 1,
  [DW_FORM.strx2]: 2,
  [DW_FORM.strx3]: 3,
  [DW_FORM.strx4]: 4,
  [DW_FORM.addrx1]: 1,
  [DW_FORM.addrx2]: 2,
  [DW_FORM.addrx3]: 3,
  [DW_FORM.addrx4]: 4,
};

const OFFSETS: ReadonlySet<number> = new Set([
  DW_FORM.strp,
  DW_FORM.sec_offset,
  DW_FORM.strp_sup,
  DW_FORM.line_strp,
  DW_FORM.GNU_ref_alt,
  DW_FORM.GNU_strp_alt,
]);

/** Bytes of a form in a unit; undefined if each value has a length of its own. */
export function formSize(form: number, format: UnitFormat): number | undefined {
  if (OFFSETS.has(form)) return format.offsetSize;
  if (form === DW_FORM.addr) return format.addressSize;
  // In version 2 as wide as an address.
  if (form === DW_FORM.ref_addr) {
    return format.version < 3 ? format.addressSize : format.offsetSize;
  }
  return FIXED[form];
}

/**
 * Passes over a value.
 *
 * @throws {DamagedError} The form is unknown, or the value goes beyond the end.
 */
export function skipForm(reader: ByteReader, form: number, format: UnitFormat): void {
  const size = formSize(form, format);
  if (size !== undefined) return reader.skip(size);
  switch (form) {
    case DW_FORM.sdata:
    case DW_FORM.udata:
    case DW_FORM.ref_udata:
    case DW_FORM.strx:
    case DW_FORM.addrx:
    case DW_FORM.loclistx:
    case DW_FORM.rnglistx:
    case DW_FORM.GNU_addr_index:
    case DW_FORM.GNU_str_index:
      return reader.skipLeb();
    case DW_FORM.string:
      return reader.skipText();
    case DW_FORM.block:
    case DW_FORM.exprloc:
      return reader.skip(reader.uleb());
    case DW_FORM.block1:
      return reader.skip(reader.u8());
    case DW_FORM.block2:
      return reader.skip(reader.u16());
    case DW_FORM.block4:
      return reader.skip(reader.u32());
    case DW_FORM.indirect: {
      const actual = reader.uleb();
      if (actual === DW_FORM.indirect || actual === DW_FORM.implicit_const) break;
      return skipForm(reader, actual, format);
    }
  }
  throw new DamagedError(`unknown form 0x${form.toString(16)}`);
}

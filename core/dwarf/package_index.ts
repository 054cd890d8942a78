// Pure: no I/O, no FFI.
// Packages of split units (.dwp): which parts of its sections belong to a unit. DWARF 5, section 7.3.5.

import { ByteReader, DamagedError } from "./byte_reader.ts";
import type { ReadSection } from "./dwarf_file.ts";

/** Sections by their numbers in the index; 2, 5 and 8 differ in what came before version 5. */
const NAMES: Readonly<Record<number, string>> = {
  1: "debug_info",
  2: "debug_types",
  3: "debug_abbrev",
  4: "debug_line",
  5: "debug_loclists",
  6: "debug_str_offsets",
  8: "debug_rnglists",
};
const OLD_NAMES: Readonly<Record<number, string>> = { ...NAMES, 5: "debug_loc", 8: "debug_macro" };
/** More than any package has. */
const MOST_UNITS = 1 << 20;

/**
 * The sections of a package as one unit sees them; undefined if the package does not have the unit.
 *
 * @param read Sections of the package without ".dwo".
 * @param index .debug_cu_index
 */
export function packagedUnit(
  read: ReadSection,
  index: Uint8Array,
  id: bigint,
): ReadSection | undefined {
  if (index.length === 0) return undefined;
  const reader = new ByteReader(index);
  // A u16 with padding in version 5.
  const version = reader.u32() & 0xffff;
  const [columns, units, slots] = [reader.u32(), reader.u32(), reader.u32()];
  if (columns > 32 || units > MOST_UNITS || slots > MOST_UNITS * 4) {
    throw new DamagedError("a package of too many units");
  }
  let slot = -1;
  for (let i = 0; i < slots; i++) if (reader.wide(8) === id) slot = i;
  const rowsAt = reader.at;
  if (slot < 0) return undefined;
  const row = new ByteReader(index, rowsAt + slot * 4).u32();
  if (row === 0 || row > units) return undefined;
  const table = new ByteReader(index, rowsAt + slots * 4);
  const kinds = Array.from({ length: columns }, () => table.u32());
  const cell = (line: number, column: number) =>
    new ByteReader(index, table.at + (line * columns + column) * 4).u32();
  const names = version >= 5 ? NAMES : OLD_NAMES;
  const parts = new Map(kinds.map((kind, column) => [
    names[kind],
    { offset: cell(row - 1, column), size: cell(units + row - 1, column) },
  ]));
  return (name) => {
    const part = parts.get(name);
    const whole = read(name);
    // Text is shared by all.
    return part === undefined ? whole : whole.subarray(part.offset, part.offset + part.size);
  };
}

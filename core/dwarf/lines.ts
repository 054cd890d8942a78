// Pure: no I/O, no FFI.
// Lines of source to addresses: the tables of .debug_line, versions 2 to 5. DWARF 5, section 6.2.

import { ByteReader, DamagedError, stringAt } from "./byte_reader.ts";
import { DW_AT, DW_FORM, DW_TAG } from "./constants.ts";
import type { DwarfFile } from "./dwarf_file.ts";
import { skipForm } from "./forms.ts";
import { type AddressRange, rangesOf } from "./lists.ts";
import { initialLength, type Unit } from "./unit.ts";

/** A table with its files; its program is run when lines of them are asked for. */
interface LineTable {
  /** Full path of each file, by the number that the program uses. */
  readonly files: readonly string[];
  /** In front of the program. */
  readonly program: ByteReader;
  readonly addressSize: number;
  readonly minimum: number;
  readonly isStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  /** Operands of each standard operation. */
  readonly operands: readonly number[];
}

const DW_LNCT_path = 1;
const DW_LNCT_directory_index = 2;
/** Names of a table; more would be a file that is made to keep us busy. */
const MOST_FILES = 1 << 18;
/** Characters of all names of a table: many of them may be the same long text. */
const MOST_CHARACTERS = 1 << 26;
/** Places that a line may have; the ranges that all functions in question may have. */
const MOST_PLACES = 1 << 20;
const MOST_RANGES = 1 << 22;

/** Addresses of a line. */
export interface LinePlaces {
  /** Paths of all files that the name may mean. */
  readonly files: readonly string[];
  /**
   * Where the line's code starts: one address for each function that has code of it, and for each place
   * that such a function was inlined at.
   */
  readonly addresses: readonly number[];
}

/** Finds a line in all units whose tables have a file of that name, or of that end of a path. */
export function findLine(dwarf: DwarfFile, file: string, line: number): LinePlaces {
  const files = new Set<string>();
  const addresses = new Set<number>();
  const seen = new Map<number, Unit[]>();
  for (const unit of dwarf.units) {
    const at = intact(() => unit.root.list(DW_AT.stmt_list)?.offset);
    if (at === undefined) continue;
    const units = seen.get(at);
    if (units === undefined) seen.set(at, [unit]);
    else units.push(unit);
  }
  // Tables do not overlap: all programs together are no longer than the section.
  let room = dwarf.section("debug_line").length;
  for (const [at, units] of seen) {
    intact(() => {
      const table = readHeader(dwarf, units[0], at);
      const wanted = new Set<number>();
      table.files.forEach((path, i) => {
        if (path === file || path.endsWith(`/${file}`)) wanted.add(i);
      });
      if (wanted.size === 0) return;
      room -= table.program.end - table.program.at;
      if (room < 0) throw new DamagedError("tables of lines that overlap");
      const found = rowsOf(table, wanted, line);
      for (const number of wanted) files.add(table.files[number]);
      if (found.length === 0) return;
      const scopes = scopesOf(units.map((unit) => dwarf.whole(unit)));
      for (const address of firstOfEach(found, scopes)) addresses.add(address);
    });
  }
  return { files: [...files].sort(), addresses: [...addresses].sort((a, b) => a - b) };
}

/** Undefined where the file is damaged: other units may not be. */
function intact<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DamagedError) return undefined;
    throw error;
  }
}

function readHeader(dwarf: DwarfFile, unit: Unit, at: number): LineTable {
  const outer = new ByteReader(dwarf.section("debug_line"), at);
  const { length, offsetSize } = initialLength(outer);
  const reader = new ByteReader(outer.bytes, outer.at, outer.at + length);
  const version = reader.u16();
  if (version < 2 || version > 5) throw new DamagedError(`version ${version} of lines`);
  let { addressSize } = unit;
  if (version >= 5) {
    addressSize = reader.u8();
    reader.skip(1);
  }
  const headerLength = reader.unsigned(offsetSize);
  const programAt = reader.at + headerLength;
  const minimum = reader.u8();
  if (version >= 4) reader.skip(1);
  const isStatement = reader.u8() !== 0;
  const lineBase = reader.u8() << 24 >> 24;
  const lineRange = reader.u8();
  if (lineRange === 0) throw new DamagedError("lines without a range");
  const operands = [0];
  for (let i = reader.u8() - 1; i > 0; i--) operands.push(reader.u8());
  const format = { version, addressSize, offsetSize };
  const folder = unit.root.text(DW_AT.comp_dir) ?? "";
  const files = version >= 5 ? newNames(dwarf, reader, format, folder) : oldNames(reader, folder);
  return {
    files,
    program: new ByteReader(reader.bytes, programAt, reader.end),
    addressSize,
    minimum,
    isStatement,
    lineBase,
    lineRange,
    operands,
  };
}

function joined(folder: string, name: string): string {
  return name.startsWith("/") || folder === "" ? name : `${folder}/${name}`;
}

/** Version 4 and before: files are counted from 1, folder 0 is the one that was compiled in. */
function oldNames(reader: ByteReader, folder: string): string[] {
  const folders = [folder];
  for (let name = reader.text(); name !== ""; name = reader.text()) {
    folders.push(joined(folder, name));
    if (folders.length > MOST_FILES) throw new DamagedError("too many folders");
  }
  const files = [""];
  let room = MOST_CHARACTERS;
  for (let name = reader.text(); name !== ""; name = reader.text()) {
    const path = joined(folders[reader.uleb()] ?? "", name);
    files.push(path);
    room -= path.length;
    if (room < 0) throw new DamagedError("names of files that are too long");
    reader.skipLeb();
    reader.skipLeb();
    if (files.length > MOST_FILES) throw new DamagedError("too many files");
  }
  return files;
}

type Format = Parameters<typeof skipForm>[2];

/** Version 5: what an entry has is told before. */
function newNames(dwarf: DwarfFile, reader: ByteReader, format: Format, folder: string): string[] {
  const folders = newEntries(dwarf, reader, format).map(({ path }) => joined(folder, path));
  let room = MOST_CHARACTERS;
  return newEntries(dwarf, reader, format).map(({ path, folder }) => {
    const whole = joined(folders[folder] ?? "", path);
    room -= whole.length;
    if (room < 0) throw new DamagedError("names of files that are too long");
    return whole;
  });
}

function newEntries(dwarf: DwarfFile, reader: ByteReader, format: Format) {
  const columns = Array.from({ length: reader.u8() }, () => [reader.uleb(), reader.uleb()]);
  const count = reader.uleb();
  if (count > MOST_FILES || (count > 0 && columns.length === 0)) {
    throw new DamagedError("too many files");
  }
  const found: { path: string; folder: number }[] = [];
  let room = MOST_CHARACTERS;
  for (let i = 0; i < count; i++) {
    let path = "";
    let folder = 0;
    for (const [content, form] of columns) {
      if (content === DW_LNCT_path) path = nameOf(dwarf, reader, form, format);
      else if (content === DW_LNCT_directory_index) folder = numberOf(reader, form);
      else skipForm(reader, form, format);
    }
    found.push({ path, folder });
    room -= path.length;
    if (room < 0) throw new DamagedError("names of files that are too long");
  }
  return found;
}

function nameOf(dwarf: DwarfFile, reader: ByteReader, form: number, format: Format): string {
  switch (form) {
    case DW_FORM.string:
      return reader.text();
    case DW_FORM.line_strp:
      return stringAt(dwarf.section("debug_line_str"), reader.unsigned(format.offsetSize));
    case DW_FORM.strp:
      return stringAt(dwarf.section("debug_str"), reader.unsigned(format.offsetSize));
  }
  skipForm(reader, form, format);
  return "";
}

function numberOf(reader: ByteReader, form: number): number {
  switch (form) {
    case DW_FORM.data1:
      return reader.u8();
    case DW_FORM.data2:
      return reader.u16();
    case DW_FORM.udata:
      return reader.uleb();
  }
  throw new DamagedError("a folder's number of unknown form");
}

/** Runs a program; addresses where statements of that line of those files start. */
function rowsOf(table: LineTable, files: ReadonlySet<number>, wanted: number): number[] {
  const { program, operands, lineBase, lineRange, minimum, addressSize } = table;
  const found: number[] = [];
  let address = 0;
  let file = 1;
  let line = 1;
  let isStatement = table.isStatement;
  let first = true;
  /** The code of this sequence was left out by the linker. */
  let isRemoved = false;
  const row = () => {
    if (first) isRemoved = address === 0;
    first = false;
    if (line !== wanted || !isStatement || isRemoved || !files.has(file)) return;
    if (found.push(address) > MOST_PLACES) throw new DamagedError("a line in too many places");
  };
  while (!program.done) {
    const operation = program.u8();
    if (operation >= operands.length) {
      const adjusted = operation - operands.length;
      address += Math.floor(adjusted / lineRange) * minimum;
      line += lineBase + adjusted % lineRange;
      row();
      continue;
    }
    switch (operation) {
      case 0: {
        const size = program.uleb();
        const end = program.at + size;
        const extended = program.u8();
        if (extended === 1) { // DW_LNE_end_sequence
          address = 0;
          file = line = 1;
          ({ isStatement } = table);
          first = true;
        } else if (extended === 2) address = program.unsigned(addressSize); // DW_LNE_set_address
        program.skip(end - program.at);
        continue;
      }
      case 1: // DW_LNS_copy
        row();
        continue;
      case 2: // DW_LNS_advance_pc
        address += program.uleb() * minimum;
        continue;
      case 3: // DW_LNS_advance_line
        line += program.sleb();
        continue;
      case 4: // DW_LNS_set_file
        file = program.uleb();
        continue;
      case 6: // DW_LNS_negate_stmt
        isStatement = !isStatement;
        continue;
      case 8: // DW_LNS_const_add_pc
        address += Math.floor((255 - operands.length) / lineRange) * minimum;
        continue;
      case 9: // DW_LNS_fixed_advance_pc
        address += program.u16();
        continue;
      default:
        for (let i = operands[operation]; i > 0; i--) program.skipLeb();
    }
  }
  return found;
}

/** A range of code, with the number of the function, or copy of a function, that the code is of. */
interface Scope extends AddressRange {
  readonly number: number;
}

/** Code of functions of units, and of copies of functions in others; inner ones have higher numbers. */
function scopesOf(units: readonly Unit[]): Scope[] {
  const scopes: Scope[] = [];
  let number = 0;
  for (const unit of units) {
    unit.walk(({ tag, attributes }, { offset }) => {
      if (tag !== DW_TAG.subprogram && tag !== DW_TAG.inlined_subroutine) return true;
      if (!attributes.includes(DW_AT.low_pc) && !attributes.includes(DW_AT.ranges)) return true;
      number++;
      for (const { start, end } of rangesOf(unit.entryAt(offset)!)) {
        if (scopes.push({ start, end, number }) > MOST_RANGES) {
          throw new DamagedError("functions of too many parts");
        }
      }
      return true;
    });
  }
  return scopes;
}

/** The lowest address in each scope; a scope is of what no smaller one covers. */
function firstOfEach(addresses: readonly number[], scopes: readonly Scope[]): number[] {
  const wanted = [...new Set(addresses)].sort((a, b) => a - b);
  /** Number of the innermost scope of each address: what is inside another comes after that. */
  const innermost = new Uint32Array(wanted.length);
  // From the innermost scope outwards: an address is of the first scope that covers it. Addresses that
  // have their scope are passed over at once: next[i] leads to the next address without a scope.
  const next = Uint32Array.from({ length: wanted.length + 1 }, (_, i) => i);
  const free = (from: number) => {
    let at = from;
    while (next[at] !== at) at = next[at] = next[next[at]];
    return at;
  };
  for (const { start, end, number } of scopes.toReversed()) {
    for (let at = free(firstFrom(wanted, start)); wanted[at] < end; at = free(at)) {
      innermost[at] = number;
      next[at] = at + 1;
    }
  }
  const lowest = new Map<number, number>();
  wanted.forEach((address, i) => {
    if (!lowest.has(innermost[i])) lowest.set(innermost[i], address);
  });
  return [...lowest.values()];
}

/** Index of the first number that is not less than `least`. */
function firstFrom(sorted: readonly number[], least: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

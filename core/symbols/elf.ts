// Pure: no I/O, no FFI.
// Decodes ELF files, as far as naming addresses needs: segments, symbols, and hints to more
// symbols. Addresses are numbers, those that the file itself uses. See elf(5); "The .gnu_debuglink
// section" and "MiniDebugInfo" of gdb's manual.

import { endOf, type SymbolSource, textAt } from "./symbol_table.ts";

/** Reads bytes of a file; returns fewer bytes at the end of the file. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

/** A part of the file that the loader maps (PT_LOAD). */
export interface Segment {
  /** Offset of the segment in the file, in bytes. */
  readonly offset: number;
  /** Address of the segment, in the file's own addresses. */
  readonly address: number;
  /** Number of bytes that the segment takes in the file. */
  readonly size: number;
}

/** A header of a section, decoded. */
interface Section {
  readonly name: string;
  readonly type: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly executable: boolean;
  readonly compressed: boolean;
}

const PT_LOAD = 1;
const PT_NOTE = 4;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SHT_DYNSYM = 11;
const SHF_EXECINSTR = 4;
const SHF_COMPRESSED = 0x800;
const NT_GNU_BUILD_ID = 3;
const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const STT_OBJECT = 1;
const STB_GLOBAL = 1;
const STB_WEAK = 2;
/** Greatest number of section headers that is believed: a file that claims more is damaged. */
const MOST_HEADERS = 65536;
/** Greatest size in bytes of a section that is read. */
const MOST_BYTES = 1 << 30;
/** Greatest size in bytes of a table of symbols and of their names: browsers have a third of that. */
const MOST_SYMBOL_BYTES = 1 << 27;
const MOST_STRING_BYTES = 1 << 28;
/** Greatest size in bytes of the names of sections, of notes, and of other small sections. */
const MOST_SMALL_BYTES = 1 << 24;
/** Most bytes of the name of a section. */
const MOST_SECTION_NAME = 256;
/** Notes of segments that are looked into. */
const MOST_NOTES = 16;

/** Kind of symbol: "code" for functions, "data" for variables. */
export type SymbolKind = "code" | "data";

/** An ELF file. The headers are read by the constructor, symbols when somebody asks for them. */
export class ElfFile {
  /** Segments that the loader maps. */
  readonly segments: readonly Segment[];
  /** Build id in hexadecimal; absent if the file has none. */
  readonly buildId?: string;
  readonly #read: ReadAt;
  readonly #sections: readonly Section[];
  /** True if the file's words have 64 bits. */
  readonly #wide: boolean;

  /**
   * Reads the headers.
   *
   * @param read Reads bytes of the file; called again for sections and symbols.
   * @throws {RangeError} The file is no little-endian ELF file, or damaged.
   */
  constructor(read: ReadAt) {
    this.#read = read;
    const head = viewOf(read(0, 64));
    if (head.byteLength < 52 || head.getUint32(0) !== 0x7f454c46 || head.getUint8(5) !== 1) {
      throw new RangeError("not a little-endian ELF file");
    }
    this.#wide = head.getUint8(4) === 2;
    const [programs, sections, counts] = this.#wide ? [32, 40, 54] : [28, 32, 42];
    const at = {
      programs: word(head, programs, this.#wide),
      sections: word(head, sections, this.#wide),
    };
    const [programSize, programCount, sectionSize, sectionCount, namesIndex] = [0, 2, 4, 6, 8].map(
      (offset) => head.getUint16(counts + offset, true),
    );
    const segments = this.#programs(at.programs, programSize, programCount);
    this.segments = segments.filter(({ type }) => type === PT_LOAD);
    this.#sections = this.#readSections(at.sections, sectionSize, sectionCount, namesIndex);
    this.buildId = this.#buildId(segments.filter(({ type }) => type === PT_NOTE));
  }

  /** Converts an offset in the file to an address; undefined if no segment covers the offset. */
  addressOf(fileOffset: number): number | undefined {
    const found = this.segments.find(({ offset, size }) =>
      // A mapping starts at the beginning of the page in which its segment starts, which may be
      // before the segment.
      fileOffset >= offset - (offset & 0xffff) && fileOffset < offset + size
    );
    const inside =
      this.segments.find(({ offset, size }) =>
        fileOffset >= offset && fileOffset < offset + size
      ) ?? found;
    return inside && fileOffset - inside.offset + inside.address;
  }

  /** Converts an address to an offset in the file; undefined if the address is not in the file. */
  offsetOf(address: number): number | undefined {
    const found = this.segments.find((one) =>
      address >= one.address && address < one.address + one.size
    );
    return found && address - found.address + found.offset;
  }

  /** Address of the section .text, by which a file and its debug file are aligned. */
  get textAddress(): number | undefined {
    return this.#sections.find(({ name }) => name === ".text")?.address;
  }

  /** True for a file of a 64-bit architecture. */
  get is64Bit(): boolean {
    return this.#wide;
  }

  /** True if the file has a full symbol table, not only the symbols for dynamic linking. */
  get hasSymbols(): boolean {
    return this.#sections.some((one) => one.type === SHT_SYMTAB && one.size > 0 && !one.compressed);
  }

  /** Name and CRC-32 of the separate debug file (.gnu_debuglink); undefined if there is no hint. */
  get debugLink(): { readonly name: string; readonly crc: number } | undefined {
    const bytes = this.smallSection(".gnu_debuglink");
    if (bytes === undefined || bytes.length < 8) return undefined;
    const at = padded(endOf(bytes, 0) + 1);
    if (at + 4 > bytes.length) return undefined;
    return { name: textAt(bytes, 0), crc: viewOf(bytes).getUint32(at, true) };
  }

  /** Address of a section; undefined if there is no such section. */
  sectionAddress(name: string): number | undefined {
    return this.#sections.find((one) => one.name === name)?.address;
  }

  /** Contents of a section; undefined if there is no such section, empty if they are compressed. */
  section(name: string): Uint8Array | undefined {
    const found = this.#sections.find((one) => one.name === name);
    return found && this.#contents(found);
  }

  /** Contents of a section as {@linkcode ElfFile.section} has them; empty if they have more than 16 MiB. */
  smallSection(name: string): Uint8Array | undefined {
    const found = this.#sections.find((one) => one.name === name);
    return found && this.#contents(found, MOST_SMALL_BYTES);
  }

  /** Contents of a section that is compressed, with the header that says how; undefined for others. */
  compressedSection(name: string): Uint8Array | undefined {
    const found = this.#sections.find((one) => one.name === name && one.compressed);
    return found && this.#raw(found);
  }

  /**
   * Reads the symbols of a kind that the file defines.
   *
   * @param kind "code" for functions, "data" for variables.
   */
  symbols(kind: SymbolKind): SymbolSource {
    // A file has one table of each kind; more are not believed.
    const isFirst = (section: Section) =>
      section === this.#sections.find(({ type }) => type === section.type);
    const tables = this.#sections.filter(({ type }) => type === SHT_SYMTAB || type === SHT_DYNSYM)
      .filter(isFirst).map((section) => this.#table(section, kind));
    return joined(tables);
  }

  /** Contents of a section; empty if the section is compressed, takes no room or claims too much. */
  #contents(section: Section, most = MOST_BYTES): Uint8Array {
    return section.compressed ? new Uint8Array() : this.#raw(section, most);
  }

  #raw({ type, offset, size }: Section, most = MOST_BYTES): Uint8Array {
    return type === SHT_NOBITS || size > most ? new Uint8Array() : this.#read(offset, size);
  }

  /** Decodes the program headers. */
  #programs(at: number, size: number, count: number) {
    const wide = this.#wide;
    if (size !== (wide ? 56 : 32)) return [];
    const view = viewOf(this.#read(at, size * count));
    return Array.from({ length: Math.floor(view.byteLength / size) }, (_, i) => {
      const from = i * size;
      return {
        type: view.getUint32(from, true),
        offset: word(view, from + (wide ? 8 : 4), wide),
        address: word(view, from + (wide ? 16 : 8), wide),
        size: word(view, from + (wide ? 32 : 16), wide),
      };
    });
  }

  /** Decodes the section headers. */
  #readSections(at: number, size: number, count: number, namesIndex: number): Section[] {
    if (at === 0 || count === 0 || count > MOST_HEADERS || size !== (this.#wide ? 64 : 40)) {
      return [];
    }
    const wide = this.#wide;
    const view = viewOf(this.#read(at, size * count));
    const raw = Array.from({ length: Math.floor(view.byteLength / size) }, (_, i) => {
      const from = i * size;
      const flags = word(view, from + 8, wide);
      return {
        nameAt: view.getUint32(from, true),
        type: view.getUint32(from + 4, true),
        address: word(view, from + (wide ? 16 : 12), wide),
        offset: word(view, from + (wide ? 24 : 16), wide),
        size: word(view, from + (wide ? 32 : 20), wide),
        link: view.getUint32(from + (wide ? 40 : 24), true),
        executable: (flags & SHF_EXECINSTR) !== 0,
        compressed: (flags & SHF_COMPRESSED) !== 0,
      };
    });
    const strings = raw[namesIndex];
    const names = strings === undefined || strings.size > MOST_SMALL_BYTES
      ? new Uint8Array()
      : this.#read(strings.offset, strings.size);
    const nameOf = (at: number) => textAt(names.subarray(at, at + MOST_SECTION_NAME), 0);
    return raw.map(({ nameAt, ...rest }) => ({ ...rest, name: nameOf(nameAt) }));
  }

  /** Finds the build id in the notes: in segments or, in a debug file, in a section. */
  #buildId(notes: readonly Segment[]): string | undefined {
    for (const { offset, size } of notes.slice(0, MOST_NOTES)) {
      const found = buildIdIn(this.#read(offset, Math.min(size, 4096)));
      if (found !== undefined) return found;
    }
    const section = this.smallSection(".note.gnu.build-id");
    return section && buildIdIn(section);
  }

  /** The symbols of a kind in one symbol table. */
  #table(section: Section, kind: SymbolKind): SymbolSource {
    const wide = this.#wide;
    const bytes = this.#contents(section, MOST_SYMBOL_BYTES);
    const strings = this.#sections[section.link];
    const names = strings === undefined
      ? new Uint8Array()
      : this.#contents(strings, MOST_STRING_BYTES);
    const view = viewOf(bytes);
    const entry = wide ? 24 : 16;
    const info = (at: number) => view.getUint8(at + (wide ? 4 : 12));
    const kept: number[] = [];
    for (let at = 0; at + entry <= bytes.length; at += entry) {
      const index = view.getUint16(at + (wide ? 6 : 14), true);
      if (index === 0) continue; // the symbol is undefined here: another file defines it
      const type = info(at) & 15;
      const code = type === STT_FUNC || type === STT_GNU_IFUNC ||
        (type === STT_NOTYPE && this.#sections[index]?.executable === true);
      // On some architectures a name that starts with $ only marks what the bytes are.
      const first = names[view.getUint32(at, true)];
      if (first === undefined || first === 0 || first === 0x24) continue;
      if (kind === "code" ? code : type === STT_OBJECT) kept.push(at);
    }
    const size = (index: number) => word(view, kept[index] + (wide ? 16 : 8), wide);
    const nameAt = (index: number) => view.getUint32(kept[index], true);
    return {
      count: kept.length,
      start: (index) => word(view, kept[index] + (wide ? 8 : 4), wide),
      size,
      // Some tables append a version to the name: "read@@GLIBC_2.2.5".
      name: (index) => textAt(names, nameAt(index)).replace(/@.*$/s, ""),
      better(a, b) {
        // The order is perf's, so that both tools show the same name: a symbol with a size, not
        // weak, global, with the fewest leading underscores, with the longest name.
        const [x, y] = [a, b].map((index) => {
          const binding = info(kept[index]) >> 4;
          return [
            size(index) > 0 ? 1 : 0,
            binding === STB_WEAK ? 0 : 1,
            binding === STB_GLOBAL ? 1 : 0,
            -underscores(names, nameAt(index)),
            endOf(names, nameAt(index)) - nameAt(index),
          ];
        });
        const differs = x.findIndex((value, i) => value !== y[i]);
        return differs < 0 ? a - b : x[differs] - y[differs];
      },
    };
  }
}

/** Joins tables to one. Of two symbols at one address, the one in the earlier table is shown. */
export function joined(tables: readonly SymbolSource[]): SymbolSource {
  if (tables.length === 1) return tables[0];
  const firsts: number[] = [];
  let count = 0;
  for (const table of tables) {
    firsts.push(count);
    count += table.count;
  }
  const of = (index: number) => {
    let i = firsts.length - 1;
    while (firsts[i] > index) i--;
    return { i, table: tables[i], at: index - firsts[i] };
  };
  return {
    count,
    start: (index) => of(index).table.start(of(index).at),
    size: (index) => of(index).table.size(of(index).at),
    name: (index) => of(index).table.name(of(index).at),
    better(a, b) {
      const [x, y] = [of(a), of(b)];
      return x.i === y.i ? x.table.better?.(x.at, y.at) ?? 0 : y.i - x.i;
    },
  };
}

/** Counts the underscores at the start of a name. */
function underscores(names: Uint8Array, at: number): number {
  let count = 0;
  while (count < 16 && names[at + count] === 0x5f) count++;
  return count;
}

/**
 * Finds the GNU build id in notes. Layout of a note: u32 bytes of the name, u32 bytes of the
 * contents, u32 type, name, contents; both padded to 4 bytes.
 */
function buildIdIn(notes: Uint8Array): string | undefined {
  const view = viewOf(notes);
  for (let at = 0; at + 12 <= notes.length;) {
    const [nameSize, size, type] = [0, 4, 8].map((offset) => view.getUint32(at + offset, true));
    const contents = at + 12 + padded(nameSize);
    if (contents + size > notes.length) return undefined; // the notes are damaged
    if (type === NT_GNU_BUILD_ID && textAt(notes, at + 12) === "GNU" && size <= 64) {
      return toHex(notes.subarray(contents, contents + size));
    }
    at = contents + padded(size);
  }
  return undefined;
}

/**
 * Rounds the size of a note's field up to a multiple of 4. No bit operations: a damaged file may
 * claim any 32-bit size.
 */
export function padded(size: number): number {
  return Math.ceil(size / 4) * 4;
}

/** Writes bytes in hexadecimal, two digits each. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads a word of the file's width; 0 if it lies behind the end. */
function word(view: DataView, at: number, wide: boolean): number {
  if (at + (wide ? 8 : 4) > view.byteLength) return 0;
  return wide
    ? view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true)
    : view.getUint32(at, true);
}

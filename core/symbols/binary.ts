// A file with code (program or library): opens the file, and collects its symbols from wherever a
// distribution keeps them: in the file, in .gnu_debugdata, or in a separate debug file. elf.ts
// decodes the formats; symbolizer.ts decides which file a mapping shows.

import { debugFile } from "./debug_file.ts";
import { type ElfFile, joined, type SymbolKind } from "./elf.ts";
import { elfOf, openElf } from "./elf_path.ts";
import { type SymbolSource, SymbolTable } from "./symbol_table.ts";

/** Functions that a caller may pass for reading symbols, since core depends on no package. */
export interface SymbolHelpers {
  /** Makes a mangled name readable: "_ZN3foo3barEv" becomes "foo::bar()". */
  readonly demangle?: (name: string) => string;
  /** Unpacks xz, the format of .gnu_debugdata; undefined if the bytes cannot be unpacked. */
  readonly unxz?: (bytes: Uint8Array) => Uint8Array | undefined;
}

/** Characters of all names of a file that are looked at; all names of a browser have half of that. */
const MOST_CHARACTERS = 1 << 28;

/** A program or library, with its headers read and its symbols read on demand. */
export class Binary {
  /** Headers and sections of the file. */
  readonly elf: ElfFile;
  readonly #path: string;
  readonly #root: string;
  readonly #helpers: SymbolHelpers;
  #table?: SymbolTable;

  /**
   * Takes over an ELF file whose headers have been read.
   *
   * @param elf The file.
   * @param path Path of the file, beside which debug files may lie.
   * @param root Root of the file system in which the path is meant: "" or, for a container, a path
   * such as "/proc/PID/root".
   * @param helpers Functions that unpack and demangle.
   */
  constructor(elf: ElfFile, path: string, root: string, helpers: SymbolHelpers) {
    this.elf = elf;
    this.#path = path;
    this.#root = root;
    this.#helpers = helpers;
  }

  /** Functions by address, in the file's own addresses; read once. */
  get table(): SymbolTable {
    return this.#table ??= this.#load();
  }

  /** True if the functions are in memory already. */
  get loaded(): boolean {
    return this.#table !== undefined;
  }

  /**
   * Lists the functions of the file in the order of its tables; addresses are the file's own, sizes
   * in bytes.
   */
  *functions(): Generator<{ name: string; address: number; size: number }> {
    const symbols = this.#symbols("code");
    const seen = new Set<string>();
    let room = MOST_CHARACTERS;
    for (let i = 0; i < symbols.count; i++) {
      const [name, address] = [symbols.name(i), symbols.start(i)];
      room -= name.length;
      if (room < 0) return;
      const key = `${name} ${address}`;
      if (seen.has(key)) continue; // the symbol stands in two tables
      seen.add(key);
      yield { name, address, size: symbols.size(i) };
    }
  }

  /**
   * Finds a variable, or else a function, by name: its address in the file's own addresses, its
   * size in bytes.
   */
  find(name: string): { address: number; size: number } | undefined {
    for (const kind of ["data", "code"] as const) {
      const symbols = this.#symbols(kind);
      let room = MOST_CHARACTERS;
      for (let i = 0; i < symbols.count && room >= 0; i++) {
        const one = symbols.name(i);
        if (one === name) return { address: symbols.start(i), size: symbols.size(i) };
        room -= one.length;
      }
    }
    return undefined;
  }

  #load(): SymbolTable {
    return new SymbolTable(this.#symbols("code"), this.#helpers.demangle);
  }

  /** Symbols of the file itself and, if its symbol table was stripped, those found elsewhere. */
  #symbols(kind: SymbolKind): SymbolSource {
    const own = this.elf.symbols(kind);
    if (this.elf.hasSymbols) return own;
    const more = [this.#mini(), this.#debugFile()].filter((one) => one !== undefined)
      .map((one) => moved(one.symbols(kind), this.#distance(one)));
    return joined([...more, own]);
  }

  /**
   * Distance in bytes between the file's addresses and those of its debug file: they differ if the
   * library was prelinked later.
   */
  #distance(other: ElfFile): number {
    const [own, its] = [this.elf.textAddress, other.textAddress];
    return own === undefined || its === undefined ? 0 : own - its;
  }

  /** The file inside .gnu_debugdata, which has the names of functions. */
  #mini(): ElfFile | undefined {
    const packed = this.elf.smallSection(".gnu_debugdata");
    const bytes = packed && this.#helpers.unxz?.(packed);
    return bytes && elfOf((offset, length) => bytes.subarray(offset, offset + length));
  }

  /** The separate debug file, if one of the usual places has the right one. */
  #debugFile(): ElfFile | undefined {
    return debugFile(this.elf, this.#path, {
      root: this.#root,
      accept: ({ hasSymbols }) => hasSymbols,
    })?.elf;
  }
}

/** Shifts the addresses of symbols by a distance in bytes. */
function moved(symbols: SymbolSource, distance: number): SymbolSource {
  return distance === 0
    ? symbols
    : { ...symbols, start: (index) => symbols.start(index) + distance };
}

/**
 * Opens a program or library.
 *
 * @param path Path of the file.
 * @param helpers Functions that unpack and demangle; without them fewer names are found.
 * @returns undefined if the file cannot be read or is no ELF file.
 */
export function openBinary(path: string, helpers: SymbolHelpers = {}): Binary | undefined {
  const elf = openElf(path);
  return elf && new Binary(elf, path, "", helpers);
}

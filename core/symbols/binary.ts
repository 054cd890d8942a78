// Files with code: opened by one of the paths that may lead to them, their symbols found wherever a
// distribution keeps them.

import { debugFile } from "./debug_file.ts";
import { type ElfFile, joined, type SymbolKind } from "./elf.ts";
import { elfOf, openElf } from "./elf_path.ts";
import { type SymbolSource, SymbolTable } from "./symbol_table.ts";

/** What reading symbols may need of others: this folder depends on no package. */
export interface SymbolHelpers {
  /** Makes a name readable: "_ZN3foo3barEv" to "foo::bar()". */
  readonly demangle?: (name: string) => string;
  /** Unpacks xz, in which .gnu_debugdata is; undefined if it cannot. */
  readonly unxz?: (bytes: Uint8Array) => Uint8Array | undefined;
}

/** A file with code. */
export class Binary {
  /** Its headers. */
  readonly elf: ElfFile;
  readonly #path: string;
  readonly #root: string;
  readonly #helpers: SymbolHelpers;
  #table?: SymbolTable;

  /**
   * Reads nothing yet but the headers that it is given.
   *
   * @param path To be opened now and again.
   * @param root Of the file system that its own paths are of: "" or "/proc/PID/root".
   * @throws {RangeError} It is no ELF file.
   */
  constructor(elf: ElfFile, path: string, root: string, helpers: SymbolHelpers) {
    this.elf = elf;
    this.#path = path;
    this.#root = root;
    this.#helpers = helpers;
  }

  /** Functions, by the file's own addresses; read once. */
  get table(): SymbolTable {
    return this.#table ??= this.#load();
  }

  /** True once its symbols are in memory. */
  get loaded(): boolean {
    return this.#table !== undefined;
  }

  /** Functions by name, in the order of the file's tables. */
  *functions(): Generator<{ name: string; address: number; size: number }> {
    const symbols = this.#symbols("code");
    const seen = new Set<string>();
    for (let i = 0; i < symbols.count; i++) {
      const [name, address] = [symbols.name(i), symbols.start(i)];
      const key = `${name} ${address}`;
      if (seen.has(key)) continue; // in two tables
      seen.add(key);
      yield { name, address, size: symbols.size(i) };
    }
  }

  /** A variable or function by name: its address and bytes. */
  find(name: string): { address: number; size: number } | undefined {
    for (const kind of ["data", "code"] as const) {
      const symbols = this.#symbols(kind);
      for (let i = 0; i < symbols.count; i++) {
        if (symbols.name(i) === name) return { address: symbols.start(i), size: symbols.size(i) };
      }
    }
    return undefined;
  }

  #load(): SymbolTable {
    return new SymbolTable(this.#symbols("code"), this.#helpers.demangle);
  }

  #symbols(kind: SymbolKind): SymbolSource {
    const own = this.elf.symbols(kind);
    if (this.elf.hasSymbols) return own;
    const more = [this.#mini(), this.#debugFile()].filter((one) => one !== undefined)
      .map((one) => moved(one.symbols(kind), this.#distance(one)));
    return joined([...more, own]);
  }

  /** A debug file of a library that was prelinked later tells other addresses. */
  #distance(other: ElfFile): number {
    const [own, its] = [this.elf.textAddress, other.textAddress];
    return own === undefined || its === undefined ? 0 : own - its;
  }

  #mini(): ElfFile | undefined {
    const packed = this.elf.section(".gnu_debugdata");
    const bytes = packed && this.#helpers.unxz?.(packed);
    return bytes && elfOf((offset, length) => bytes.subarray(offset, offset + length));
  }

  #debugFile(): ElfFile | undefined {
    return debugFile(this.elf, this.#path, {
      root: this.#root,
      accept: ({ hasSymbols }) => hasSymbols,
    })?.elf;
  }
}

function moved(symbols: SymbolSource, distance: number): SymbolSource {
  return distance === 0
    ? symbols
    : { ...symbols, start: (index) => symbols.start(index) + distance };
}

/** A file with code by its path; undefined if it is none. */
export function openBinary(path: string, helpers: SymbolHelpers = {}): Binary | undefined {
  const elf = openElf(path);
  return elf && new Binary(elf, path, "", helpers);
}

// Files with code: opened by one of the paths that may lead to them, their symbols found wherever a
// distribution keeps them.

import { ElfFile, joined, type ReadAt, type SymbolKind } from "./elf.ts";
import { type SymbolSource, SymbolTable } from "./symbol_table.ts";

/** What reading symbols may need of others: this folder depends on no package. */
export interface SymbolHelpers {
  /** Makes a name readable: "_ZN3foo3barEv" to "foo::bar()". */
  readonly demangle?: (name: string) => string;
  /** Unpacks xz, in which .gnu_debugdata is; undefined if it cannot. */
  readonly unxz?: (bytes: Uint8Array) => Uint8Array | undefined;
}

/** Debug files of distributions lie below it. */
const DEBUG = "/usr/lib/debug";

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
    for (const path of this.#debugPaths()) {
      const found = openElf(path);
      if (found === undefined) continue;
      const { buildId } = this.elf;
      const same = buildId !== undefined && found.buildId !== undefined
        ? buildId === found.buildId
        : checksum(path) === this.elf.debugLink?.crc;
      if (same && found.hasSymbols) return found;
    }
    return undefined;
  }

  *#debugPaths(): Generator<string> {
    const { buildId, debugLink } = this.elf;
    const roots = this.#root === "" ? [""] : [this.#root, ""];
    if (buildId !== undefined) {
      const name = `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`;
      for (const root of roots) yield `${root}${DEBUG}/${name}`;
    }
    if (debugLink === undefined || debugLink.name.includes("/")) return;
    const own = this.#path.slice(0, this.#path.lastIndexOf("/"));
    const folder = own.startsWith(this.#root) ? own.slice(this.#root.length) : own;
    for (const root of roots) {
      yield `${root}${folder}/${debugLink.name}`;
      yield `${root}${folder}/.debug/${debugLink.name}`;
      yield `${root}${DEBUG}${folder}/${debugLink.name}`;
    }
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

/** An ELF file; undefined if what is read is none. */
export function elfOf(read: ReadAt): ElfFile | undefined {
  try {
    return new ElfFile(read);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * An ELF file that is opened for each read, so that no descriptor is held. What cannot be read any more,
 * because the file has gone or is another one now, is empty.
 */
export function openElf(path: string): ElfFile | undefined {
  try {
    const { isFile, ino } = Deno.statSync(path);
    if (!isFile) return undefined;
    return elfOf((offset, length) => {
      try {
        return readPart(path, ino, offset, length);
      } catch {
        return new Uint8Array();
      }
    });
  } catch {
    return undefined; // not there, or not ours to read
  }
}

function readPart(path: string, inode: number | null, offset: number, length: number): Uint8Array {
  using file = Deno.openSync(path);
  const { size, ino } = file.statSync();
  if (ino !== inode || !(offset < size)) return new Uint8Array();
  file.seekSync(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
  let done = 0;
  while (done < bytes.length) {
    const count = file.readSync(bytes.subarray(done));
    if (count === null) break;
    done += count;
  }
  return bytes.subarray(0, done);
}

/** CRC-32, as .gnu_debuglink has it. */
function checksum(path: string): number | undefined {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(path);
  } catch {
    return undefined;
  }
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return ~crc >>> 0;
}

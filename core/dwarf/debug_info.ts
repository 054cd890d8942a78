// What the debug information of a program or library tells.

import { DtError } from "../errors.ts";
import { Binary } from "../symbols/binary.ts";
import type { ElfFile } from "../symbols/elf.ts";
import { setLineFinder } from "../symbols/line_finder.ts";
import { AddressIndex } from "./address_index.ts";
import { DamagedError } from "./byte_reader.ts";
import { findDwarf, type FoundDwarf } from "./debug_files.ts";
import type { Die } from "./die.ts";
import type { Sum } from "./expression.ts";
import { CallFrames } from "./frames.ts";
import { describeFunction, type FunctionInfo } from "./functions.ts";
import { findLine, type LinePlaces } from "./lines.ts";
import { sectionReader } from "./sections.ts";
import { TypeNames } from "./type_names.ts";
import { type DebugType, type Keyword, Types } from "./types.ts";

/** Notes that are kept: every unit may miss a file of its own. */
const MOST_NOTES = 100;
const KEYWORDS: ReadonlySet<string> = new Set(["struct", "union", "class", "enum"]);

/** The debug information of one file; read as far as questions need it. */
export class DebugInfo {
  /** The program or library. */
  readonly path: string;
  /** What is missing, one line each. */
  readonly notes: readonly string[];
  readonly #found: FoundDwarf;
  readonly #addresses: AddressIndex;
  readonly #names: TypeNames;
  readonly #types: Types;
  #frames?: readonly CallFrames[];
  /** Addresses of the program minus those of the debug file: it may have been prelinked later. */
  readonly #distance: number;

  /** Made by {@linkcode openDebugInfo}. */
  constructor(path: string, found: FoundDwarf, notes: readonly string[]) {
    this.path = path;
    this.notes = notes;
    this.#found = found;
    this.#addresses = new AddressIndex(found.dwarf);
    this.#names = new TypeNames(found.dwarf);
    this.#types = new Types((name, keyword) => this.#names.find(name, keyword));
    const [own, other] = [found.elf.textAddress, found.debugElf.textAddress];
    this.#distance = own === undefined || other === undefined ? 0 : own - other;
  }

  /**
   * Functions of a name, by the file's symbols: several static functions may share one.
   *
   * @throws {DtError} EINVAL the debug information is damaged.
   */
  functions(name: string): FunctionInfo[] {
    const binary = new Binary(this.#found.elf, this.path, "", {});
    const addresses = new Set<number>();
    for (const one of binary.functions()) if (one.name === name) addresses.add(one.address);
    return [...addresses].map((address) => this.functionAt(address))
      .filter((one) => one !== undefined);
  }

  /**
   * The function whose first instruction is at an address, as the file speaks of it.
   *
   * @param within Where in the function its parameters are looked for, in bytes behind its start.
   * @returns undefined if nothing is known of it.
   * @throws {DtError} EINVAL the debug information is damaged.
   */
  functionAt(address: number, within = 0): FunctionInfo | undefined {
    const found = this.#intact(() => {
      const die = this.#dieAt(address);
      if (die === undefined) return undefined;
      const pc = address - this.#distance + within;
      if (within === 0) return describeFunction(die, this.#types);
      return describeFunction(die, this.#types, { pc, cfa: this.#cfaAt(address + within) });
    });
    return found && { ...found, address };
  }

  /**
   * A type by its name: "struct request", "enum color", "size_t".
   *
   * @param address Of a function: types of its unit go before equal names elsewhere.
   * @returns undefined if there is no definition of it.
   * @throws {DtError} EINVAL the debug information is damaged.
   */
  typeNamed(name: string, address?: number): DebugType | undefined {
    const [, keyword, rest] = /^(?:(\w+) )?(.+)$/.exec(name) ?? [];
    if (rest === undefined || (keyword !== undefined && !KEYWORDS.has(keyword))) return undefined;
    return this.#intact(() => {
      const unit = address === undefined ? undefined : this.#dieAt(address)?.unit;
      const die = this.#names.find(rest, (keyword ?? "") as Keyword | "", unit);
      return die && this.#types.describe(die);
    });
  }

  /**
   * Where the code of a line of source starts.
   *
   * @param file Path, or the end of one.
   * @throws {DtError} EINVAL the debug information is damaged.
   */
  linesOf(file: string, line: number): LinePlaces {
    return this.#intact(() => {
      const { files, addresses } = findLine(this.#found.dwarf, file, line);
      return { files, addresses: addresses.map((one) => one + this.#distance) };
    });
  }

  /** Where the frame was before the call, while the program is at an address. */
  #cfaAt(address: number): Sum | undefined {
    const { elf, debugElf } = this.#found;
    this.#frames ??= [...new Set([elf, debugElf])].flatMap(framesOf);
    for (const one of this.#frames) {
      const row = one.rowAt(address);
      if (row !== undefined) return row.cfa instanceof Uint8Array ? undefined : row.cfa;
    }
    return undefined;
  }

  #dieAt(address: number): Die | undefined {
    return this.#addresses.functionAt(address - this.#distance);
  }

  #intact<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      throw new DtError(
        "EINVAL",
        `Cannot read the debug information of ${this.path}: ${error.message}`,
        { operation: "debug information", cause: error },
      );
    }
  }
}

/** The frames of a file: those for exceptions, then those for debuggers; code may have either or both. */
export function framesOf(elf: ElfFile): CallFrames[] {
  const found: CallFrames[] = [];
  for (const [name, isEh] of [["eh_frame", true], ["debug_frame", false]] as const) {
    const bytes = sectionReader(elf)(name);
    if (bytes.length === 0) continue;
    const table = isEh ? elf.section(".eh_frame_hdr") : undefined;
    const header = table && { bytes: table, address: elf.sectionAddress(".eh_frame_hdr") ?? 0 };
    found.push(
      new CallFrames({ bytes, address: elf.sectionAddress(`.${name}`) ?? 0, isEh, header }),
    );
  }
  return found;
}

/**
 * The debug information of a program or library.
 *
 * @returns undefined if it has none, or cannot be read.
 */
export function openDebugInfo(path: string): DebugInfo | undefined {
  const notes: string[] = [];
  const note = (text: string) => {
    if (notes.length < MOST_NOTES && !notes.includes(text)) notes.push(text);
  };
  const found = findDwarf(path, note);
  return found && new DebugInfo(path, found, notes);
}

// Probes of lines find them from now on.
setLineFinder((path, file, line) => openDebugInfo(path)?.linesOf(file, line));

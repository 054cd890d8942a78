// Where the debug information of a file is: in itself, in a separate file, in what several files share (dwz),
// in files of split units and packages of these.

import { buildIdPath, debugFile } from "../symbols/debug_file.ts";
import { type ElfFile, toHex } from "../symbols/elf.ts";
import { DW_AT } from "./constants.ts";
import { DwarfFile, type ReadSection } from "./dwarf_file.ts";
import { packagedUnit } from "./package_index.ts";
import { openSections, sectionReader } from "./sections.ts";
import { stringAt } from "./byte_reader.ts";
import type { Unit } from "./unit.ts";

/** Debug information, as it was found. */
export interface FoundDwarf {
  /** The program or library. */
  readonly elf: ElfFile;
  /** The file that has the information. */
  readonly debugElf: ElfFile;
  /** Reader of the debug information. */
  readonly dwarf: DwarfFile;
}

/**
 * Finds the debug information of a file.
 *
 * @param note Told in one line each what is missing.
 * @returns undefined if the file is none of ELF or has no debug information anywhere.
 */
export function findDwarf(path: string, note: (text: string) => void): FoundDwarf | undefined {
  const elf = openSections(path);
  if (elf === undefined) return undefined;
  if (hasDwarf(elf)) return { elf, debugElf: elf, dwarf: dwarfOf(elf, path, note) };
  const separate = debugFile(elf, path, { accept: hasDwarf });
  const debugElf = separate && openSections(separate.path);
  if (debugElf === undefined) return undefined;
  return { elf, debugElf, dwarf: dwarfOf(debugElf, path, note, separate!.path) };
}

function hasDwarf(elf: ElfFile): boolean {
  return (elf.section(".debug_info")?.length ?? 0) > 0 ||
    elf.compressedSection(".debug_info") !== undefined;
}

function dwarfOf(
  elf: ElfFile,
  program: string,
  note: (text: string) => void,
  own = program,
): DwarfFile {
  const splits = new SplitFiles(program, own, note);
  return new DwarfFile(sectionReader(elf), {
    alternative: () => {
      const shared = sharedFile(elf, own);
      if (shared === undefined) note(`Cannot find what ${own} shares with other files`);
      return shared;
    },
    split: (skeleton) => splits.find(skeleton),
  });
}

/** .gnu_debugaltlink: a path, NUL, a build id. */
function sharedFile(elf: ElfFile, path: string): DwarfFile | undefined {
  const link = elf.smallSection(".gnu_debugaltlink");
  const end = link?.indexOf(0) ?? -1;
  if (link === undefined || end < 0) return undefined;
  const name = stringAt(link, 0);
  const buildId = toHex(link.subarray(end + 1));
  const beside = name.startsWith("/") ? name : `${folderOf(path)}/${name}`;
  for (const candidate of [beside, buildIdPath(buildId)]) {
    const found = openSections(candidate);
    if (found?.buildId === buildId) return new DwarfFile(sectionReader(found));
  }
  return undefined;
}

/** Split parts of units, each file opened once. */
class SplitFiles {
  readonly #folders: readonly string[];
  readonly #packages: readonly string[];
  readonly #note: (text: string) => void;
  readonly #files = new Map<string, DwarfFile | undefined>();
  #package?: { readonly read: ReadSection; readonly index: Uint8Array } | null;

  constructor(program: string, own: string, note: (text: string) => void) {
    this.#folders = [...new Set([program, own].map(folderOf))];
    this.#packages = [...new Set([`${program}.dwp`, `${own}.dwp`])];
    this.#note = note;
  }

  find(skeleton: Unit): Unit | undefined {
    const { dwoId, dwoName } = skeleton;
    if (dwoId === undefined || dwoName === undefined) return undefined;
    const packaged = this.#packaged(dwoId);
    if (packaged !== undefined) return packaged;
    for (const path of this.#paths(skeleton, dwoName)) {
      const unit = this.#open(path)?.units.find((one) => one.dwoId === dwoId);
      if (unit !== undefined) return unit;
    }
    this.#note(`Cannot find ${dwoName}, which has a part of the debug information`);
    return undefined;
  }

  #packaged(id: bigint): Unit | undefined {
    if (this.#package === undefined) {
      const elf = this.#packages.map(openSections).find((one) => one !== undefined);
      this.#package = elf === undefined ? null : {
        read: sectionReader(elf, ".dwo"),
        index: sectionReader(elf)("debug_cu_index"),
      };
    }
    if (this.#package === null) return undefined;
    const { read, index } = this.#package;
    const sections = packagedUnit(read, index, id);
    return sections && new DwarfFile(sections, { isSplit: true }).units[0];
  }

  /** As it was when it was compiled, or beside the program. */
  *#paths(skeleton: Unit, name: string): Generator<string> {
    if (name.startsWith("/")) yield name;
    else {
      const folder = skeleton.root.text(DW_AT.comp_dir);
      if (folder !== undefined) yield `${folder}/${name}`;
      for (const one of this.#folders) yield `${one}/${name}`;
    }
    for (const one of this.#folders) yield `${one}/${name.slice(name.lastIndexOf("/") + 1)}`;
  }

  #open(path: string): DwarfFile | undefined {
    if (!this.#files.has(path)) {
      const elf = openSections(path);
      const file = elf && new DwarfFile(sectionReader(elf, ".dwo"), { isSplit: true });
      this.#files.set(path, file);
    }
    return this.#files.get(path);
  }
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/"))) || ".";
}

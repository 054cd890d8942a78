// Files that have what was taken out of another: symbols and debug information, by the build id or by the
// name that is in .gnu_debuglink. "Separate Debug Files" in gdb's manual.

import { readInput } from "../sys/input_file.ts";
import type { ElfFile } from "./elf.ts";
import { openElf } from "./elf_path.ts";

/** Debug files of distributions lie below it. */
export const DEBUG_FOLDER = "/usr/lib/debug";

/** What is looked for, and where. */
export interface DebugFileOptions {
  /** Of the file system that the file's own paths are of: "" or "/proc/PID/root". */
  readonly root?: string;
  /** True for a file that has what is wanted. */
  accept(elf: ElfFile): boolean;
}

/** The debug file of a file, with its path; undefined if there is none that belongs to it. */
export function debugFile(
  elf: ElfFile,
  path: string,
  { root = "", accept }: DebugFileOptions,
): { readonly elf: ElfFile; readonly path: string } | undefined {
  for (const candidate of candidates(elf, path, root)) {
    const found = openElf(candidate);
    if (found === undefined) continue;
    const same = elf.buildId !== undefined && found.buildId !== undefined
      ? elf.buildId === found.buildId
      : checksum(candidate) === elf.debugLink?.crc;
    if (same && accept(found)) return { elf: found, path: candidate };
  }
  return undefined;
}

/** Where the debug file of a build id is kept. */
export function buildIdPath(buildId: string): string {
  return `${DEBUG_FOLDER}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`;
}

function* candidates({ buildId, debugLink }: ElfFile, path: string, root: string) {
  const roots = root === "" ? [""] : [root, ""];
  if (buildId !== undefined) {
    for (const one of roots) yield `${one}${buildIdPath(buildId)}`;
  }
  if (debugLink === undefined || debugLink.name.includes("/")) return;
  const own = path.slice(0, path.lastIndexOf("/"));
  const folder = own.startsWith(root) ? own.slice(root.length) : own;
  for (const one of roots) {
    yield `${one}${folder}/${debugLink.name}`;
    yield `${one}${folder}/.debug/${debugLink.name}`;
    yield `${one}${DEBUG_FOLDER}${folder}/${debugLink.name}`;
  }
}

/** Greatest size in bytes of a debug file whose checksum is computed. */
const MOST_BYTES = 1 << 28;

/** The change that each byte makes to a CRC-32. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb8_8320 : 0);
  return crc;
});

/** CRC-32, as .gnu_debuglink has it. */
function checksum(path: string): number | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readInput(path, MOST_BYTES);
  } catch {
    return undefined;
  }
  let crc = 0xffff_ffff;
  for (let i = 0; i < bytes.length; i++) crc = crc >>> 8 ^ CRC_TABLE[(crc ^ bytes[i]) & 0xff];
  return ~crc >>> 0;
}

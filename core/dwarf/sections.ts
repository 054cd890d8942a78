// Contents of sections of ELF files, mapped where that is safe and unpacked where they are compressed.

import process from "node:process";
import { ElfFile, type ReadAt } from "../symbols/elf.ts";
import { openElf } from "../symbols/elf_path.ts";
import { mapFile } from "../sys/mapped_file.ts";
import { DamagedError } from "./byte_reader.ts";
import type { ReadSection } from "./dwarf_file.ts";

/** Write permission of the group and of others. */
const OTHERS_WRITE = 0o022;
const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
/** Debug information becomes no smaller than this part of itself. */
const MOST_RATIO = 64;
const MOST_BYTES = 1 << 30;

/**
 * An ELF file whose parts are mapped, so that only what is looked at costs something. A file that somebody
 * else may write is read instead: were it cut while it is mapped, the kernel would end this process.
 *
 * @returns undefined if there is no such file, or none of ELF.
 */
export function openSections(path: string): ElfFile | undefined {
  const read = mapped(path);
  if (read === undefined) return openElf(path);
  try {
    return new ElfFile(read);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function mapped(path: string): ReadAt | undefined {
  try {
    const { isFile, size, uid, mode } = Deno.statSync(path);
    const own = uid === 0 || uid === Deno.uid();
    if (!isFile || size === 0 || !own || (mode ?? 0) & OTHERS_WRITE) return undefined;
    const bytes = mapFile(path);
    return (offset, length) => bytes.subarray(offset, offset + length);
  } catch {
    return undefined; // not there, or it can only be read
  }
}

/** Reads sections of a file by their names without the dot; `suffix` is ".dwo" for split ones. */
export function sectionReader(elf: ElfFile, suffix = ""): ReadSection {
  return (name) => {
    const full = `.${name}${suffix}`;
    const packed = elf.compressedSection(full);
    return packed === undefined ? elf.section(full) ?? new Uint8Array() : unpack(packed, full, elf);
  };
}

/** Elf64_Chdr: u32 type, u32 reserved, u64 size, u64 alignment. Elf32_Chdr: three words of 32 bits. */
function unpack(packed: Uint8Array, name: string, { is64Bit }: ElfFile): Uint8Array {
  const header = is64Bit ? 24 : 12;
  if (packed.length < header) throw new DamagedError(`section ${name} is cut off`);
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const type = view.getUint32(0, true);
  const size = is64Bit ? Number(view.getBigUint64(8, true)) : view.getUint32(4, true);
  const data = packed.subarray(header);
  if (size > MOST_BYTES || size > data.length * MOST_RATIO + 65536) {
    throw new DamagedError(`section ${name} says that it has ${size} bytes`);
  }
  // Loaded only for files that need it.
  const zlib = process.getBuiltinModule("node:zlib");
  const options = { maxOutputLength: Math.max(1, size) };
  let bytes: Uint8Array;
  try {
    if (type === ELFCOMPRESS_ZLIB) bytes = zlib.inflateSync(data, options);
    else if (type === ELFCOMPRESS_ZSTD) bytes = zlib.zstdDecompressSync(data, options);
    else throw new DamagedError(`section ${name} is compressed in an unknown way (${type})`);
  } catch (error) {
    if (error instanceof DamagedError) throw error;
    throw new DamagedError(`section ${name} cannot be unpacked`);
  }
  if (bytes.length !== size) throw new DamagedError(`section ${name} is cut off`);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

// ELF files by their paths. They are opened for each read, so that no descriptor is held.

import { openInput } from "../sys/input_file.ts";
import { ElfFile, type ReadAt } from "./elf.ts";

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
  using input = openInput(path);
  const { file, info: { size, ino } } = input;
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

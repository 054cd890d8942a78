// Maps files that only a few pages are read of, such as ELF files: pages that nobody touches cost
// nothing.

import { MAP_PRIVATE, Mapping, pageSize, PROT_READ } from "./memory.ts";
import { O_NONBLOCK, openFile } from "./open.ts";

/**
 * Maps a file for the rest of this process's life. Nobody may write to the returned bytes.
 *
 * @param path Path of the file.
 * @returns The bytes of the file.
 * @throws {DtError} ENOENT there is no such file; ENODEV and the like: the file cannot be mapped,
 * and reading the file may still work.
 */
export function mapFile(path: string): Uint8Array<ArrayBuffer> {
  // Nobody waits for the writer of a FIFO that has taken the file's place.
  using fd = openFile(path, O_NONBLOCK);
  const { size } = Deno.statSync(`/proc/self/fd/${fd.value}`);
  const page = pageSize();
  const length = Math.ceil(size / page) * page;
  const mapping = new Mapping(length, {
    prot: PROT_READ,
    flags: MAP_PRIVATE,
    fd: fd.value,
    offset: 0,
  });
  return new Uint8Array(mapping.buffer, 0, size);
}

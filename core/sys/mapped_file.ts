// Maps files that only a few pages are read of, such as ELF files: pages that nobody touches cost
// nothing.

import { MAP_PRIVATE, Mapping, pageSize, PROT_READ } from "./memory.ts";
import { openFile } from "./open.ts";

/**
 * Maps a file for the rest of this process's life. Nobody may write to the returned bytes.
 *
 * @param path Path of the file.
 * @returns The bytes of the file.
 * @throws {DtError} ENODEV and the like: the file cannot be mapped. Reading such a file may still
 * work.
 * @throws {Deno.errors.NotFound} There is no such file.
 */
export function mapFile(path: string): Uint8Array<ArrayBuffer> {
  const { size } = Deno.statSync(path);
  using fd = openFile(path);
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

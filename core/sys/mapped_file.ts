// Files that are looked into and not read: only the pages that are touched cost something.

import { MAP_PRIVATE, Mapping, pageSize, PROT_READ } from "./memory.ts";
import { openFile } from "./open.ts";

/**
 * Maps a file for the rest of the process's life. Its bytes must not be written.
 *
 * @throws {DtError} ENODEV and the like: it cannot be mapped, which does not mean that it cannot be read.
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

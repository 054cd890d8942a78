// Files that are looked into and not read: only the pages that are touched cost something.

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { addressOf, cString, MAP_PRIVATE, Mapping, pageSize, PROT_READ } from "./memory.ts";

const AT_FDCWD = -100n;
const O_CLOEXEC = 0x80000n;

/**
 * Maps a file for the rest of the process's life. Its bytes must not be written.
 *
 * @throws {DtError} ENODEV and the like: it cannot be mapped, which does not mean that it cannot be read.
 */
export function mapFile(path: string): Uint8Array<ArrayBuffer> {
  const { size } = Deno.statSync(path);
  const name = cString(path);
  const open = libc().syscall(
    arch.syscalls.openat,
    AT_FDCWD,
    addressOf(name),
    O_CLOEXEC,
    0n,
    0n,
    0n,
  );
  using fd = new Fd(check(open, "openat", path), path);
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

// open(2) for what Deno's own open does not give: the descriptor itself.

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { addressOf, cString } from "./memory.ts";

const AT_FDCWD = -100n;
const O_CLOEXEC = 0x80000n;
/** `O_PATH`: names a place and opens nothing. */
export const O_PATH = 0x200000n;

/**
 * Opens a file for reading.
 *
 * @param flags `O_*` beside that.
 * @throws {DtError} ENOENT, EACCES and the like.
 */
export function openFile(path: string, flags = 0n): Fd {
  const name = cString(path);
  const all = flags | O_CLOEXEC;
  const fd = libc().syscall(arch.syscalls.openat, AT_FDCWD, addressOf(name), all, 0n, 0n, 0n);
  return new Fd(check(fd, "openat", path), path);
}

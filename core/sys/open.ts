// open(2) for what Deno's own open does not give: the descriptor itself.

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { addressOf, cString } from "./memory.ts";

const AT_FDCWD = -100n;
const O_CLOEXEC = 0x80000n;
const FIONBIO = 0x5421n;
/** `O_WRONLY` */
export const O_WRONLY = 1n;
/** `O_CREAT` */
export const O_CREAT = 0o100n;
/** `O_EXCL`: with `O_CREAT`, the file must not exist. */
export const O_EXCL = 0o200n;
/** `O_TRUNC` */
export const O_TRUNC = 0o1000n;
/** `O_APPEND` */
export const O_APPEND = 0o2000n;
/** `O_PATH`: names a place and opens nothing. */
export const O_PATH = 0x200000n;

/**
 * Opens a file; for reading unless `flags` say otherwise.
 *
 * @param flags `O_*` beside that.
 * @param mode Of a file that is made.
 * @throws {DtError} ENOENT, EACCES and the like.
 */
export function openFile(path: string, flags = 0n, mode = 0): Fd {
  const name = cString(path);
  const all = flags | O_CLOEXEC;
  const { openat } = arch.syscalls;
  const fd = libc().syscall(openat, AT_FDCWD, addressOf(name), all, BigInt(mode), 0n, 0n);
  return new Fd(check(fd, "openat", path), path);
}

const F_DUPFD_CLOEXEC = 1030n;

/** Another descriptor of what one has open, which programs do not get; fcntl(2). */
export function duplicate(fd: number): Fd {
  const { fcntl } = arch.syscalls;
  const copy = libc().syscall(fcntl, BigInt(fd), F_DUPFD_CLOEXEC, 0n, 0n, 0n, 0n);
  return new Fd(check(copy, "fcntl", `${fd}`), `dup:${fd}`);
}

/** Whether calls on a pipe or a terminal wait until they can be done. */
export function setBlocking(fd: number, blocking: boolean): void {
  const value = new Uint32Array([blocking ? 0 : 1]);
  libc().ioctl(fd, FIONBIO, addressOf(value));
}

/** Cuts a file; ftruncate(2). */
export function truncateFile(fd: number, bytes: number): void {
  libc().syscall(arch.syscalls.ftruncate, BigInt(fd), BigInt(bytes), 0n, 0n, 0n, 0n);
}

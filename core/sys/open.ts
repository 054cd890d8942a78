// File descriptors by number: opening, duplicating, truncating. Deno's own open hides the
// descriptor.

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { addressOf, cString } from "./memory.ts";

const AT_FDCWD = -100;
/** The two flags of open(2) whose bits differ between architectures. */
const { openFlags: FLAGS } = arch;
const O_CLOEXEC = 0x80000n;
/** Request of ioctl(2) that makes a descriptor blocking or nonblocking. */
const FIONBIO = 0x5421n;
/** Request of ioctl(2) that counts unread bytes. */
const FIONREAD = 0x541bn;
/** open(2) flag: open for writing only. */
export const O_WRONLY = 1n;
/** open(2) flag: create the file if there is none. */
export const O_CREAT = 0o100n;
/** open(2) flag, with `O_CREAT`: the file must not exist. */
export const O_EXCL = 0o200n;
/** open(2) flag: empty the file. */
export const O_TRUNC = 0o1000n;
/** open(2) flag: each write goes to the end of the file. */
export const O_APPEND = 0o2000n;
/** open(2) flag: opening a FIFO does not wait for its other end, and reads and writes do not wait. */
export const O_NONBLOCK = 0o4000n;
/** open(2) flag: the path must not be a symbolic link. */
export const O_NOFOLLOW = FLAGS.nofollow;
/** open(2) flag: the path must be a folder. */
export const O_DIRECTORY = FLAGS.directory;
/** open(2) flag: the descriptor names a place in the file system, and nothing is opened. */
export const O_PATH = 0x200000n;

/**
 * Opens a file, for reading unless `flags` say otherwise. Programs that this process executes do
 * not inherit the descriptor (O_CLOEXEC).
 *
 * @param path Path of the file.
 * @param flags Flags of open(2), O_CLOEXEC excepted.
 * @param mode Permission bits of a file that is created.
 * @param folder Descriptor of the folder in which a relative path begins; by default the working
 * directory.
 * @returns The descriptor, which the caller owns.
 * @throws {DtError} ENOENT, EACCES and the like.
 */
export function openFile(path: string, flags = 0n, mode = 0, folder = AT_FDCWD): Fd {
  const name = cString(path);
  const all = flags | O_CLOEXEC;
  const { openat } = arch.syscalls;
  const fd = libc().syscall(openat, BigInt(folder), addressOf(name), all, BigInt(mode), 0n, 0n);
  return new Fd(check(fd, "openat", path), path);
}

const F_DUPFD_CLOEXEC = 1030n;

/**
 * Makes a second descriptor of an open file. Programs that this process executes do not inherit it;
 * fcntl(2).
 *
 * @throws {DtError} EBADF there is no such descriptor; EMFILE too many are open.
 */
export function duplicate(fd: number): Fd {
  const { fcntl } = arch.syscalls;
  const copy = libc().syscall(fcntl, BigInt(fd), F_DUPFD_CLOEXEC, 0n, 0n, 0n, 0n);
  return new Fd(check(copy, "fcntl", `${fd}`), `dup:${fd}`);
}

/**
 * Says whether reads and writes of a descriptor wait (blocking) or fail with EAGAIN. Errors are
 * ignored.
 */
export function setBlocking(fd: number, blocking: boolean): void {
  const value = new Uint32Array([blocking ? 0 : 1]);
  libc().ioctl(fd, FIONBIO, addressOf(value));
}

/** Cuts a file to a length in bytes; ftruncate(2). Errors are ignored. */
export function truncateFile(fd: number, bytes: number): void {
  libc().syscall(arch.syscalls.ftruncate, BigInt(fd), BigInt(bytes), 0n, 0n, 0n, 0n);
}

/**
 * Size of a regular file in bytes, by moving its offset to the end; lseek(2). A negative number for
 * a descriptor without an offset, such as a pipe.
 */
export function seekEnd(fd: number): number {
  const SEEK_END = 2n;
  return Number(libc().syscall(arch.syscalls.lseek, BigInt(fd), 0n, SEEK_END, 0n, 0n, 0n));
}

/**
 * Makes a pipe. Programs that this process executes do not inherit its ends; pipe2(2).
 *
 * @returns The two ends, which the caller owns.
 * @throws {DtError} EMFILE too many descriptors are open.
 */
export function openPipe(): { readonly reader: Fd; readonly writer: Fd } {
  const ends = new Uint32Array(2);
  const { pipe2 } = arch.syscalls;
  check(libc().syscall(pipe2, addressOf(ends), O_CLOEXEC, 0n, 0n, 0n, 0n), "pipe2", "");
  return { reader: new Fd(ends[0], "pipe:reader"), writer: new Fd(ends[1], "pipe:writer") };
}

/**
 * True if a program that this process starts would have the descriptor: it is open and not
 * O_CLOEXEC.
 */
export function isInherited(fd: number): boolean {
  try {
    const info = Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`);
    return (BigInt(`0o${/^flags:\t(\d+)$/m.exec(info)?.[1] ?? "0"}`) & O_CLOEXEC) === 0n;
  } catch {
    return false;
  }
}

/** Counts the bytes in a pipe that nobody has read yet; ioctl_tty(2). 0 if that cannot be told. */
export function unreadBytes(fd: number): number {
  const count = new Uint32Array(1);
  libc().ioctl(fd, FIONREAD, addressOf(count));
  return count[0];
}

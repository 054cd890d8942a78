// Files that tools write, at paths that other users may know. What root writes must not go where
// another user has pointed: through a symbolic link, or into a file or a FIFO of that user.

import { DtError, errorCode } from "../errors.ts";
import type { Fd } from "./fd.ts";
import { syscallError } from "./errno.ts";
import { libc } from "./libc.ts";
import {
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_WRONLY,
  openFile,
  setBlocking,
  truncateFile,
} from "./open.ts";
import { isOwnFolder } from "./trusted_path.ts";

/** Permissions of files that are made here: what was traced is nobody else's business. */
const MODE = 0o600;
/** Symbolic links that a path may lead through, as in Linux. */
const MOST_LINKS = 40;
const EINTR = 4;
const EPIPE = 32;
/** How often a FIFO without a reader is tried, in milliseconds. */
const AGAIN_MS = 50;

/** How a file is opened by {@linkcode openOutput}. */
export interface OutputOptions {
  /** True to write behind the present content. */
  readonly append?: boolean;
  /** Id of the user for whom the file is written. Default: the user of this process. */
  readonly uid?: number;
}

/** A file that was opened to be written. */
export class OutputFile implements Disposable {
  /**
   * Takes over a descriptor.
   *
   * @param fd Descriptor of the file.
   * @param path Path of the file, for messages.
   * @param isNew True if the file was made now.
   */
  constructor(readonly fd: Fd, readonly path: string, readonly isNew: boolean) {}

  /** Removes the present content of a regular file. */
  truncate(): void {
    truncateFile(this.fd.value, 0);
  }

  /**
   * Writes some of the bytes.
   *
   * @returns How many bytes were written.
   * @throws {Deno.errors.BrokenPipe} Nobody reads the FIFO any more.
   * @throws {DtError} ENOSPC and the like.
   */
  writeSync(bytes: Uint8Array): number {
    for (;;) {
      const count = Number(libc().write(this.fd.value, bytes, BigInt(bytes.length)));
      if (count >= 0) return count;
      const errno = libc().errno();
      if (errno === EPIPE) throw new Deno.errors.BrokenPipe(this.path);
      if (errno !== EINTR) throw syscallError("write", { errno, about: this.path });
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.fd[Symbol.dispose]();
  }
}

/** A path's last component in a folder that is held by a descriptor. */
interface Place {
  readonly folder: Fd;
  readonly name: string;
  /** True if other users can change what names in the folder mean. */
  readonly isShared: boolean;
}

/**
 * Opens a file for writing, and makes the file if there is none (mode 0600). What is in the file
 * stays. In a folder that other users may change, the file must be a regular file or a FIFO of the
 * user's own with a single name, and no symbolic link leads to the file.
 *
 * @throws {DtError} ENOENT, EACCES, EISDIR and the like; ELOOP a symbolic link; EPERM a file of
 * another user, or with several names; ENXIO a FIFO that nobody reads, see {@linkcode whenRead}.
 */
export function openOutput(path: string, options: OutputOptions = {}): OutputFile {
  const uid = options.uid ?? Deno.uid() ?? 0;
  const flags = O_WRONLY | O_NONBLOCK | (options.append ? O_APPEND : 0n);
  const place = placeOf(path, uid);
  if (place === undefined) return settled(openFile(path, flags), path, false);
  using folder = place.folder;
  const open = (more: bigint) => openIn(folder, place.name, flags | more, path);
  try {
    return settled(open(O_CREAT | O_EXCL), path, true);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
  using stack = new DisposableStack();
  const fd = stack.use(open(O_NOFOLLOW));
  if (place.isShared) checkOwn(fd, path, uid);
  stack.move();
  return settled(fd, path, false);
}

/**
 * Checks that {@linkcode replaceFile} could write a file now. A file that is there stays as it is.
 *
 * @throws {DtError} What {@linkcode replaceFile} would throw.
 */
export function checkReplaceable(path: string): void {
  const place = replaceable(path);
  using folder = place.folder;
  const name = temporaryName(place.name);
  openIn(folder, name, O_WRONLY | O_CREAT | O_EXCL, path)[Symbol.dispose]();
  Deno.removeSync(`/proc/self/fd/${folder.value}/${name}`);
}

/**
 * Replaces a whole file, or makes the file: other programs see the former content or the new one,
 * and whatever had the name before is not written to.
 *
 * @param mode Permissions of the file, of which the umask takes some: others read it only if that is wanted.
 * @throws {DtError} ENOENT, EACCES, EISDIR and the like; ELOOP a symbolic link in a folder that
 * other users may change; ENOSPC.
 */
export function replaceFile(path: string, bytes: Uint8Array, mode: number = MODE): void {
  const place = replaceable(path);
  using folder = place.folder;
  const target = `/proc/self/fd/${folder.value}/${place.name}`;
  const temporary = temporaryName(place.name);
  const flags = O_WRONLY | O_CREAT | O_EXCL;
  using file = new OutputFile(openIn(folder, temporary, flags, path, mode), path, true);
  const made = `/proc/self/fd/${folder.value}/${temporary}`;
  try {
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    Deno.renameSync(made, target);
  } catch (error) {
    Deno.removeSync(made);
    throw error;
  }
}

function replaceable(path: string): Place {
  const place = placeOf(path, Deno.uid() ?? 0);
  if (place === undefined) throw refused("EINVAL", path, "it is not a file");
  const { folder, name } = place;
  const there = statOf(`/proc/self/fd/${folder.value}/${name}`);
  if (there === undefined || there.isFile) return place;
  folder[Symbol.dispose]();
  throw refused(there.isDirectory ? "EISDIR" : "EINVAL", path, "it is not a file");
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

function temporaryName(name: string): string {
  return `.${name.slice(0, 200)}.${crypto.randomUUID()}`;
}

/**
 * Tries to open a FIFO until somebody reads it.
 *
 * @param open Opens the file; ENXIO says that nobody reads it.
 * @param signal Ends the wait.
 * @throws {DtError} What `open` throws; ENXIO after the signal.
 */
export async function whenRead<T>(open: () => T, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return open();
    } catch (error) {
      if (errorCode(error) !== "ENXIO" || signal.aborted) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/**
 * Follows symbolic links as far as the user's own folders have them; undefined for a name in /proc,
 * such as /dev/stdout leads to, where links are no paths.
 */
function placeOf(path: string, uid: number): Place | undefined {
  let at = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    const slash = at.lastIndexOf("/");
    const name = at.slice(slash + 1);
    if (name === "" || name === "." || name === "..") {
      throw refused("EISDIR", path, "it is a directory");
    }
    const parent = realPath(slash < 0 ? "." : at.slice(0, slash) || "/", path);
    if (parent.startsWith("/proc/")) return undefined;
    const isShared = !isOwnFolder(parent, uid);
    const target = linkAt(`${parent}/${name}`);
    if (target === undefined) {
      const folder = openFile(parent, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      return { folder, name, isShared };
    }
    if (isShared) {
      throw refused("ELOOP", path, "it is a symbolic link in a folder that others may change");
    }
    at = target.startsWith("/") ? target : `${parent}/${target}`;
  }
  throw refused("ELOOP", path, "too many symbolic links lead there");
}

function realPath(folder: string, path: string): string {
  try {
    return Deno.realPathSync(folder);
  } catch (error) {
    const code = error instanceof Deno.errors.NotFound ? "ENOENT" : "EACCES";
    throw refused(
      code,
      path,
      code === "ENOENT" ? "No such file or directory" : "Permission denied",
    );
  }
}

/** The text of a symbolic link; undefined if the path is none. */
function linkAt(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return undefined;
  }
}

function checkOwn(fd: Fd, path: string, uid: number): void {
  const info = Deno.statSync(`/proc/self/fd/${fd.value}`);
  if (info.uid !== uid) {
    throw refused(
      "EPERM",
      path,
      `it belongs to user ${info.uid}, in a folder that others may change`,
    );
  }
  if (info.isFile && info.nlink !== 1) throw refused("EPERM", path, "it has several names");
  if (!info.isFile && !info.isFifo) throw refused("EPERM", path, "it is no file");
}

/** Makes later writes wait for the reader of a FIFO. */
function settled(fd: Fd, path: string, isNew: boolean): OutputFile {
  setBlocking(fd.value, true);
  return new OutputFile(fd, path, isNew);
}

/** Opens a file in a folder; an error names the path as the user has written it. */
function openIn(folder: Fd, name: string, flags: bigint, path: string, mode: number = MODE): Fd {
  try {
    return openFile(name, flags, mode, folder.value);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw refused(code, path, (error as Error).message.split(": ").at(-1)!);
  }
}

function refused(code: string, path: string, reason: string): DtError {
  return new DtError(code, `Cannot write '${path}': ${reason}`, { operation: "open" });
}

// Files that are read whole, although somebody else may have put them there: a file may be a FIFO
// that nobody writes, a device without an end, or larger than memory.

import { DtError, errorCode } from "../errors.ts";
import { O_NONBLOCK, openFile } from "./open.ts";

/** A regular file that is open for reading. */
export interface Input extends Disposable {
  /** The file, open for reading. */
  readonly file: Deno.FsFile;
  /** Facts about the open file, not about its path. */
  readonly info: Deno.FileInfo;
}

/**
 * Opens a regular file for reading, without waiting for anybody.
 *
 * @throws {DtError} ENOENT, EACCES and the like; EISDIR, EINVAL it is no regular file.
 */
export function openInput(path: string): Input {
  using fd = openFile(path, O_NONBLOCK);
  const opened = `/proc/self/fd/${fd.value}`;
  const info = Deno.statSync(opened);
  if (info.isDirectory) throw unreadable("EISDIR", path, "it is a directory");
  if (!info.isFile) throw unreadable("EINVAL", path, "it is not a regular file");
  const file = Deno.openSync(opened);
  return { file, info, [Symbol.dispose]: () => file.close() };
}

/**
 * Reads a regular file. The file is opened once, without waiting, and is then looked at, so nothing
 * can take its place meanwhile.
 *
 * @param path Path of the file.
 * @param mostBytes Limit of the size in bytes.
 * @throws {DtError} ENOENT, EACCES and the like; EINVAL it is no regular file; EFBIG it is larger
 * than the limit.
 */
export function readInput(path: string, mostBytes: number): Uint8Array<ArrayBuffer> {
  using input = openInput(path);
  return readOpen(input, path, mostBytes);
}

/**
 * Reads a file that {@linkcode openInput} has opened.
 *
 * @param path Path of the file, for the message.
 * @throws {DtError} EFBIG it is larger than the limit.
 */
export function readOpen(
  { file, info: { size } }: Input,
  path: string,
  mostBytes: number,
): Uint8Array<ArrayBuffer> {
  if (size > mostBytes) throw tooLarge(path, mostBytes);
  // Files of /proc have no size; others may grow.
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const part = new Uint8Array(Math.max(size - length, 0) + 4096);
    const count = file.readSync(part);
    if (count === null) break;
    parts.push(part.subarray(0, count));
    length += count;
    if (length > mostBytes) throw tooLarge(path, mostBytes);
  }
  if (parts.length === 1) return parts[0] as Uint8Array<ArrayBuffer>;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * Reads the text of a regular file as {@linkcode readInput} does.
 *
 * @returns The text; undefined if there is no such file, or if the path names a folder.
 * @throws {DtError} EACCES and the like; EINVAL it is no regular file; EFBIG it is larger than the
 * limit.
 */
export function readIfThere(path: string, mostBytes: number): string | undefined {
  try {
    return new TextDecoder().decode(readInput(path, mostBytes));
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw code === "ENXIO" ? unreadable("EINVAL", path, "it is not a regular file") : error;
  }
}

function tooLarge(path: string, mostBytes: number): DtError {
  return unreadable("EFBIG", path, `it is larger than ${mostBytes} bytes, the limit`);
}

function unreadable(code: string, path: string, reason: string): DtError {
  return new DtError(code, `Cannot read '${path}': ${reason}`, { operation: "open" });
}

// errno as an error that carries the call's name.

import { DtError } from "../errors.ts";
import { ERRNO } from "./generated/errno.ts";
import { libc } from "./libc.ts";

/** "ENOENT" for 2. */
export function errnoName(errno: number): string {
  return ERRNO[errno]?.[0] ?? `E${errno}`;
}

/** "No such file or directory" for 2. */
export function errnoMessage(errno: number): string {
  return ERRNO[errno]?.[1] ?? `Unknown error ${errno}`;
}

/**
 * The error of a system call that has just failed on this thread.
 *
 * @param call Name of the call, e.g. "epoll_ctl" or "bpf(BPF_MAP_CREATE)".
 * @param options `errno` where it is already known; `about` names the file or object concerned.
 */
export function syscallError(
  call: string,
  options: { errno?: number; about?: string } = {},
): DtError {
  const errno = options.errno ?? libc().errno();
  const about = options.about === undefined ? "" : ` ${options.about}`;
  return new DtError(errnoName(errno), `${call}${about}: ${errnoMessage(errno)}`, {
    operation: call,
  });
}

/** Returns `result` unless it is -1, which throws {@linkcode syscallError}. */
export function check(result: number | bigint, call: string, about?: string): number {
  const value = Number(result);
  if (value < 0) throw syscallError(call, { about });
  return value;
}

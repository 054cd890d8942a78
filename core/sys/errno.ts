// Turns errno into a DtError that carries the name of the system call. The table of names is
// generated/errno.ts.

import { DtError } from "../errors.ts";
import { ERRNO } from "./generated/errno.ts";
import { libc } from "./libc.ts";

/** Symbolic name of an errno number: "ENOENT" for 2, "E4000" for the unknown number 4000. */
export function errnoName(errno: number): string {
  return ERRNO[errno]?.[0] ?? `E${errno}`;
}

/** The C library's message for an errno number: "No such file or directory" for 2. */
export function errnoMessage(errno: number): string {
  return ERRNO[errno]?.[1] ?? `Unknown error ${errno}`;
}

/**
 * Makes the error of a system call that has just failed on this thread.
 *
 * @param call Name of the call, e.g. "epoll_ctl" or "bpf(BPF_MAP_CREATE)".
 * @param options `errno` where it is already known, by default read from the C library; `about`
 * names the file or object concerned.
 * @returns The error, for the caller to throw.
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

/**
 * Checks the result of a system call that has just been made on this thread.
 *
 * @param result Result of the call; a negative number says that the call failed.
 * @param call Name of the call, for the message.
 * @param about File or object concerned, for the message.
 * @returns The result as a number.
 * @throws {DtError} errno of the call.
 */
export function check(result: number | bigint, call: string, about?: string): number {
  const value = Number(result);
  if (value < 0) throw syscallError(call, { about });
  return value;
}

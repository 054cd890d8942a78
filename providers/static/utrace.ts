// User records of ktrace. FreeBSD has a system call for them, utrace(2). Linux has none, so a system call is
// made with a number that no call has: it costs little, changes nothing, and a tracer of system calls sees it
// in its place among the other calls of the thread.

import { DtError } from "../../core/errors.ts";
import { libc } from "../../core/sys/libc.ts";
import { addressOf } from "../../core/sys/memory.ts";
import { UTRACE_BYTES, UTRACE_CALL } from "../../core/sources/syscalls/mod.ts";

/**
 * Adds a record to the trace of this process, if ktrace records it. For other
 * purposes a tracepoint ({@linkcode tracepoints}) is better, which costs nothing while it is not traced.
 *
 * @param data Text is taken as UTF-8. At most 2048 bytes.
 * @throws {DtError} EINVAL too many bytes.
 * @see {@link https://man.freebsd.org/utrace/2}
 *
 * @example
 * ```ts
 * import { utrace } from "./mod.ts";
 *
 * utrace("request 7 begins");
 * ```
 */
export function utrace(data: string | Uint8Array): void {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  if (bytes.length > UTRACE_BYTES) {
    throw new DtError("EINVAL", `Cannot record ${bytes.length} bytes: at most ${UTRACE_BYTES}`, {
      operation: "utrace",
    });
  }
  // ENOSYS, and nothing else has happened.
  libc().syscall(
    BigInt(UTRACE_CALL),
    bytes.length === 0 ? 0n : addressOf(bytes),
    BigInt(bytes.length),
    0n,
    0n,
    0n,
    0n,
  );
}

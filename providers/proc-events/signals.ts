// Signals that carry a value: rt_sigqueueinfo(2), as sigqueue(3) has them.

import { DtError } from "../../core/errors.ts";
import { arch } from "../../core/sys/arch/mod.ts";
import { signalByName } from "../../core/signal_names.ts";
import { check } from "../../core/sys/errno.ts";
import { libc } from "../../core/sys/libc.ts";
import { addressOf, Struct } from "../../core/sys/memory.ts";

/** sizeof(siginfo_t) */
const SIGINFO_BYTES = 128;
const SI_QUEUE = -1;
/** The C library keeps the first two for itself. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/**
 * Number of a signal: "SIGUSR1", "SIGRTMIN", "SIGRTMIN+3", "SIGRTMAX-1", or a number.
 *
 * @throws {DtError} EINVAL no such signal.
 */
export function signalNumber(signal: string | number): number {
  const match = /^SIG(RTMIN|RTMAX)([+-]\d+)?$/.exec(String(signal));
  const base = match === null
    ? signalByName(String(signal)) ?? Number(signal)
    : match[1] === "RTMIN"
    ? SIGRTMIN
    : SIGRTMAX;
  const number = base + Number(match?.[2] ?? 0);
  if (Number.isInteger(number) && number >= 1 && number <= SIGRTMAX) return number;
  throw new DtError("EINVAL", `Cannot send signal ${signal}: there is none`, {
    operation: "register",
  });
}

/** Contents of a signal: si_int, and the process of the event in si_pid. */
export interface Queued {
  /** Number of the signal. */
  readonly signal: number;
  /** Number that the signal carries: si_int. */
  readonly value: number;
  /** Process of the event: si_pid. */
  readonly subject: number;
  /** User of that process: si_uid. */
  readonly uid: number;
}

/**
 * Queues a signal for a process.
 *
 * @throws {DtError} EAGAIN its queue is full (RLIMIT_SIGPENDING); ESRCH; EPERM.
 */
export function queueSignal(pid: number, { signal, value, subject, uid }: Queued): void {
  // si_signo, si_errno, si_code, then from 16 on si_pid, si_uid, si_value
  const info = new Struct(SIGINFO_BYTES).u32(0, signal).u32(8, SI_QUEUE >>> 0)
    .u32(16, subject).u32(20, uid).u64(24, value);
  const result = libc().syscall(
    arch.syscalls.rt_sigqueueinfo,
    BigInt(pid),
    BigInt(signal),
    addressOf(info.bytes),
    0n,
    0n,
    0n,
  );
  check(result, "rt_sigqueueinfo", `${pid}`);
}

// Pure: no I/O, no FFI.
// Linux's results of calls that a signal has interrupted. The program never sees these numbers: the
// kernel makes the call again, or makes EINTR of it when a handler has run. FreeBSD has one number for
// them, ERESTART; in its record of a return, which has no result then, the result tells them apart.

/** FreeBSD's error of a call that is made again. sys/errno.h */
export const ERESTART = -1;

/** A result of an interrupted call. */
export interface Restart {
  /** Name of the number in the kernel. */
  readonly name: string;
  /** What becomes of the call, in words. */
  readonly meaning: string;
}

/** By number; include/linux/errno.h */
const RESTARTS: Readonly<Record<number, Restart>> = {
  512: { name: "ERESTARTSYS", meaning: "To be restarted if SA_RESTART is set" },
  513: { name: "ERESTARTNOINTR", meaning: "To be restarted" },
  514: { name: "ERESTARTNOHAND", meaning: "To be restarted if no handler" },
  516: { name: "ERESTART_RESTARTBLOCK", meaning: "Interrupted by signal" },
};

/** The meaning of an error number of Linux, or of the result beside FreeBSD's ERESTART. */
export function restartOf(number: number): Restart | undefined {
  return RESTARTS[number];
}

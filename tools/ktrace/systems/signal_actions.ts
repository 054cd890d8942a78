// Pure: no I/O, no FFI.
// What a process does with a signal. The numbers are those of Linux on x86_64 and aarch64.

/** The default action, as a handler. */
export const SIG_DFL = 0n;
/** The signal is ignored, as a handler. */
export const SIG_IGN = 1n;
/**
 * A handler whose address the recorder does not know: the process had it before the trace began, and
 * ptrace(2) cannot ask for it.
 */
export const UNKNOWN_HANDLER = 0xffff_ffff_ffff_ffffn;

/** SIGCHLD, SIGCONT, SIGURG, SIGWINCH: their default action is to do nothing. signal(7) */
const HARMLESS: ReadonlySet<number> = new Set([17, 18, 23, 28]);

/**
 * Does the signal do nothing? The kernel drops such a signal when it is sent, but not if the process
 * is traced with ptrace(2) or blocks the signal: then it is delivered, to no effect.
 *
 * @param signal Number of the signal in Linux.
 * @param action Address of the handler, or one of the two actions above.
 */
export function isIgnored(signal: number, action: bigint): boolean {
  return action === SIG_IGN || action === SIG_DFL && HARMLESS.has(signal);
}

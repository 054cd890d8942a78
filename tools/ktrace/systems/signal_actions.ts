// Pure: no I/O, no FFI.
// What a process does with a signal.

import { LINUX_SIGNALS, SIG_DFL, SIG_IGN } from "../../../core/signal_names.ts";

/**
 * A handler whose address the recorder does not know: the process had it before the trace began, and
 * ptrace(2) cannot ask for it.
 */
export const UNKNOWN_HANDLER = 0xffff_ffff_ffff_ffffn;

/** Signals whose default action is to do nothing. signal(7) */
const HARMLESS: ReadonlySet<string> = new Set(["SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH"]);

/**
 * Does the signal do nothing? The kernel drops such a signal when it is sent, but not if the process
 * is traced with ptrace(2) or blocks the signal: then it is delivered, to no effect.
 *
 * @param signal Number of the signal in Linux.
 * @param action Address of the handler, or one that is no function.
 */
export function isIgnored(signal: number, action: bigint): boolean {
  return action === SIG_IGN || action === SIG_DFL && HARMLESS.has(LINUX_SIGNALS[signal - 1]);
}

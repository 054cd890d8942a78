// Pure: no I/O, no FFI.
// Names and numbers of signals, and handlers that are no functions: asm/signal.h, the same on x86-64
// and aarch64.

/** Handler that stands for the default action. */
export const SIG_DFL = 0n;
/** Handler of a signal that is ignored. */
export const SIG_IGN = 1n;

/** Linux's signals from number 1, each with its prefix SIG. */
export const LINUX_SIGNALS: readonly string[] = [
  ...["SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE"],
  ...["SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT"],
  ...["SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU"],
  ...["SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS"],
];

/**
 * Finds the number of a signal by its name with the prefix SIG; undefined if there is no such
 * signal.
 */
export function signalByName(name: string): number | undefined {
  const index = LINUX_SIGNALS.indexOf(name === "SIGPOLL" ? "SIGIO" : name);
  return index < 0 ? undefined : index + 1;
}

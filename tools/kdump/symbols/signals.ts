// Pure: no I/O, no FFI.
// Why a signal was sent: si_code. asm-generic/siginfo.h, sys/signal.h

import type { SystemName } from "../../ktrace/formats/record.ts";
import { LINUX_SIGNALS } from "../../../core/signal_names.ts";

const LINUX: Readonly<Record<number, string>> = {
  0: "SI_USER",
  128: "SI_KERNEL",
  [-1]: "SI_QUEUE",
  [-2]: "SI_TIMER",
  [-3]: "SI_MESGQ",
  [-4]: "SI_ASYNCIO",
  [-5]: "SI_SIGIO",
  [-6]: "SI_TKILL",
};
const FREEBSD: Readonly<Record<number, string>> = {
  0x10001: "SI_USER",
  0x10002: "SI_QUEUE",
  0x10003: "SI_TIMER",
  0x10004: "SI_ASYNCIO",
  0x10005: "SI_MESGQ",
  0x10006: "SI_KERNEL",
  0x10007: "SI_LWP",
};

/** Codes that belong to one signal each, in the order of their numbers, from 1. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  SIGILL: ["ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP", "ILL_PRVOPC", "ILL_PRVREG"],
  SIGFPE: ["FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF", "FPE_FLTUND", "FPE_FLTRES"],
  SIGSEGV: ["SEGV_MAPERR", "SEGV_ACCERR"],
  SIGBUS: ["BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR"],
  SIGTRAP: ["TRAP_BRKPT", "TRAP_TRACE"],
  SIGSYS: ["SYS_SECCOMP", "SYS_USER_DISPATCH"],
  SIGCHLD: [
    ...["CLD_EXITED", "CLD_KILLED", "CLD_DUMPED", "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"],
  ],
};

/**
 * Names the code (si_code) of a signal, or shows its number.
 *
 * @param signo The signal's number on the system of the record.
 */
export function signalCodeName(signo: number, code: number, system: SystemName): string {
  const general = (system === "linux" ? LINUX : FREEBSD)[code];
  if (general !== undefined) return general;
  const own = system === "linux" ? CODES[LINUX_SIGNALS[signo - 1] ?? ""]?.[code - 1] : undefined;
  return own ?? String(code);
}

// Names of Linux's system calls, errors and signals, and whose names a record has.

import { errnoMessage, errnoName } from "../../../core/sys/errno.ts";
import { type Syscall, syscalls } from "../../../core/sources/syscalls/mod.ts";
import type { KtrRecord, SystemName } from "../formats/record.ts";
import { LINUX_SIGNALS } from "../../../core/signal_names.ts";
import { bsdSystem, type System } from "./bsd.ts";
import { linuxErrno, linuxSignal } from "./translate.ts";

/** Calls that users know by another name than the kernel's function has. */
const USUAL_NAMES: Readonly<Record<string, string>> = {
  newstat: "stat",
  newfstat: "fstat",
  newlstat: "lstat",
  newuname: "uname",
  umount: "umount2",
  sendfile64: "sendfile",
};

let byNumber: (Syscall | undefined)[] | undefined;

/** A system call of the running architecture. */
export function linuxCall(number: number): Syscall | undefined {
  if (byNumber === undefined) {
    byNumber = [];
    for (const call of syscalls().values()) byNumber[call.number] = call;
  }
  return byNumber[number];
}

/** Number of arguments that a call has; six for one that is not known. */
export function linuxArguments(number: number): number {
  return linuxCall(number)?.args.length ?? 6;
}

const EPERM = 1;
const EACCES = 13;

/** True for an error that means a lack of permission: EPERM or EACCES. */
export function isRefusal(errno: number): boolean {
  return errno === EPERM || errno === EACCES;
}

/** First real-time signal of the kernel; libc's SIGRTMIN is higher. */
const SIGRTMIN = 32;
const SIGRTMAX = 64;

/** Names of Linux's system calls, errors and signals. */
export const LINUX: System = {
  name: "linux",
  syscall(number) {
    const name = linuxCall(number)?.name;
    return name === undefined ? undefined : USUAL_NAMES[name] ?? name;
  },
  errno: (number) => ({ name: errnoName(number), message: errnoMessage(number) }),
  signal(number) {
    if (number >= SIGRTMIN && number <= SIGRTMAX) return `SIGRT_${number - SIGRTMIN}`;
    return LINUX_SIGNALS[number - 1];
  },
};

/** The system of a name. */
export function systemBy(name: SystemName): System {
  return name === "linux" ? LINUX : bsdSystem(name);
}

/** The error and the signal of a record by its system's numbers: files of Linux programs have FreeBSD's. */
export function numbersOf(
  record: KtrRecord,
  name: SystemName,
): { readonly error?: number; readonly signo?: number } {
  const foreign = name === "linux";
  if (record.kind === "sysret") {
    return { error: foreign ? linuxErrno(record.error) : record.error };
  }
  if (record.kind === "psig") {
    return { signo: foreign ? linuxSignal(record.signo) : record.signo };
  }
  return {};
}

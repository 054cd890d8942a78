// Names of Linux's system calls, errors and signals, and whose names a record has.

import { errnoMessage, errnoName } from "../../../core/sys/errno.ts";
import { I386_CALLS } from "../../../core/sources/syscalls/generated/i386.ts";
import { callOf, codeOf, type Syscall, syscalls } from "../../../core/sources/syscalls/mod.ts";
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
let by32BitNumber: Map<number, Syscall> | undefined;

/** A system call of the running architecture, by the code that records have: number and ABI. */
export function linuxCall(code: number): Syscall | undefined {
  if (byNumber === undefined) {
    byNumber = [];
    for (const call of syscalls().values()) byNumber[call.number] = call;
  }
  const { abi, number } = callOf(code);
  if (abi !== "32-bit") return byNumber[number];
  return (by32BitNumber ??= calls32())?.get(number);
}

/** Calls of 32-bit programs by number; those that the 64-bit table lacks have six arguments. */
function calls32(): Map<number, Syscall> {
  const known = syscalls();
  const args = Array.from({ length: 6 }, (_, i) => ({
    name: `arg${i}`,
    type: "unsigned int",
    at: `arg${i}`,
  }));
  if (Deno.build.arch !== "x86_64") return new Map();
  return new Map(
    I386_CALLS.trimEnd().split("\n").map((line) => {
      const [number, name] = line.split(" ");
      return [Number(number), {
        number: Number(number),
        name,
        args: known.get(name)?.args ?? args,
      }];
    }),
  );
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
  syscall(code) {
    const name = linuxCall(code)?.name;
    if (name === undefined) return undefined;
    return callOf(code).abi === "32-bit" ? name : USUAL_NAMES[name] ?? name;
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

/** AUDIT_ARCH_* of linux/audit.h. */
const ARCHES: Readonly<Record<number, string>> = {
  0xc000003e: "AUDIT_ARCH_X86_64",
  0x40000003: "AUDIT_ARCH_I386",
  0xc00000b7: "AUDIT_ARCH_AARCH64",
  0x40000028: "AUDIT_ARCH_ARM",
};

/** Bit of AUDIT_ARCH_* that a 64-bit ABI has. */
const ARCH_64BIT = 0x80000000;

/** Name of the architecture whose ABI a refused call had, or its number. */
export function archName(arch: number): string {
  return ARCHES[arch] ?? `0x${arch.toString(16)}`;
}

/** Code of a refused call as records of calls have it: number and ABI. */
export function refusedCode({ call, arch }: { call: number; arch: number }): number {
  return codeOf(call, (arch & ARCH_64BIT) === 0);
}

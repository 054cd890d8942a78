// Errors and signals of Linux by FreeBSD's numbers and back. In a FreeBSD trace file a program of
// Linux has FreeBSD's errors and signals, and kdump translates them back.

import { ERRNO } from "../../../core/sys/generated/errno.ts";
import { bsdSystem } from "./bsd.ts";
import { LINUX_SIGNALS } from "../../../core/signal_names.ts";

/**
 * What the other system has not is moved up by this, out of both systems' numbers, so that it comes
 * back unharmed and is not taken for something else.
 */
const FOREIGN = 1000;

/** FreeBSD's table says "no such attribute" by another name; libattr has that one on Linux, too. */
const SAME_ERRNO: Readonly<Record<string, string>> = { ENODATA: "ENOATTR" };

/** Real-time signals of the kernels: SIGRTMIN + n is SIGRTMIN + n. */
const LINUX_SIGRTMIN = 32;
const LINUX_SIGRTMAX = 64;
const FREEBSD_SIGRTMIN = 65;

/** Numbers of both systems are below this. */
const SIZE = 256;

/** Both directions of a translation; index is the number, -1 where there is no counterpart. */
interface Tables {
  readonly toFreebsd: Int16Array;
  readonly toLinux: Int16Array;
}

/** Tables from pairs of names' numbers. */
function tablesOf(pairs: Iterable<readonly [linux: number, freebsd: number]>): Tables {
  const toFreebsd = new Int16Array(SIZE).fill(-1);
  const toLinux = new Int16Array(SIZE).fill(-1);
  toFreebsd[0] = toLinux[0] = 0;
  for (const [linux, freebsd] of pairs) {
    toFreebsd[linux] = freebsd;
    toLinux[freebsd] = linux;
  }
  return { toFreebsd, toLinux };
}

/** FreeBSD's numbers by name. */
function freebsdNumbers(nameOf: (number: number) => string | undefined): Map<string, number> {
  const numbers = new Map<string, number>();
  for (let number = 1; number < SIZE; number++) {
    const name = nameOf(number);
    if (name !== undefined) numbers.set(name, number);
  }
  return numbers;
}

function errnoTables(): Tables {
  const system = bsdSystem("freebsd");
  const numbers = freebsdNumbers((number) => system.errno(number)?.name);
  const pairs: [number, number][] = [];
  for (const [linux, [name]] of Object.entries(ERRNO)) {
    const freebsd = numbers.get(SAME_ERRNO[name] ?? name);
    if (freebsd !== undefined) pairs.push([Number(linux), freebsd]);
  }
  return tablesOf(pairs);
}

function signalTables(): Tables {
  const system = bsdSystem("freebsd");
  const numbers = freebsdNumbers((number) => system.signal(number));
  const pairs: [number, number][] = [];
  for (const [index, name] of LINUX_SIGNALS.entries()) {
    const freebsd = numbers.get(name);
    if (freebsd !== undefined) pairs.push([index + 1, freebsd]);
  }
  for (let linux = LINUX_SIGRTMIN; linux <= LINUX_SIGRTMAX; linux++) {
    pairs.push([linux, linux - LINUX_SIGRTMIN + FREEBSD_SIGRTMIN]);
  }
  return tablesOf(pairs);
}

/** Negative numbers are states of FreeBSD's kernel, such as ERESTART, and stay. */
function translate(table: Int16Array, number: number): number {
  if (number < 0) return number;
  if (number < SIZE) {
    const other = table[number];
    if (other >= 0) return other;
  }
  return number > FOREIGN ? number - FOREIGN : number + FOREIGN;
}

let errnos: Tables | undefined;
let signals: Tables | undefined;

/** ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK: include/linux/errno.h */
const RESTARTS: readonly number[] = [512, 513, 514, 516];
/** The call is made again; FreeBSD's number. */
const ERESTART = -1;

/**
 * FreeBSD's number of an error of Linux; the number + 1000 if FreeBSD has it not. What the kernel means for
 * itself, that a call is made again, is ERESTART.
 */
export function freebsdErrno(linuxErrno: number): number {
  if (linuxErrno >= RESTARTS[0] && RESTARTS.includes(linuxErrno)) return ERESTART;
  errnos ??= errnoTables();
  return translate(errnos.toFreebsd, linuxErrno);
}

/** Linux's number of an error of FreeBSD; the number + 1000 if Linux has it not. */
export function linuxErrno(freebsdErrno: number): number {
  errnos ??= errnoTables();
  return translate(errnos.toLinux, freebsdErrno);
}

/** FreeBSD's number of a signal of Linux; the number + 1000 if FreeBSD has it not. */
export function freebsdSignal(linuxSignal: number): number {
  signals ??= signalTables();
  return translate(signals.toFreebsd, linuxSignal);
}

/** Linux's number of a signal of FreeBSD; the number + 1000 if Linux has it not. */
export function linuxSignal(freebsdSignal: number): number {
  signals ??= signalTables();
  return translate(signals.toLinux, freebsdSignal);
}

// Pure: no I/O, no FFI.
// Names that printers ask for: of symbols, users, signals, probes.

import type { StackType } from "../model/types.ts";

/** Resolves what values stand for. */
export interface Names {
  /** Text that is printed behind a string that was cut. */
  readonly trailer: string;
  /** Name of a probe. */
  probe(pbn: number): string;
  /** Symbol at a kernel address; undefined if there is none. */
  kernelSymbol(address: bigint, offset: boolean): string | undefined;
  /** Symbol at an address of a process. */
  userSymbol(address: bigint, pid: number, offset: boolean): string | undefined;
  /** Build id of the file that an address of a process lies in. */
  buildId(address: bigint, pid: number): string | undefined;
  /** File that an address of a process belongs to, and the offset in the file. */
  userModule(address: bigint, pid: number): { file: string; offset: bigint } | undefined;
  /** Name of a user; empty if unknown. */
  user(uid: number): string;
  /** Paths of a cgroup. */
  cgroup(id: bigint, filter: string): string;
  /** strftime() of a clock's nanoseconds; clocks by their numbers in nsecs(). */
  time(ns: bigint, clock: number, format: string): string;
  /** Time since 1970 of a boot clock's time. */
  wallTime(bootNs: bigint): bigint;
  /** Time since 1970 of the clock of tseries(). */
  seriesTime(ns: bigint): bigint;
  /** A text that the script interned. */
  text(index: number): string;
  /** Frames of a stack. */
  frames(hash: bigint): readonly bigint[];
  /** Text that describes an errno. */
  error(number: number): string;
  /** Name of a signal. */
  signal(number: number): string;
  /** Name of a system call. */
  syscall(number: number): string;
}

/** A stack as bpftrace prints it: a newline, then a line for each frame. */
export function stackText(type: StackType, hash: bigint, pid: number, names: Names): string {
  const { mode, space, limit } = type;
  const kernel = space === "kernel";
  let text = "\n";
  for (const address of names.frames(hash).slice(0, limit)) {
    const hex = address.toString(16);
    if (mode === "raw") {
      text += `${hex}\n`;
      continue;
    }
    if (mode === "build_id") {
      const id = names.buildId(address, pid);
      const offset = id === undefined ? address : names.userModule(address, pid)!.offset;
      text += `${id === undefined ? "" : `${id} `}0x${offset.toString(16)}\n`;
      continue;
    }
    const symbol = kernel
      ? names.kernelSymbol(address, true)
      : names.userSymbol(address, pid, true);
    if (mode === "bpftrace") {
      text += `        ${symbol ?? `0x${hex}`}\n`;
      continue;
    }
    const module = kernel ? "" : ` (${names.userModule(address, pid)?.file ?? "[unknown]"})`;
    text += `\t${hex} ${symbol === undefined ? "[unknown]" : symbol}${module}\n`;
  }
  return text;
}

const GFP: readonly [name: string, bits: number][] = [
  ["GFP_TRANSHUGE", 0x1c2cca | 0x400],
  ["GFP_TRANSHUGE_LIGHT", 0x1c28ca],
  ["GFP_HIGHUSER_MOVABLE", 0x100cca],
  ["GFP_HIGHUSER", 0x100cc2],
  ["GFP_USER", 0x100cc0],
  ["GFP_KERNEL_ACCOUNT", 0x400cc0],
  ["GFP_KERNEL", 0xcc0],
  ["GFP_NOFS", 0xc40],
  ["GFP_ATOMIC", 0x820],
  ["GFP_NOIO", 0xc00],
  ["GFP_NOWAIT", 0x800],
  ["GFP_DMA", 0x1],
  ["__GFP_HIGHMEM", 0x2],
  ["GFP_DMA32", 0x4],
  ["__GFP_MOVABLE", 0x8],
  ["__GFP_RECLAIMABLE", 0x10],
  ["__GFP_HIGH", 0x20],
  ["__GFP_IO", 0x40],
  ["__GFP_FS", 0x80],
  ["__GFP_ZERO", 0x100],
  ["__GFP_DIRECT_RECLAIM", 0x400],
  ["__GFP_KSWAPD_RECLAIM", 0x800],
  ["__GFP_WRITE", 0x1000],
  ["__GFP_NOWARN", 0x2000],
  ["__GFP_RETRY_MAYFAIL", 0x4000],
  ["__GFP_NOFAIL", 0x8000],
  ["__GFP_NORETRY", 0x10000],
  ["__GFP_MEMALLOC", 0x20000],
  ["__GFP_COMP", 0x40000],
  ["__GFP_NOMEMALLOC", 0x80000],
  ["__GFP_HARDWALL", 0x100000],
  ["__GFP_THISNODE", 0x200000],
  ["__GFP_ACCOUNT", 0x400000],
  ["__GFP_ZEROTAGS", 0x800000],
];

/** Allocation flags by name, as include/trace/events/mmflags.h shows them. */
export function gfpText(flags: number): string {
  if (flags === 0) return "0";
  const names: string[] = [];
  let rest = flags;
  for (const [name, bits] of GFP) {
    if ((rest & bits) !== bits) continue;
    names.push(name);
    rest &= ~bits;
  }
  if (rest !== 0) names.push(`0x${(rest >>> 0).toString(16)}`);
  return names.join("|");
}

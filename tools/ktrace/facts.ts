// What /proc tells of a process that is stopped. proc_pid_stat(5), proc_pid_cmdline(5)

/** sysconf(_SC_CLK_TCK), the same on all of Linux's architectures. */
const TICK_NS = 1e7;

function read(path: string): Uint8Array {
  try {
    return Deno.readFileSync(path);
  } catch {
    return new Uint8Array(0); // it has gone
  }
}

/** One byte a character. */
export function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** When a thread was made: CLOCK_BOOTTIME in ns, as exactly as /proc tells it; 0 if it has gone. */
export function threadStart(tid: number): number {
  const stat = textOf(read(`/proc/${tid}/stat`));
  // Field 22; the second one is in parentheses and may hold anything.
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? 0) * TICK_NS;
}

/** Is there such a process? */
export function isAlive(pid: number): boolean {
  try {
    return Deno.statSync(`/proc/${pid}`).isDirectory;
  } catch {
    return false;
  }
}

/** PF_KTHREAD: include/linux/sched.h */
const PF_KTHREAD = 0x200000;

/** A thread of the kernel makes no system calls. */
export function isKernelThread(pid: number): boolean {
  const stat = textOf(read(`/proc/${pid}/stat`));
  const flags = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[6] ?? 0);
  return (flags & PF_KTHREAD) !== 0;
}

/** Name of a thread. */
export function commOf(tid: number): string {
  return textOf(read(`/proc/${tid}/comm`)).replace(/\n$/, "");
}

/** Arguments, a NUL behind each. */
export function commandLine(pid: number): Uint8Array {
  return read(`/proc/${pid}/cmdline`);
}

/** Variables, a NUL behind each. */
export function environment(pid: number): Uint8Array {
  return read(`/proc/${pid}/environ`);
}

/** Is there a handler for this signal? */
export function isCaught(tid: number, signal: number): boolean {
  const status = textOf(read(`/proc/${tid}/status`));
  const mask = BigInt(`0x${/^SigCgt:\t([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  return (mask >> BigInt(signal - 1) & 1n) === 1n;
}

/** Path of the program that is executed. */
export function programOf(pid: number): string {
  try {
    return Deno.readLinkSync(`/proc/${pid}/exe`);
  } catch {
    return "";
  }
}

/** Processes with their parent and group, as they are now. */
export function* processes(): Generator<{ pid: number; ppid: number; pgrp: number }> {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = textOf(read(`/proc/${name}/stat`));
    const [, ppid, pgrp] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
    if (pgrp !== undefined) yield { pid: Number(name), ppid, pgrp };
  }
}

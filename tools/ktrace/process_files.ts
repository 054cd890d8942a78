// What /proc tells of a process that is stopped. proc_pid_stat(5), proc_pid_cmdline(5)

import { SIG_DFL, SIG_IGN } from "../../core/signal_names.ts";
import { UNKNOWN_HANDLER } from "./systems/signal_actions.ts";

/** sysconf(_SC_CLK_TCK), the same on all of Linux's architectures. */
const TICK_NS = 1e7;

function read(path: string): Uint8Array {
  try {
    return Deno.readFileSync(path);
  } catch {
    return new Uint8Array(0); // it has gone
  }
}

function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Fields of /proc/ID/stat from the third one on: the second is in parentheses and may hold anything. */
function statFields(id: number): string[] {
  const stat = textOf(read(`/proc/${id}/stat`));
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** When a thread was made: CLOCK_BOOTTIME in ns, as exactly as /proc tells it; 0 if it has gone. */
export function threadStart(tid: number): number {
  return Number(statFields(tid)[22 - 3] ?? 0) * TICK_NS;
}

/** True if there is such a process and one of its threads has not ended: a zombie is not alive. */
export function isAlive(pid: number): boolean {
  const fields = statFields(pid);
  const [state] = fields;
  if (state === "") return false;
  return (state !== "Z" && state !== "X") || Number(fields[20 - 3]) > 1;
}

/** PF_KTHREAD: include/linux/sched.h */
const PF_KTHREAD = 0x200000;

/** A thread of the kernel makes no system calls. */
export function isKernelThread(pid: number): boolean {
  return (Number(statFields(pid)[9 - 3] ?? 0) & PF_KTHREAD) !== 0;
}

/** Arguments, a NUL behind each. */
export function commandLine(pid: number): Uint8Array {
  return read(`/proc/${pid}/cmdline`);
}

/** Variables, a NUL behind each. */
export function environment(pid: number): Uint8Array {
  return read(`/proc/${pid}/environ`);
}

/** What a thread does with a signal; a handler's address is not in /proc. */
export function actionOf(tid: number, signal: number): bigint {
  const status = textOf(read(`/proc/${tid}/status`));
  const has = (set: string) => {
    const mask = BigInt(`0x${new RegExp(`^${set}:\\t([0-9a-f]+)`, "m").exec(status)?.[1] ?? "0"}`);
    return (mask >> BigInt(signal - 1) & 1n) === 1n;
  };
  if (has("SigCgt")) return UNKNOWN_HANDLER;
  return has("SigIgn") ? SIG_IGN : SIG_DFL;
}

/** Path of the program that is executed. */
export function programOf(pid: number): string {
  try {
    return Deno.readLinkSync(`/proc/${pid}/exe`);
  } catch {
    return "";
  }
}

/** Processes of a group, as they are now. */
export function* groupMembers(pgrp: number): Generator<number> {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (/^\d+$/.test(name) && Number(statFields(Number(name))[5 - 3]) === pgrp) yield Number(name);
  }
}

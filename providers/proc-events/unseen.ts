// Events that no source has told, because its buffer had no room: made of what the kernel still says of the
// process. Their time is when they were found out.

import { bootTimeNs } from "../../core/sys/clock.ts";
import type { Fd } from "../../core/sys/fd.ts";
import { pidfdExitStatus } from "../../core/sys/pidfd.ts";
import { Thread } from "../../core/sys/thread.ts";
import { startOf, zombieStatus } from "./lives.ts";
import type { ProcessEvent } from "./process_event.ts";

/** What was known of a process while it lived. */
export interface KnownProcess {
  /** Id of the process. */
  readonly pid: number;
  /** Name of its first thread; empty if that was not known. */
  readonly comm: string;
  /** Parent process; 0 if that was not known. */
  readonly parentPid: number;
  /** Time of the process's birth by CLOCK_BOOTTIME, in ns. */
  readonly since?: bigint;
  /** A descriptor that tells how the process has ended, whoever is its parent. */
  readonly pidfd?: Fd;
}

/** What /proc says of a process now; a zombie has a name and a parent, too. */
export function knownProcess(pid: number): KnownProcess {
  const { comm, ppid } = new Thread(pid);
  return { pid, comm, parentPid: ppid, since: startOf(pid) };
}

/** The end of a process: an abort, if a signal has ended it, and an exit. */
export function unseenEnd(process: KnownProcess): ProcessEvent[] {
  const { pid, comm, parentPid, since, pidfd } = process;
  // A pidfd tells it when the parent has been told, /proc before that.
  const ask = () => pidfd && pidfdExitStatus(pidfd);
  const status = ask() ?? zombieStatus(pid) ?? ask();
  const timestampNs = bootTimeNs();
  const exit: ProcessEvent = {
    ...eventOf(pid, comm, parentPid, timestampNs),
    // Where it cannot be told, nothing is said.
    ...(status === undefined ? {} : {
      code: status >> 8 & 0xff,
      signal: status & 0x7f,
      core: (status & 0x80) !== 0,
    }),
    runtimeNs: since === undefined ? undefined : timestampNs - since,
  };
  const aborted = status !== undefined && (status & 0x7f) !== 0;
  return aborted ? [{ ...exit, name: "process:abort" }, exit] : [exit];
}

/** The execution of the program that a held child is about to begin. */
export function heldExecution(pid: number): ProcessEvent {
  const { comm, ppid } = new Thread(pid);
  const argv = readProc(`${pid}/cmdline`).replace(/\0$/, "").split("\0");
  let path = argv[0];
  try {
    path = Deno.readLinkSync(`/proc/${pid}/exe`);
  } catch {
    // The name that the command was called by is the best that is known.
  }
  return {
    ...eventOf(pid, comm, ppid, bootTimeNs()),
    name: "process:exec",
    path,
    argv,
    oldTid: pid,
  };
}

function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${path}`);
  } catch {
    return "";
  }
}

/** The birth of a process that lives. */
export function unseenBirth(pid: number): ProcessEvent {
  const { ppid } = new Thread(pid);
  const { comm } = new Thread(ppid);
  return { ...eventOf(pid, comm, ppid, bootTimeNs()), name: "process:fork" };
}

function eventOf(pid: number, comm: string, parentPid: number, timestampNs: bigint): ProcessEvent {
  return {
    name: "process:exit",
    timestampNs,
    cpu: 0,
    pid,
    tid: pid,
    parentPid,
    parentTid: parentPid,
    comm,
    cgroup: 0n,
  };
}

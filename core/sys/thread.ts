// Facts about a thread of any process from /proc, read when somebody asks and kept until they may
// have changed. See proc_pid_status(5), proc_pid_stat(5), proc_pid_comm(5), cgroups(7).

import { DtError } from "../errors.ts";
import { arch } from "./arch/mod.ts";
import { libc } from "./libc.ts";
import { readMemory, writeMemory } from "./process_memory.ts";

/** Decodes bytes to a string of one character per byte, so that no byte is lost. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** Reads a file of /proc; empty if the process is gone or the file may not be read. */
function read(path: string): string {
  try {
    return latin1(Deno.readFileSync(path));
  } catch {
    return "";
  }
}

/** Finds a line "name:\tnumber" and returns the number. */
function fieldOf(text: string, name: string): string | undefined {
  return new RegExp(`^${name}:\t(\\d+)`, "m").exec(text)?.[1];
}

/**
 * Reads a number of /proc/ID/status.
 *
 * @param id Thread id.
 * @param name Name of the line, e.g. "Tgid", "PPid" or "Uid" (the first of its numbers: the real
 * user).
 * @returns The digits; undefined if the thread is gone.
 */
export function statusField(id: number, name: string): string | undefined {
  return fieldOf(read(`/proc/${id}/status`), name);
}

/** True if a seccomp filter decides which system calls this process may make. */
export function hasSeccompFilter(): boolean {
  return statusField(Deno.pid, "Seccomp") === "2";
}

/** Name of a thread; empty if it is gone. */
function commOf(id: number): string {
  return read(`/proc/${id}/comm`).replace(/\n$/, "");
}

/** A thread of any process, described by what /proc tells. */
export class Thread {
  /** Thread id of the thread. */
  readonly tid: number;
  #pid: number | undefined;
  #comm: string | undefined;
  #status: string | undefined;
  #cgroup: bigint | undefined;

  /**
   * @param tid Thread id.
   * @param pid Id of the thread's process, where that is known.
   */
  constructor(tid: number, pid?: number) {
    this.tid = tid;
    this.#pid = pid;
  }

  /** Id of the thread's process; the thread id if the thread is gone. */
  get pid(): number {
    return this.#pid ??= Number(this.#field("Tgid") ?? this.tid);
  }

  /** Name of the thread, one character per byte; kept until {@linkcode Thread.forgetName}. */
  get comm(): string {
    return this.#comm ??= commOf(this.tid);
  }

  /** Real user id; 0 if the thread is gone. Kept until {@linkcode Thread.forgetIds}. */
  get uid(): number {
    return Number(this.#field("Uid") ?? 0);
  }

  /** Real group id; 0 if the thread is gone. Kept until {@linkcode Thread.forgetIds}. */
  get gid(): number {
    return Number(this.#field("Gid") ?? 0);
  }

  /** Number of the CPU that the thread ran on last. */
  get cpu(): number {
    const stat = read(`/proc/${this.tid}/stat`);
    // Field 39; field 2, the name in parentheses, may hold any character.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[36] ?? 0);
  }

  /** Process id of the parent; 0 if the thread is gone. */
  get ppid(): number {
    // Read anew each time, since the parent changes when the old parent ends.
    return Number(statusField(this.tid, "PPid") ?? 0);
  }

  /** Name of another thread, one character per byte; empty if that thread is gone. */
  commOf(id: number): string {
    return commOf(id);
  }

  /** Inode of the thread's cgroup (version 2); 0 if that cannot be told. */
  get cgroup(): bigint {
    return this.#cgroup ??= cgroupOf(this.tid);
  }

  /** Copies memory of the thread's process; see {@linkcode readMemory}. */
  read(address: bigint, into: Uint8Array): number {
    // The memory is found by the thread, since the first thread of the process may have ended.
    return readMemory(this.tid, address, into);
  }

  /** Overwrites memory of the thread's process; see {@linkcode writeMemory}. */
  write(address: bigint, bytes: Uint8Array): boolean {
    return writeMemory(this.tid, address, bytes);
  }

  /**
   * Return addresses on the thread's stack: none, as the registers of a running thread are unknown.
   */
  stack(_limit: number): readonly bigint[] {
    return [];
  }

  /**
   * Sends a signal to the process or to this thread alone; kill(2), tgkill(2). Errors are ignored.
   */
  signal(number: number, to: "process" | "thread"): void {
    if (to === "process") {
      libc().kill(this.pid, number);
      return;
    }
    const [pid, tid] = [BigInt(this.pid), BigInt(this.tid)];
    libc().syscall(arch.syscalls.tgkill, pid, tid, BigInt(number), 0n, 0n, 0n);
  }

  /** Forgets the name: the thread may have changed it. */
  forgetName(): void {
    this.#comm = undefined;
  }

  /** Forgets user and group: the thread may have changed them. */
  forgetIds(): void {
    this.#status = undefined;
  }

  #field(name: string): string | undefined {
    this.#status ??= read(`/proc/${this.tid}/status`);
    return fieldOf(this.#status, name);
  }
}

/** Finds the inode of a thread's cgroup where cgroup version 2 is mounted. */
function cgroupOf(tid: number): bigint {
  const path = /^0::(.*)$/m.exec(read(`/proc/${tid}/cgroup`))?.[1];
  if (path === undefined) return 0n;
  for (const root of ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]) {
    try {
      Deno.statSync(`${root}/cgroup.controllers`); // only cgroup version 2 has this file
      return BigInt(Deno.statSync(root + path).ino ?? 0);
    } catch {
      // This place has no cgroup version 2.
    }
  }
  return 0n;
}

/**
 * Lists the threads of a process.
 *
 * @param pid Process id.
 * @returns Thread ids, the process's own included.
 * @throws {DtError} ESRCH no such process.
 */
export function threadsOf(pid: number): number[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => Number(name));
  } catch {
    throw new DtError("ESRCH", `Cannot trace process ${pid}: no such process`, {
      operation: "attach",
    });
  }
}

/** This process, as the scripts of BEGIN and END see it. */
export function selfThread(): Thread {
  return new Thread(Deno.pid, Deno.pid);
}

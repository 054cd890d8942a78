// What /proc tells of a thread, read when it is asked for and kept until it may have changed.
// proc_pid_status(5), proc_pid_stat(5), proc_pid_comm(5), cgroups(7).

import { DtError } from "../errors.ts";
import { arch } from "./arch/mod.ts";
import { libc } from "./libc.ts";
import { readMemory, writeMemory } from "./process_memory.ts";

/** One character a byte. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** A file of /proc; empty if the process has gone. */
function read(path: string): string {
  try {
    return latin1(Deno.readFileSync(path));
  } catch {
    return "";
  }
}

function fieldOf(text: string, name: string): string | undefined {
  return new RegExp(`^${name}:\t(\\d+)`, "m").exec(text)?.[1];
}

/** A number of /proc/ID/status; undefined if the thread has gone. */
export function statusField(id: number, name: string): string | undefined {
  return fieldOf(read(`/proc/${id}/status`), name);
}

function commOf(id: number): string {
  return read(`/proc/${id}/comm`).replace(/\n$/, "");
}

/** A thread of any process. */
export class Thread {
  /** Thread id. */
  readonly tid: number;
  #pid: number | undefined;
  #comm: string | undefined;
  #status: string | undefined;
  #cgroup: bigint | undefined;

  /** @param pid Its process, where that is known. */
  constructor(tid: number, pid?: number) {
    this.tid = tid;
    this.#pid = pid;
  }

  /** Process id. */
  get pid(): number {
    return this.#pid ??= Number(this.#field("Tgid") ?? this.tid);
  }

  /** Name, one character a byte. */
  get comm(): string {
    return this.#comm ??= commOf(this.tid);
  }

  /** Real user. */
  get uid(): number {
    return Number(this.#field("Uid") ?? 0);
  }

  /** Real group. */
  get gid(): number {
    return Number(this.#field("Gid") ?? 0);
  }

  /** CPU that it ran on last. */
  get cpu(): number {
    const stat = read(`/proc/${this.tid}/stat`);
    // Field 39; the second one is in parentheses and may hold anything.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[36] ?? 0);
  }

  /** Parent process. */
  get ppid(): number {
    // It changes when the parent ends.
    return Number(statusField(this.tid, "PPid") ?? 0);
  }

  /** Name of another thread. */
  commOf(id: number): string {
    return commOf(id);
  }

  /** inode of its cgroup (version 2); 0 if that cannot be told. */
  get cgroup(): bigint {
    return this.#cgroup ??= cgroupOf(this.tid);
  }

  /** Copies memory; see {@linkcode readMemory}. */
  read(address: bigint, into: Uint8Array): number {
    // By the thread: the process's first one may have ended.
    return readMemory(this.tid, address, into);
  }

  /** Overwrites memory; see {@linkcode writeMemory}. */
  write(address: bigint, bytes: Uint8Array): boolean {
    return writeMemory(this.tid, address, bytes);
  }

  /** Nothing is known of a running thread's registers. */
  stack(_limit: number): readonly bigint[] {
    return [];
  }

  /** Sends a signal. kill(2), tgkill(2) */
  signal(number: number, to: "process" | "thread"): void {
    if (to === "process") {
      libc().kill(this.pid, number);
      return;
    }
    const [pid, tid] = [BigInt(this.pid), BigInt(this.tid)];
    libc().syscall(arch.syscalls.tgkill, pid, tid, BigInt(number), 0n, 0n, 0n);
  }

  /** The name may have changed. */
  forgetName(): void {
    this.#comm = undefined;
  }

  /** User and group may have changed. */
  forgetIds(): void {
    this.#status = undefined;
  }

  #field(name: string): string | undefined {
    this.#status ??= read(`/proc/${this.tid}/status`);
    return fieldOf(this.#status, name);
  }
}

function cgroupOf(tid: number): bigint {
  const path = /^0::(.*)$/m.exec(read(`/proc/${tid}/cgroup`))?.[1];
  if (path === undefined) return 0n;
  for (const root of ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]) {
    try {
      Deno.statSync(`${root}/cgroup.controllers`); // only version 2 has it
      return BigInt(Deno.statSync(root + path).ino ?? 0);
    } catch {
      // Not mounted there.
    }
  }
  return 0n;
}

/**
 * Threads of a process.
 *
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

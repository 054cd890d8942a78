// Turns what the sources of the user plane report into events of the probes. Keeps, for each living task, its
// start, its parent and its name.

import type { Pcb } from "../../core/contract/pcb.ts";
import type { UserHost } from "../../core/contract/attachment.ts";
import { bootTimeNs } from "../../core/sys/clock.ts";
import { Thread } from "../../core/sys/thread.ts";
import { type EventName, probedEvent } from "./events.ts";

/** A thread, as a source of events knows it. */
export interface Task {
  /** Id of the thread's process. */
  readonly pid: number;
  /** Id of the thread itself. */
  readonly tid: number;
  /** Process id of the parent. */
  readonly parentPid: number;
  /** Thread id of the parent. */
  readonly parentTid: number;
  /** Time of the event by CLOCK_BOOTTIME, in ns. */
  readonly timestampNs: bigint;
  /** CPU that the event happened on. */
  readonly cpu: number;
}

const CLOCK_TICK_NS = 10_000_000n; // USER_HZ is 100 everywhere

/** What is remembered of a task until it has ended. */
interface Life {
  /** Since when, if that could be told; CLOCK_BOOTTIME. */
  readonly since?: bigint;
  readonly parentPid: number;
  readonly parentTid: number;
  comm: string;
}

/** A thread with a name that was read before, since the thread may have ended. */
class NamedThread extends Thread {
  readonly #name: string;

  constructor({ tid, pid }: Task, name: string) {
    super(tid, pid);
    this.#name = name;
  }

  override get comm(): string {
    return this.#name;
  }
}

/** Turns births, executions and deaths into events. */
export class Lives {
  readonly #host: UserHost;
  readonly #pcbs = new Map<EventName, Pcb>();
  readonly #lives = new Map<number, Life>();

  constructor(pcbs: readonly Pcb[], host: UserHost) {
    this.#host = host;
    for (const pcb of pcbs) this.#pcbs.set(probedEvent(pcb.probe), pcb);
  }

  /** Reports the birth of a task. */
  born(task: Task): void {
    const { parentTid, parentPid, timestampNs } = task;
    const comm = this.#lives.get(parentTid)?.comm ?? this.#lives.get(parentPid)?.comm ??
      new Thread(parentTid, parentPid).comm;
    const parent = new NamedThread({ ...task, tid: parentTid, pid: parentPid }, comm);
    this.#lives.set(task.tid, { since: timestampNs, parentPid, parentTid, comm });
    this.#fire(task.tid === task.pid ? "process:fork" : "thread:create", task, parent);
  }

  /** Reports that a task has executed a program. */
  executed(task: Task, oldTid: number, thread = new Thread(task.tid, task.pid)): void {
    const life = this.of(task.tid);
    life.comm = thread.comm || life.comm;
    if (oldTid !== task.tid) this.#lives.delete(oldTid);
    const [argv, end] = argumentsOf(task.tid);
    this.#fire("process:exec", { ...task, ...parentsOf(life) }, thread, {
      arg4: executedName(task.tid),
      arg5: argv,
      arg6: end,
      arg7: BigInt(oldTid),
    });
  }

  /**
   * Reports the end of a task.
   *
   * @param status Status as wait(2) tells it.
   * @param last True for the last thread of the process.
   */
  ended(task: Task, status: number, last: boolean): void {
    const aborted = (status & 0x7f) !== 0;
    if (task.tid !== task.pid) {
      this.#end(
        task,
        task.tid,
        status,
        aborted ? ["thread:abort", "thread:exit"] : ["thread:exit"],
      );
    }
    if (!last) return;
    this.#end(
      task,
      task.pid,
      status,
      aborted ? ["process:abort", "process:exit"] : ["process:exit"],
    );
  }

  /** What is known of a task; read from /proc for a new one. */
  of(tid: number): Life {
    let life = this.#lives.get(tid);
    if (life === undefined) {
      const { ppid, comm } = new Thread(tid);
      life = { since: startOf(tid), parentPid: ppid, parentTid: ppid, comm };
      this.#lives.set(tid, life);
    }
    return life;
  }

  #end(task: Task, tid: number, status: number, events: readonly EventName[]): void {
    const life = this.of(tid);
    this.#lives.delete(tid);
    const values = {
      arg4: BigInt(status >> 8 & 0xff),
      arg5: BigInt(status & 0x7f),
      arg6: BigInt(status >> 7 & 1),
      arg7: life.since === undefined ? 0n : task.timestampNs - life.since,
    };
    const thread = new NamedThread(task, life.comm);
    const whole = task.parentPid === 0 ? { ...task, ...parentsOf(life) } : task;
    for (const event of events) this.#fire(event, whole, thread, values);
  }

  #fire(
    name: EventName,
    { pid, tid, parentPid, parentTid, timestampNs, cpu }: Task,
    thread: Thread,
    more: Readonly<Record<string, bigint>> = {},
  ): void {
    const pcb = this.#pcbs.get(name);
    if (pcb === undefined) return;
    const values: Record<string, bigint> = { ...more };
    // Read when it is asked for; of the dead nobody can tell.
    Object.defineProperty(values, "arg8", { get: () => thread.cgroup });
    [pid, tid, parentPid, parentTid].forEach((id, i) => values[`arg${i}`] = BigInt(id));
    this.#host.enter(pcb, { cpu, timestampNs, thread, values });
  }
}

function parentsOf({ parentPid, parentTid }: Life) {
  return { parentPid, parentTid };
}

/** Fields of /proc/TID/stat behind the name, from the state on, which is the third. */
function stat(tid: number): string[] {
  try {
    const text = Deno.readTextFileSync(`/proc/${tid}/stat`);
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

/** When a task was started that was not seen to be born, to a hundredth of a second. */
export function startOf(tid: number): bigint | undefined {
  const ticks = stat(tid)[22 - 3];
  if (ticks === undefined) return undefined;
  const start = BigInt(ticks) * CLOCK_TICK_NS;
  return start > bootTimeNs() ? undefined : start;
}

/** How a process has ended whose parent has not been told yet. */
export function zombieStatus(pid: number): number | undefined {
  const fields = stat(pid);
  return fields[0] === "Z" ? Number(fields[52 - 3]) : undefined;
}

/** True if there is such a task, and it has not ended. */
export function isAlive(tid: number): boolean {
  const [state] = stat(tid);
  return state !== undefined && state !== "Z" && state !== "X";
}

/** True if all threads of a process have ended: the first one may be a zombie while others live. */
export function hasEnded(pid: number): boolean {
  const fields = stat(pid);
  return !isAlive(pid) && Number(fields[20 - 3] ?? 0) <= 1;
}

/** Where a process has its arguments; zeros if it has gone or does not tell us. */
function argumentsOf(tid: number): [start: bigint, end: bigint] {
  const fields = stat(tid);
  return [BigInt(fields[48 - 3] ?? 0), BigInt(fields[49 - 3] ?? 0)];
}

const AT_EXECFN = 31n;

/** Where it has the path that was executed. getauxval(3) */
function executedName(tid: number): bigint {
  try {
    const bytes = Deno.readFileSync(`/proc/${tid}/auxv`);
    const words = new BigUint64Array(bytes.buffer, 0, bytes.length >> 3);
    for (let i = 0; i + 1 < words.length; i += 2) if (words[i] === AT_EXECFN) return words[i + 1];
  } catch {
    // Gone.
  }
  return 0n;
}

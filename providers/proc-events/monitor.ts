// The monitor: kmonitor's registrations, in this process.

import type { HeldChild } from "../../core/provider.ts";
import { missingCapabilities } from "../../core/bpf/mod.ts";
import { type Device, openDevice } from "../../core/device.ts";
import { errorCode } from "../../core/errors.ts";
import type { Session } from "../../core/session.ts";
import type { DtEvent } from "../../core/event.ts";
import { bootTimeNs } from "../../core/sys/clock.ts";
import { ALL_EVENTS, EVENT_BITS, type EventName } from "./events.ts";
import { startOf } from "./lives.ts";
import { TimeOrder } from "./order.ts";
import { enableAll, type ProcessEvent, processEvent } from "./process_event.ts";
import { ProcEventsProvider } from "./provider.ts";
import { BUFFER_BYTES } from "./connector.ts";
import { PidfdWatch } from "./pidfd_watch.ts";
import {
  cgroupOf,
  descendantsOf,
  keyOf,
  maskOf,
  type MonitorTarget,
  refusal,
  taskOf,
} from "./registration.ts";
import { queueSignal, signalNumber } from "./signals.ts";
import { type Registration, Targets } from "./targets.ts";

/** A real-time signal to a process: the event's bit in si_int, whom it is about in si_pid. */
export interface SignalNotification {
  /** "SIGRTMIN", "SIGRTMIN+2", or a number. */
  readonly signal: string | number;
  /** Who gets it. */
  readonly pid: number;
}

/** What an event leads to beside its place in the iteration: a call, or a signal. */
export type Notification = ((event: ProcessEvent) => void) | SignalNotification;

/** Where events come from. */
export type MonitorSource = "auto" | "kernel" | "connector" | "pidfd";

/** How to monitor. */
export interface MonitorOptions {
  /**
   * The scheduler's tracepoints (CAP_BPF and CAP_PERFMON), the proc connector (CAP_NET_ADMIN, or
   * Linux 6.6), or pidfds, which tell of ends only. Default: the first that is permitted.
   */
  readonly source?: MonitorSource;
  /** Watches this child and what it starts by ptrace(2), which needs no permission; nothing is lost. */
  readonly child?: HeldChild;
  /** Room for events that have not been read: a power of two from 64 KiB on. Default 32 MiB. */
  readonly bufferBytes?: number;
}

/** What a monitor has done. */
export interface MonitorStats {
  /** Events that somebody wanted. */
  readonly delivered: bigint;
  /** Events that were lost on the way, exactly, by the kernel's and our own count. */
  readonly lost: bigint;
  /** Signals that found a full queue. */
  readonly signalsLost: bigint;
}

/** Events that wait to be iterated over; the rest is lost, and counted. */
const MOST_WAITING = 1 << 17;
const RING_SLOTS = 2048;

/** A registration with what it is of. */
interface Watched extends Registration<Notification | undefined> {
  /** The number of the task, if it is of one. */
  readonly task?: number;
  /** Children are watched, too. */
  readonly follows: boolean;
  /** The process has not been born yet. */
  awaited: boolean;
  /** inode of a cgroup. */
  readonly cgroup?: bigint;
}

/**
 * Tells of births, executions and deaths without being the parent or the debugger of anybody, and without
 * polling. While nobody is registered nothing is attached to the kernel.
 *
 * @example Waits for any process to end
 * ```ts ignore
 * import { openMonitor } from "./mod.ts";
 *
 * using monitor = openMonitor();
 * monitor.register(1234, ["process:exit"]);
 * for await (const { pid, code, signal } of monitor) {
 *   console.log(pid, code, signal);
 *   break;
 * }
 * ```
 */
export class Monitor implements Disposable, AsyncIterable<ProcessEvent> {
  readonly #device: Device;
  readonly #options: MonitorOptions;
  readonly #registrations = new Map<string, Watched>();
  readonly #targets = new Targets<Notification | undefined>();
  readonly #byCgroup = new Map<bigint, Set<Watched>>();
  #session?: Session;
  #pidfds?: PidfdWatch;
  readonly #order = new TimeOrder((events) => {
    for (const event of events) this.#deliver(event);
    this.#wakeup?.();
  });
  /** In order, not yet iterated over. */
  #waiting: ProcessEvent[] = [];
  #wakeup?: () => void;
  #closed = false;
  #failure: unknown;
  #delivered = 0n;
  #overflowed = 0n;
  #signalsLost = 0n;
  #lostBefore = 0n;

  /** Made by {@linkcode openMonitor}. */
  constructor(options: MonitorOptions) {
    this.#options = options;
    const { bufferBytes = BUFFER_BYTES } = options;
    this.#device = openDevice({ providers: [new ProcEventsProvider(bufferBytes)] });
  }

  /**
   * Watches a target. Registering it again adds events and replaces the notification.
   *
   * @param events Names, or a mask of KMONITOR_* bits.
   * @param notify A function, or a signal for a process. Iteration has the events in any case.
   * @param options `future`: a process that does not exist yet may be named.
   * @throws {DtError} ESRCH no such process; EINVAL no such event or signal; ENOENT no such cgroup;
   * EBADF closed; EPERM, EOPNOTSUPP: the events cannot be had.
   */
  register(
    target: MonitorTarget,
    events: readonly EventName[] | number,
    notify?: Notification,
    options: { future?: boolean } = {},
  ): void {
    if (this.#closed) throw refusal("EBADF", "register", "the monitor is closed");
    const mask = maskOf(events, "register");
    if (typeof notify === "object") signalNumber(notify.signal);
    const key = keyOf(target);
    const known = this.#registrations.get(key);
    if (known !== undefined) {
      known.mask |= mask;
      known.notify = notify;
      return;
    }
    const task = taskOf(target);
    const awaited = task !== undefined && startOf(task) === undefined;
    if (awaited && !options.future) {
      throw refusal("ESRCH", "register", `there is no process ${task}`);
    }
    const cgroup = typeof target === "object" && "cgroup" in target
      ? cgroupOf(target.cgroup)
      : undefined;
    const follows = typeof target === "object" && "subtree" in target;
    const watched: Watched = { mask, notify, since: bootTimeNs(), task, follows, cgroup, awaited };
    this.#start(watched);
    this.#registrations.set(key, watched);
    if (cgroup !== undefined) {
      const all = this.#byCgroup.get(cgroup) ?? new Set();
      this.#byCgroup.set(cgroup, all.add(watched));
    } else {
      this.#targets.add(watched, task);
      if (follows) {
        for (const [child] of descendantsOf(task!)) this.#targets.add(watched, child);
      }
    }
  }

  /**
   * Does not want these events any more; without any left the registration is gone.
   *
   * @throws {DtError} EINVAL the target is not registered, or no such event.
   */
  deregister(target: MonitorTarget, events: readonly EventName[] | number = ALL_EVENTS): void {
    const key = keyOf(target);
    const watched = this.#registrations.get(key);
    if (watched === undefined) {
      throw refusal("EINVAL", "deregister", `${key} is not registered`);
    }
    watched.mask &= ~maskOf(events, "deregister");
    if (watched.mask !== 0) return;
    this.#registrations.delete(key);
    this.#targets.remove(watched);
    if (watched.cgroup !== undefined) {
      const all = this.#byCgroup.get(watched.cgroup);
      all?.delete(watched);
      if (all?.size === 0) this.#byCgroup.delete(watched.cgroup);
    }
    this.#pidfds?.remove(watched.task);
    if (this.#registrations.size === 0) this.#stop();
  }

  /** How many targets are registered. */
  get size(): number {
    return this.#registrations.size;
  }

  /** Counters so far. */
  stats(): MonitorStats {
    const lost = this.#lostBefore + lostBy(this.#session) + this.#overflowed;
    return { delivered: this.#delivered, lost, signalsLost: this.#signalsLost };
  }

  /** Removes all registrations; iteration ends behind what has happened. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    this.#registrations.clear();
    this.#order.flush();
    this.#wakeup?.();
  }

  /** {@linkcode close} */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Events in the order of their time, once each, until the monitor is closed. One reader at a time. */
  async *[Symbol.asyncIterator](): AsyncIterator<ProcessEvent> {
    for (;;) {
      const batch = this.#waiting;
      this.#waiting = [];
      yield* batch;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#waiting.length > 0) continue;
      if (this.#closed) return;
      await new Promise<void>((resolve) => this.#wakeup = resolve);
    }
  }

  /** Has a source for a new registration. */
  #start(watched: Watched): void {
    if (this.#pidfds !== undefined) return this.#pidfds.add(watched.task, watched.mask);
    if (this.#session !== undefined) return;
    const { source = "auto", child } = this.#options;
    if (source === "pidfd") return this.#startPidfds(watched);
    const isKernel = child === undefined &&
      (source === "kernel" || source === "auto" && missingCapabilities().length === 0);
    const session = this.#device.open({
      plane: isKernel ? "kernel" : "user",
      target: child,
      ringBytes: this.#options.bufferBytes ?? BUFFER_BYTES,
      ringSlots: RING_SLOTS,
    });
    try {
      enableAll(session);
      session.start();
    } catch (error) {
      session.close();
      const refused = ["EPERM", "EACCES", "EPROTONOSUPPORT", "ECONNREFUSED"];
      if (source !== "auto" || !refused.includes(errorCode(error) ?? "")) throw error;
      return this.#startPidfds(watched);
    }
    this.#session = session;
    this.#follow(session);
  }

  #startPidfds(watched: Watched): void {
    const watch = new PidfdWatch((event) => this.#order.push(event));
    try {
      watch.add(watched.task, watched.mask);
    } catch (error) {
      watch[Symbol.dispose]();
      throw error;
    }
    this.#pidfds = watch;
  }

  #stop(): void {
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined) {
      session.stop();
      session.drainEvents(this.#event);
      this.#lostBefore += lostBy(session);
      session.close();
    }
    this.#pidfds?.[Symbol.dispose]();
    this.#pidfds = undefined;
    this.#order.flush();
  }

  async #follow(session: Session): Promise<void> {
    try {
      while (this.#session === session) {
        session.drainEvents(this.#event);
        // A child has ended, with all that it started.
        if (!session.recording) return this.close();
        await session.wait();
      }
    } catch (error) {
      if (this.#session !== session) return;
      this.#failure = error;
      this.close();
    }
  }

  /** Bound once. */
  readonly #event = (event: DtEvent): void => this.#order.push(processEvent(event));

  #deliver(event: ProcessEvent): void {
    const { name, pid, tid, parentPid, parentTid, timestampNs } = event;
    const isBirth = name === "process:fork" || name === "thread:create";
    const bit = EVENT_BITS[name];
    let wanted = false;
    const told = new Set<Watched>();
    if (isBirth) this.#renewed(name === "process:fork" ? pid : tid);
    const tell = (one: Registration<Notification | undefined>) => {
      const watched = one as Watched;
      if (timestampNs < watched.since || told.has(watched)) return;
      told.add(watched);
      // Also those who are not told of births have the children.
      if (isBirth && watched.follows && pid !== parentPid) this.#targets.add(watched, pid);
      if ((watched.mask & bit) === 0) return;
      wanted = true;
      this.#notify(watched, event, bit);
    };
    // As kmonitor had it: the running task's watchers are told, of a fork the parent's.
    this.#targets.each(isBirth ? [parentPid, parentTid] : [pid, tid], tell);
    const inCgroup = this.#byCgroup.get(event.cgroup);
    if (inCgroup !== undefined) { for (const one of inCgroup) tell(one); }
    if (name === "process:exit") this.#targets.forget(pid);
    if (name === "thread:exit") this.#targets.forget(tid);
    if (!wanted) return;
    this.#delivered++;
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(event);
    else this.#overflowed++;
  }

  /** A number has a new owner: who watched the former one does not watch this one, whose end may be lost. */
  #renewed(task: number): void {
    for (const one of this.#targets.of(task) ?? []) {
      const watched = one as Watched;
      if (watched.awaited && watched.task === task) watched.awaited = false;
      else this.#targets.drop(watched, task);
    }
  }

  #notify({ notify }: Watched, event: ProcessEvent, bit: number): void {
    if (notify === undefined) return;
    if (typeof notify === "function") return notify(event);
    try {
      queueSignal(notify.pid, {
        signal: signalNumber(notify.signal),
        value: bit,
        subject: event.tid,
      });
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      this.#signalsLost++; // a full queue, or nobody to get it
    }
  }
}

/** Makes a monitor. Nothing is attached before something is registered. */
export function openMonitor(options: MonitorOptions = {}): Monitor {
  return new Monitor(options);
}

function lostBy(session: Session | undefined): bigint {
  if (session === undefined) return 0n;
  const { lostRecords, skippedTicks, recursed, recursionMisses } = session.stats();
  return lostRecords + skippedTicks + recursed + recursionMisses;
}

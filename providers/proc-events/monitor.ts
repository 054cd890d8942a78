// The monitor: kmonitor's registrations, in this process.

import type { HeldChild } from "../../core/contract/target.ts";
import { missingCapabilities } from "../../core/bpf/mod.ts";
import { type Device, openDevice } from "../../core/device/device.ts";
import { errorCode } from "../../core/errors.ts";
import type { Session } from "../../core/device/session.ts";
import type { DtEvent } from "../../core/device/event.ts";
import { bootTimeNs } from "../../core/sys/clock.ts";
import { pidfdOpen } from "../../core/sys/pidfd.ts";
import { statusField } from "../../core/sys/thread.ts";
import { ALL_EVENTS, EVENT_BITS, type EventName } from "./events.ts";
import { EventQueue } from "./event_queue.ts";
import { hasEnded, isAlive } from "./lives.ts";
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
import { type KnownProcess, knownProcess, unseenBirth, unseenEnd } from "./unseen.ts";

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

const RING_SLOTS = 2048;
/** How long the dead are remembered. */
const FORGET_NS = 1_000_000_000n;
/** Longest time until a loss is noticed after which nothing happens, milliseconds. */
const LOOK_MS = 250;
/** Least time between two repairs, milliseconds. */
const REPAIR_MS = 100;
/** Processes that are held by descriptors, of which there are few: how the others have ended may not be told. */
const MOST_HELD = 64;
/** After a repair nothing is repaired for so many times as long as it took. */
const REPAIR_REST = 10;

/** A registration with what it is of. */
interface Watched extends Registration<Notification | undefined> {
  readonly target: MonitorTarget;
  /** The number of the task, if it is of one. */
  readonly task?: number;
  /** The process, if the task is one that lives: holds a descriptor, which {@linkcode letGo} closes. */
  readonly process?: KnownProcess;
  /** Children are watched, too. */
  readonly follows: boolean;
  /** The process has not been born yet. */
  awaited: boolean;
  /** It has ended: its number may be another one's. */
  ended: boolean;
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
  /** Those who have died lately, and when. */
  readonly #dead: { readonly task: number; readonly timestampNs: bigint }[] = [];
  readonly #deadTasks = new Map<number, bigint>();
  #session?: Session;
  #pidfds?: PidfdWatch;
  readonly #order = new TimeOrder((events) => {
    for (const event of events) this.#deliver(event);
    this.#queue.wake();
  });
  readonly #queue = new EventQueue();
  #closed = false;
  #delivered = 0n;
  #signalsLost = 0n;
  #lostBefore = 0n;
  #nextRepairMs = 0;
  /** Events that were lost and found out all the same. */
  #madeGood = 0n;

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
   * @param notify A function, or a signal for a process; without one the event is for iteration, which has
   * all events as soon as somebody reads.
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
    // What has happened was for those who were registered then.
    this.#settle();
    const known = this.#registrations.get(key);
    if (known !== undefined && !known.ended) {
      this.#pidfds?.check(target, known.mask | mask);
      known.mask |= mask;
      known.notify = notify;
      return;
    }
    const task = taskOf(target);
    const awaited = task !== undefined && !isAlive(task);
    if (awaited && !options.future) {
      throw refusal("ESRCH", "register", `there is no process ${task}`);
    }
    const cgroup = typeof target === "object" && "cgroup" in target
      ? cgroupOf(target.cgroup)
      : undefined;
    const watched: Watched = {
      target,
      mask,
      notify,
      since: bootTimeNs(),
      task,
      process: task === undefined || awaited
        ? undefined
        : hold(task, this.#registrations.size < MOST_HELD),
      follows: typeof target === "object" && "subtree" in target,
      cgroup,
      awaited,
      ended: false,
    };
    if (known !== undefined) this.#remove(key, known);
    try {
      this.#start(watched);
    } catch (error) {
      letGo(watched);
      throw error;
    }
    this.#registrations.set(key, watched);
    if (cgroup !== undefined) {
      const all = this.#byCgroup.get(cgroup) ?? new Set();
      this.#byCgroup.set(cgroup, all.add(watched));
    } else {
      this.#targets.add(watched, task);
      if (watched.follows) {
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
    const mask = maskOf(events, "deregister");
    this.#settle();
    watched.mask &= ~mask;
    if (watched.mask !== 0) return;
    this.#remove(key, watched);
    if (this.#registrations.size === 0) this.#stop();
  }

  #remove(key: string, watched: Watched): void {
    this.#registrations.delete(key);
    letGo(watched);
    this.#targets.remove(watched);
    if (watched.cgroup !== undefined) {
      const all = this.#byCgroup.get(watched.cgroup);
      all?.delete(watched);
      if (all?.size === 0) this.#byCgroup.delete(watched.cgroup);
    }
    this.#pidfds?.remove(watched.target);
  }

  /** How many targets are registered. */
  get size(): number {
    return this.#registrations.size;
  }

  /** Counters so far. */
  stats(): MonitorStats {
    const lost = this.#lostBefore + lostBy(this.#session) + this.#queue.overflowed - this.#madeGood;
    return { delivered: this.#delivered, lost, signalsLost: this.#signalsLost };
  }

  /** Removes all registrations; iteration ends behind what has happened. */
  close(): void {
    this.#end();
  }

  #end(failure?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    for (const watched of this.#registrations.values()) letGo(watched);
    this.#registrations.clear();
    this.#targets.clear();
    this.#byCgroup.clear();
    this.#queue.end(failure);
  }

  /** {@linkcode close} */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Events in the order of their time, once each, until the monitor is closed. One reader at a time
   * (EBUSY); leaving the loop and beginning another one loses none.
   */
  [Symbol.asyncIterator](): AsyncIterator<ProcessEvent> {
    return this.#queue.read();
  }

  /** Has a source for a new registration. */
  #start(watched: Watched): void {
    if (this.#pidfds !== undefined) return this.#pidfds.add(watched.target, watched.mask);
    if (this.#session !== undefined) return this.#checkCgroup(watched, this.#session);
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
    try {
      this.#checkCgroup(watched, session);
    } catch (error) {
      session.close();
      throw error;
    }
    this.#session = session;
    this.#follow(session);
  }

  /** Of the dead only the kernel can tell where they were. */
  #checkCgroup({ cgroup }: Watched, { plane }: Session): void {
    if (cgroup === undefined || plane === "kernel") return;
    throw refusal("EOPNOTSUPP", "register", "cgroups are watched with CAP_BPF and CAP_PERFMON");
  }

  /** Delivers what has happened until now. */
  #settle(): void {
    if (this.#session === undefined) return;
    this.#session.drainEvents(this.#event);
    this.#order.flush();
  }

  #startPidfds(watched: Watched): void {
    const watch = new PidfdWatch((event) => this.#order.push(event));
    try {
      watch.add(watched.target, watched.mask);
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
        this.#repair(session);
        const timer = setTimeout(() => session.wake(), LOOK_MS);
        try {
          await session.wait();
        } finally {
          clearTimeout(timer);
        }
      }
    } catch (error) {
      if (this.#session !== session) return;
      this.#end(error);
    }
  }

  /**
   * After a loss: tells the births and ends of watched processes that were among what was lost. A child whose
   * birth was lost is found by its parent, so one that has lost its parent by now is not found.
   */
  #repair(session: Session): void {
    // A process takes its time between the event of its end and its end: one look does not do.
    const from = performance.now();
    if (from < this.#nextRepairMs || lostBy(session) === 0n) return;
    const dead = this.#targets.tasks.filter((task) => hasEnded(task));
    const born = [...this.#registrations.values()].flatMap(({ follows, task }) =>
      follows ? [...descendantsOf(task!).keys()] : []
    );
    // What has happened by now is told in what has not been read yet, unless that was lost.
    this.#settle();
    for (const task of dead) {
      if (this.#isWatched(task)) this.#tellUnseen(unseenEnd(this.#known(task)));
    }
    for (const child of born) {
      if (!this.#isWatched(child) && isAlive(child)) this.#tellUnseen([unseenBirth(child)]);
    }
    const now = performance.now();
    this.#nextRepairMs = now + Math.max(REPAIR_MS, (now - from) * REPAIR_REST);
  }

  /** True if a task that has not ended, as far as was told, is watched as itself. */
  #isWatched(task: number): boolean {
    if (this.#deadTasks.has(task)) return false;
    for (const one of this.#targets.of(task) ?? []) {
      const { task: root, awaited, process } = one as Watched;
      // Of threads that were named there is nothing to be known.
      if (task !== root || (!awaited && process !== undefined)) return true;
    }
    return false;
  }

  #known(task: number): KnownProcess {
    for (const one of this.#targets.of(task) ?? []) {
      const { task: root, process } = one as Watched;
      if (task === root && process !== undefined) return process;
    }
    return knownProcess(task);
  }

  #tellUnseen(events: readonly ProcessEvent[]): void {
    if (this.#closed) return;
    for (const event of events) {
      this.#madeGood++;
      this.#deliver(event);
    }
    this.#queue.wake();
  }

  /** Bound once. */
  readonly #event = (event: DtEvent): void => this.#order.push(processEvent(event));

  #deliver(event: ProcessEvent): void {
    const { name, pid, tid, parentPid, parentTid, timestampNs } = event;
    const isBirth = name === "process:fork" || name === "thread:create";
    const bit = EVENT_BITS[name];
    const told = new Set<Watched>();
    if (isBirth) this.#renewed(name === "process:fork" ? pid : tid);
    const tell = (one: Registration<Notification | undefined>) => {
      const watched = one as Watched;
      if (timestampNs < watched.since || told.has(watched)) return;
      told.add(watched);
      // Also those who are not told of births have the children.
      if (isBirth && watched.follows && pid !== parentPid) this.#targets.add(watched, pid);
    };
    // As kmonitor had it: the running task's watchers are told, of a fork the parent's.
    this.#targets.each(isBirth ? [parentPid, parentTid] : [pid, tid], tell);
    const inCgroup = this.#byCgroup.get(event.cgroup);
    if (inCgroup !== undefined) { for (const one of inCgroup) tell(one); }
    // Threads of a process may be told behind it.
    if (name === "process:exit") this.#ended(pid, timestampNs);
    if (name === "thread:exit" && tid !== pid) this.#ended(tid, timestampNs);
    if (told.size === 0) return;
    const wanted = [...told].filter(({ mask }) => (mask & bit) !== 0);
    if (wanted.length === 0) return;
    this.#delivered++;
    // Whoever is called wants no queue, unless somebody reads it.
    if (this.#queue.wanted || wanted.some(({ notify }) => notify === undefined)) {
      this.#queue.push(event);
    }
    for (const watched of wanted) this.#notify(watched, event, bit);
  }

  /** Dead tasks are forgotten a while later, in the order of their deaths. */
  #ended(task: number, timestampNs: bigint): void {
    for (const one of this.#targets.of(task) ?? []) {
      const watched = one as Watched;
      if (watched.task === task) watched.ended = true;
    }
    this.#dead.push({ task, timestampNs });
    const before = timestampNs - FORGET_NS;
    let count = 0;
    while (count < this.#dead.length && this.#dead[count].timestampNs < before) {
      const one = this.#dead[count++];
      // Its number may have been given to another one since.
      if (this.#deadTasks.get(one.task) === one.timestampNs) {
        this.#targets.forget(one.task);
        this.#deadTasks.delete(one.task);
      }
    }
    if (count > 0) this.#dead.splice(0, count);
    this.#deadTasks.set(task, timestampNs);
  }

  /** A number has a new owner: who watched the former one does not watch this one, whose end may be lost. */
  #renewed(task: number): void {
    this.#deadTasks.delete(task);
    for (const one of this.#targets.of(task) ?? []) {
      const watched = one as Watched;
      if (watched.awaited && watched.task === task) watched.awaited = false;
      else this.#targets.drop(watched, task);
    }
  }

  #notify({ notify }: Watched, event: ProcessEvent, bit: number): void {
    if (notify === undefined) return;
    if (typeof notify === "function") {
      if (this.#closed) return;
      try {
        notify(event);
      } catch (error) {
        // As with event listeners: the others are called all the same.
        reportError(error);
      }
      return;
    }
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

/** A process, with a descriptor that tells its end; undefined if the task is another thread of a process. */
function hold(task: number, withDescriptor: boolean): KnownProcess | undefined {
  if (Number(statusField(task, "Tgid")) !== task) return undefined;
  const known = knownProcess(task);
  if (!withDescriptor) return known;
  try {
    return { ...known, pidfd: pidfdOpen(task) };
  } catch {
    return known; // an old kernel, or too many descriptors: how it ends may not be told
  }
}

function letGo({ process }: Watched): void {
  process?.pidfd?.[Symbol.dispose]();
}

// The monitor: registrations of targets and events, as kmonitor (Linux, 2004) had them, in this process.

import { PID_MAX_LIMIT } from "../../core/sys/pid.ts";
import type { HeldChild } from "../../core/contract/target.ts";
import { kernelPlaneNeeds } from "../../core/bpf/load_failure.ts";
import { kernelPlaneRefusal } from "../../core/bpf/permission.ts";
import { type Device, openDevice } from "../../core/device/device.ts";
import { errorCode } from "../../core/errors.ts";
import type { PlaneName } from "../../core/contract/provider.ts";
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
import {
  heldExecution,
  type KnownProcess,
  knownProcess,
  unseenBirth,
  unseenEnd,
} from "./unseen.ts";

/**
 * A signal to a process: si_int is the bit of the event, si_pid the process of the event, si_uid the
 * user of that process. Real-time signals queue, several of another one are one; most of the others
 * end a process that does not catch them.
 */
export interface SignalNotification {
  /** "SIGRTMIN", "SIGRTMIN+2", "SIGUSR1", or a number. */
  readonly signal: string | number;
  /** Number of the process that gets the signal. */
  readonly pid: number;
}

/** What a registration asks for, beside iteration: a call of a function, or a signal. */
export type Notification = ((event: ProcessEvent) => void) | SignalNotification;

/** Where the events of a monitor come from; see {@linkcode MonitorOptions.source}. */
export type MonitorSource = "kernel" | "connector" | "ptrace" | "pidfd";

/** Options of {@linkcode openMonitor}. */
export interface MonitorOptions {
  /**
   * - `kernel`: the scheduler's tracepoints (CAP_BPF and CAP_PERFMON).
   * - `ptrace`: stops of {@linkcode child} and of all that it starts; needs no permission.
   * - `connector`: the proc connector (CAP_NET_ADMIN, or Linux 6.6). Names and arguments of processes that
   *   end within milliseconds are missing.
   * - `pidfd`: the ends of named processes alone; needs no permission.
   * - `auto`, the default: the first of these, in this order, that can be had.
   */
  readonly source?: MonitorSource | "auto";
  /** A child that is held: it runs when the first registration has its source. */
  readonly child?: HeldChild;
  /** Room for events that have not been read: a power of two from 64 KiB on. Default 32 MiB. */
  readonly bufferBytes?: number;
}

/** Counters of a monitor since it was opened. */
export interface MonitorStats {
  /** Events that some registration asked for. */
  readonly delivered: bigint;
  /** Exact number of events that were lost, by the kernel or in queues of this process. */
  readonly lost: bigint;
  /** Signals that could not be queued: the queue was full, or the process gone. */
  readonly signalsLost: bigint;
}

const RING_SLOTS = 2048;
/** What `auto` tries, in this order. Of an own child ptrace tells names and arguments, which the connector loses. */
const LADDER: readonly MonitorSource[] = ["kernel", "ptrace", "connector", "pidfd"];
/** Codes that say that a source cannot be had here; others are failures. */
const REFUSALS = [
  ...["EPERM", "EACCES", "ENOSYS", "EOPNOTSUPP", "EPROTONOSUPPORT", "ECONNREFUSED"],
];
/** How long tasks that have ended are remembered, in ns. */
const FORGET_NS = 1_000_000_000n;
/** Longest time until a loss is noticed after which nothing happens, milliseconds. */
const LOOK_MS = 250;
/** Least time between two repairs, milliseconds. */
const REPAIR_MS = 100;
/** Processes that are held by descriptors, of which there are few: how the others have ended may not be told. */
const MOST_HELD = 64;
/** After a repair nothing is repaired for so many times as long as it took. */
const REPAIR_REST = 10;

/** A registration with its target. */
interface Watched extends Registration<Notification | undefined> {
  readonly target: MonitorTarget;
  /** Number of the watched task, if the target is a task. */
  readonly task?: number;
  /** The process, if the task is one that lives: holds a descriptor, which {@linkcode letGo} closes. */
  readonly process?: KnownProcess;
  /** True if children of the task are watched, too. */
  readonly follows: boolean;
  /** True until the process is born. */
  awaited: boolean;
  /** True when the task has ended: its number may be given to another task. */
  ended: boolean;
  /** Inode of the watched cgroup. */
  readonly cgroup?: bigint;
}

/**
 * Reports births, executions and deaths of processes, without being their parent or debugger and without
 * polling. While no target is registered, nothing is attached to the kernel.
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
  /** Tasks that have ended lately, in the order of their ends. */
  readonly #dead: { readonly task: number; readonly timestampNs: bigint }[] = [];
  readonly #deadTasks = new Map<number, bigint>();
  #session?: Session;
  #pidfds?: PidfdWatch;
  #source?: MonitorSource;
  readonly #order = new TimeOrder((events) => {
    for (const event of events) this.#deliver(event);
    this.#queue.wake();
  });
  readonly #queue = new EventQueue();
  #closed = false;
  #delivered = 0n;
  #signalsLost = 0n;
  /** When the held child was let go, CLOCK_BOOTTIME in ns: its run time begins there. */
  #heldUntil?: bigint;
  #lostBefore = 0n;
  #nextRepairMs = 0;
  /** Events that were lost and found out all the same. */
  #madeGood = 0n;

  /** Called by {@linkcode openMonitor} alone. */
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
    if (typeof notify === "object") {
      signalNumber(notify.signal);
      if (!Number.isInteger(notify.pid) || notify.pid < 1 || notify.pid > PID_MAX_LIMIT) {
        throw refusal("EINVAL", "register", `a signal to process ${notify.pid} is no request`);
      }
    }
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
   * Takes events off a registration; a registration without events is removed.
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

  /** Where events come from; undefined while no target is registered. */
  get source(): MonitorSource | undefined {
    return this.#source;
  }

  /** Counters since the monitor was opened. */
  stats(): MonitorStats {
    const lost = this.#lostBefore + lostBy(this.#session) + this.#queue.overflowed - this.#madeGood;
    return { delivered: this.#delivered, lost, signalsLost: this.#signalsLost };
  }

  /** Removes all registrations; iteration ends after the events that have happened. */
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

  /** The same as {@linkcode close}. */
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

  /** Opens a source for a new registration, unless one is open. */
  #start(watched: Watched): void {
    if (this.#pidfds !== undefined) return this.#pidfds.add(watched.target, watched.mask);
    if (this.#session !== undefined) return checkCgroup(watched, this.#session.plane);
    const { source = "auto", child } = this.#options;
    this.#source = source === "auto" ? this.#climb(watched) : this.#open(source, watched);
    if (child === undefined || this.#source === "pidfd") return child?.release();
    // The child has waited since it was made.
    this.#heldUntil = bootTimeNs();
    // The proc connector tells of an execution only when the child goes on.
    if (this.#source !== "connector") this.#order.push(heldExecution(child.pid));
    // A tracer lets the child run itself.
    if (this.#source !== "ptrace") child.release();
  }

  /**
   * Opens the first source that can be had.
   *
   * @throws {DtError} What the last one says, if none can be had.
   */
  #climb(watched: Watched): MonitorSource {
    const { child } = this.#options;
    const rungs = LADDER.filter((source) => source !== "ptrace" || child !== undefined);
    for (const source of rungs) {
      try {
        return this.#open(source, watched);
      } catch (error) {
        if (source === rungs.at(-1) || !REFUSALS.includes(errorCode(error) ?? "")) throw error;
      }
    }
    throw refusal("EOPNOTSUPP", "register", "there is no source of events");
  }

  /** Opens one source. */
  #open(source: MonitorSource, watched: Watched): MonitorSource {
    checkCgroup(watched, source === "kernel" ? "kernel" : "user");
    if (source === "pidfd") this.#startPidfds(watched);
    else this.#startSession(source);
    return source;
  }

  #startSession(source: "kernel" | "connector" | "ptrace"): void {
    const { child, bufferBytes = BUFFER_BYTES } = this.#options;
    const reason = source === "kernel" ? kernelPlaneRefusal() : undefined;
    if (reason !== undefined) throw refusal("EPERM", "register", `the kernel plane ${reason}`);
    if (source === "ptrace" && child === undefined) {
      throw refusal("EINVAL", "register", "ptrace watches a child that is held, and there is none");
    }
    const session = this.#device.open({
      plane: source === "kernel" ? "kernel" : "user",
      target: source === "ptrace" ? child : undefined,
      ringBytes: bufferBytes,
      ringSlots: RING_SLOTS,
    });
    try {
      enableAll(session);
      session.start();
    } catch (error) {
      session.close();
      throw error;
    }
    this.#session = session;
    this.#follow(session);
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
    this.#source = undefined;
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

  /** Handler of events, bound to this monitor. */
  readonly #event = (event: DtEvent): void => this.#order.push(processEvent(event));

  /** Tells an event to those who watch its task, and keeps the tables of tasks. */
  #deliver(told: ProcessEvent): void {
    const event = this.#withoutHold(told);
    const { name, pid, tid, timestampNs } = event;
    if (name === "process:fork") this.#renewed(pid);
    if (name === "thread:create") this.#renewed(tid);
    const watching = this.#watching(event);
    if (isBirth(event)) this.#inherit(watching, event);
    // Threads of a process may be told behind it.
    if (name === "process:exit") this.#ended(pid, timestampNs);
    if (name === "thread:exit" && tid !== pid) this.#ended(tid, timestampNs);
    const bit = EVENT_BITS[name];
    const wanted = [...watching].filter(({ mask }) => (mask & bit) !== 0);
    if (wanted.length === 0) return;
    this.#delivered++;
    // Whoever is called wants no queue, unless somebody reads it.
    if (this.#queue.wanted || wanted.some(({ notify }) => notify === undefined)) {
      this.#queue.push(event);
    }
    for (const watched of wanted) this.#notify(watched, event, bit);
  }

  /** The run time of the held child counts from when it was let go. */
  #withoutHold(event: ProcessEvent): ProcessEvent {
    const since = this.#heldUntil;
    const isHeld = event.pid === this.#options.child?.pid && event.tid === event.pid;
    if (since === undefined || !isHeld || event.runtimeNs === undefined) return event;
    return { ...event, runtimeNs: event.timestampNs - since };
  }

  /** Registrations that an event concerns: of the running task, of a birth the parent's, and of its cgroup. */
  #watching(event: ProcessEvent): Set<Watched> {
    const { pid, tid, parentPid, parentTid, timestampNs, cgroup } = event;
    const found = new Set<Watched>();
    const add = (one: Registration<Notification | undefined>) => {
      const watched = one as Watched;
      if (timestampNs >= watched.since) found.add(watched);
    };
    this.#targets.each(isBirth(event) ? [parentPid, parentTid] : [pid, tid], add);
    for (const one of this.#byCgroup.get(cgroup) ?? []) add(one);
    return found;
  }

  /** A new process is watched by those who follow its parent, whether births are told to them or not. */
  #inherit(watching: ReadonlySet<Watched>, { pid, parentPid }: ProcessEvent): void {
    if (pid === parentPid) return;
    for (const watched of watching) if (watched.follows) this.#targets.add(watched, pid);
  }

  /** Marks registrations of a task that has ended, and forgets tasks that ended a while ago. */
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

  /** A new task has got this number: registrations of the former task, whose end may be lost, are dropped. */
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
        uid: userOf(event.pid),
      });
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      this.#signalsLost++; // a full queue, or nobody to get it
    }
  }
}

/** User of a process; this process's user if the process is gone already. */
function userOf(pid: number): number {
  try {
    return Deno.statSync(`/proc/${pid}`).uid ?? 0;
  } catch {
    return Deno.uid() ?? 0;
  }
}

/** Makes a monitor. Nothing is attached before something is registered. */
export function openMonitor(options: MonitorOptions = {}): Monitor {
  return new Monitor(options);
}

/** True for the events that tell of a new process or thread. */
function isBirth({ name }: ProcessEvent): boolean {
  return name === "process:fork" || name === "thread:create";
}

/** Only the kernel can tell the cgroup of a process that has ended. */
function checkCgroup({ cgroup }: Watched, plane: PlaneName): void {
  if (cgroup === undefined || plane === "kernel") return;
  throw refusal("EOPNOTSUPP", "register", `cgroups are watched with ${kernelPlaneNeeds()}`);
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

// System calls of one process and all that descends from it on the user plane: ptrace(2). One loop in
// the thread that owns the tracees; while a tracee is stopped, the event is handled.
//
//   running ──▶ stop for a call ──▶ enter() ──▶ resumed
//           ──▶ stop for fork, clone, exec: the tracees change
//           ──▶ stop for a signal: it is passed on
//
// The loop holds the thread in a wait while stops come. Every now and then it goes back to the event
// loop, and when nothing has come for that long it waits there: a thread of the blocking pool watches.

import type { Target } from "../../contract/target.ts";
import type { UserHost } from "../../contract/attachment.ts";
import { arch } from "../../sys/arch/mod.ts";
import { Interrupter } from "../../sys/interrupter.ts";
import { libc } from "../../sys/libc.ts";
import {
  eventLoop,
  eventMessage,
  OPTION,
  PTRACE,
  ptrace,
  PTRACE_EVENT,
  seize,
  stopComing,
  stopped,
  SYSCALL_SIGNAL,
  SYSCALL_STOP,
  SyscallInfo,
  waitAny,
  waitFor,
  type WaitOptions,
} from "../../sys/ptrace.ts";
import { isStopSignal } from "../../sys/spawn.ts";
import { statusField, Thread, threadsOf } from "../../sys/thread.ts";
import { untilAborted } from "../../until_aborted.ts";
import { installFilter, seccompFilter } from "./seccomp.ts";
import type { Selection } from "./selection.ts";
import { syscalls } from "./table.ts";
import { birthEvent, entryEvent, returnEvent, type SyscallEvent, Tracee } from "./tracee.ts";

/** How long the loop holds the thread: alone in it, and with timers and streams beside it. */
const HOLD_MS = { alone: 40, shared: 3 } as const;
/** Stops between two looks at the clock. */
const STOPS = 32;
/** How long letting go may hold the thread; what takes longer is let go when it stops. */
const DETACH_MS = 1000;
/** A child whose parent tells nothing of it for so long was orphaned in that very moment. */
const ORPHAN_MS = 200;
const SIGKILL = 9;
const EINTR = 4;

/** Calls after which a thread may have another name, or another user or group. */
const RENAMING = ["prctl"];
const IDENTITY = [
  ...["setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setns", "unshare"],
];

function numbers(names: readonly string[]): ReadonlySet<number> {
  return new Set(names.map((name) => syscalls().get(name)?.number ?? -1));
}

/** What a tracee stops for beside system calls. */
const FOLLOW = OPTION.sysgood | OPTION.fork | OPTION.vfork | OPTION.clone | OPTION.exec;

/** Stops that mean a child. */
const FORKS: readonly number[] = [PTRACE_EVENT.fork, PTRACE_EVENT.vfork, PTRACE_EVENT.clone];

/** Options of the tracer. */
export interface TracerOptions {
  /** System calls whose entry is traced. */
  readonly entries: Selection;
  /** System calls whose return is traced. */
  readonly returns: Selection;
  /** The process that is traced, with its descendants. */
  readonly target: Target;
  /** The session that runs the actions. */
  readonly host: UserHost;
  /** Told of births, executions and deaths. */
  readonly life: readonly LifeListener[];
}

/** Hears what becomes of tracees, each of which is stopped meanwhile, but for the dead. */
export interface LifeListener {
  /** A thread or process has been made. */
  born(child: Tracee, parent: Tracee | undefined): void;
  /** A process has executed a program; `former` is the id of the thread that called execve(2). */
  executed(tracee: Tracee, former: number): void;
  /** A signal is about to be delivered to a tracee. */
  signalled?(tracee: Tracee, signal: number): void;
  /** It has ended; a process's first thread is told last. `status` as of wait(2). */
  ended(tracee: Tracee, status: number): void;
}

/** The tracer of one target. */
export class Tracer {
  readonly #target: Target;
  readonly #host: UserHost;
  readonly #entries: Selection;
  readonly #returns: Selection;
  readonly #life: readonly LifeListener[];
  readonly #tracees = new Map<number, Tracee>();
  /** Processes that are to be let go. */
  readonly #released = new Set<number>();
  readonly #info = new SyscallInfo();
  readonly #entry = entryEvent(this.#info);
  readonly #return = returnEvent(this.#info);
  readonly #birth = birthEvent();
  readonly #signalReturn = syscalls().get("rt_sigreturn")!.number;
  readonly #renaming = numbers(RENAMING);
  readonly #identity = numbers(IDENTITY);
  /** How a tracee goes on outside of a call. */
  readonly #resume: number;
  /** True if the target is a command of this program, without a filter. */
  readonly #ownCommand: boolean;
  /** Ways of waiting: for the next stop, or not at all. */
  readonly #next: WaitOptions;
  readonly #now: WaitOptions;

  /** Nothing is attached yet. */
  constructor({ entries, returns, target, host, life }: TracerOptions) {
    this.#target = target;
    this.#host = host;
    this.#life = life;
    this.#ownCommand = target.take !== undefined && !target.seccomp;
    const noCalls = entries.empty && returns.empty;
    this.#resume = target.seccomp || noCalls ? PTRACE.cont : PTRACE.syscall;
    this.#entries = entries;
    this.#returns = returns;
    const tracees = this.#tracees;
    const child = target.take === undefined && new Thread(target.pid).ppid === Deno.pid;
    const leave = child ? target.pid : undefined;
    this.#next = { wait: true, leave, tracees };
    this.#now = { wait: false, leave, tracees };
  }

  /**
   * Attaches to all threads of the target, or takes over the child that is held.
   *
   * @throws {DtError} ESRCH, EPERM.
   */
  attach(): void {
    const target = this.#target;
    const { pid, seccomp } = target;
    // A command of this program ends with this program; what stops by a filter cannot go on alone.
    const options = FOLLOW | (seccomp ? OPTION.seccomp : 0) |
      (seccomp || target.take !== undefined ? OPTION.exitKill : 0);
    this.#host.signal.addEventListener("abort", () => this.#detach());
    if (target.take === undefined) {
      this.#attachThreads(pid, options);
      return;
    }
    target.take();
    ptrace(PTRACE.setOptions, pid, 0n, BigInt(options));
    const tracee = this.#adopt(pid, pid);
    tracee.call = syscalls().get("execve")!.number;
    tracee.stopped = true;
    if (seccomp) this.#filter(tracee);
    else this.#go(tracee, PTRACE.syscall);
  }

  /**
   * Attaches to another process, which has no filter.
   *
   * @throws {DtError} ESRCH, EPERM.
   */
  add(pid: number): void {
    this.#released.delete(pid);
    this.#attachThreads(pid, FOLLOW);
  }

  /** Lets go of a process's threads as soon as they have stopped: they run on. */
  release(pid: number): void {
    this.#released.add(pid);
    for (const tracee of this.#tracees.values()) {
      if (tracee.pid === pid && !tracee.stopped) ptrace(PTRACE.interrupt, tracee.tid);
    }
  }

  /** New threads may come while we attach; those of attached ones are followed. */
  #attachThreads(pid: number, options: number): void {
    let failure: unknown;
    let count = 0;
    for (let found = true; found;) {
      found = false;
      for (const tid of threadsOf(pid)) {
        if (this.#tracees.has(tid)) {
          count++;
          continue;
        }
        try {
          seize(tid, options);
        } catch (error) {
          // It may have ended, the first thread before the others, or be ours already as a clone.
          failure ??= error;
          continue;
        }
        this.#adopt(tid, pid);
        ptrace(PTRACE.interrupt, tid);
        found = true;
      }
    }
    if (count === 0) throw failure;
  }

  /** From the stop of execve to its return, where the filter can be put in. */
  #filter(tracee: Tracee): void {
    const { tid } = tracee;
    ptrace(PTRACE.syscall, tid);
    waitFor(tid, { wait: true });
    if (stopped.ended) return;
    const [entries, returns] = [this.#entries.numbers, this.#returns.numbers];
    const wanted = entries && returns && new Set([...entries, ...returns]);
    installFilter(tid, seccompFilter(wanted));
    this.#info.read(tid);
    this.#fire(this.#returns, this.#return, tracee);
    tracee.call = -1;
    this.#go(tracee, this.#resume);
  }

  /** Until the target and its descendants have ended or been let go. */
  async follow(): Promise<void> {
    using interrupter = new Interrupter();
    const { signal, alone } = this.#host;
    const hold = alone ? HOLD_MS.alone : HOLD_MS.shared;
    // Whoever started us goes on first.
    await eventLoop();
    while (this.#tracees.size > 0) {
      let idle = true;
      const { held } = this.#host;
      if (held !== undefined && !signal.aborted) {
        await untilAborted(held, signal);
        continue;
      }
      if (signal.aborted) {
        this.#drain();
      } else {
        interrupter.arm(hold);
        idle = this.#hold(hold);
        interrupter.arm(0);
      }
      await eventLoop();
      if (idle && this.#tracees.size > 0 && !this.#releaseOrphans()) {
        // What is taken while letting go is no stop any more that a wait would see.
        await (signal.aborted ? eventLoop() : untilAborted(stopComing(), signal));
      }
    }
  }

  /** Handles stops for so long; true if none came. */
  #hold(ms: number): boolean {
    const until = performance.now() + ms;
    for (let count = 1; this.#tracees.size > 0 && !this.#host.wanted; count++) {
      const tid = waitAny(this.#next);
      if (tid === 0) return false;
      if (tid === -EINTR) return count === 1;
      if (tid < 0) {
        // Nobody is left.
        this.#tracees.clear();
        return false;
      }
      this.#handle(tid);
      if (count % STOPS === 0 && performance.now() > until) return false;
    }
    return false;
  }

  /** Tells of a task's end, and before of its birth if it was killed before its first stop. */
  #tellEnd(tracee: Tracee, status: number): void {
    if (tracee.state !== "known") this.#tellBirth(tracee);
    for (const one of this.#life) one.ended(tracee, status);
  }

  /** Tells of children whose first stop is yet to come, before their parent's end is told. */
  #tellBirths(parent: Tracee): void {
    if (this.#life.length === 0) return;
    for (const tracee of this.#tracees.values()) {
      if (tracee.state === "unborn" && tracee.parent === parent) this.#tellBirth(tracee);
    }
  }

  /** Tells once that a task was made. */
  #tellBirth(tracee: Tracee): void {
    if (tracee.told) return;
    tracee.told = true;
    for (const one of this.#life) one.born(tracee, tracee.parent);
  }

  #adopt(tid: number, pid?: number, state: Tracee["state"] = "known"): Tracee {
    const tracee = new Tracee(tid, pid);
    tracee.state = state;
    this.#tracees.set(tid, tracee);
    return tracee;
  }

  /** Lets a tracee run on. A failure is ignored: the tracee may be killed or detached by now. */
  #go(tracee: Tracee, request: number, signal = 0): void {
    if (!tracee.stopped) return;
    tracee.stopped = false;
    ptrace(request, tracee.tid, 0n, BigInt(signal));
  }

  #handle(tid: number): void {
    if (stopped.ended) {
      const ended = this.#tracees.get(tid);
      this.#tracees.delete(tid);
      const { status } = stopped;
      if (ended !== undefined) {
        this.#tellBirths(ended);
        this.#tellEnd(ended, status);
      }
      return;
    }
    const { event, signal } = stopped;
    const tracee = this.#tracees.get(tid) ?? this.#adopt(tid, undefined, "orphan");
    tracee.stopped = true;
    if (this.#released.size > 0 && this.#released.has(tracee.pid)) return this.#letGo(tid);
    const groupStop = event === PTRACE_EVENT.stop && isStopSignal(signal);
    if (tracee.state !== "known") {
      tracee.groupStop = groupStop;
      if (tracee.state === "unborn") this.#born(tracee);
      return;
    }
    if (groupStop) return this.#go(tracee, PTRACE.listen);
    const passed = event === 0 && signal !== SYSCALL_SIGNAL ? signal : 0;
    // Whatever an action does, nobody stays stopped.
    try {
      if (event === PTRACE_EVENT.exec) this.#executed(tracee);
      else if (FORKS.includes(event)) this.#forked(tracee, eventMessage(tid), event);
      else if (passed !== 0) this.#signalled(tracee, passed);
      else if (event !== PTRACE_EVENT.stop) this.#stop(tracee);
    } finally {
      this.#go(tracee, this.#onward(tracee), passed);
    }
  }

  /** A child's first stop may come before or after this one of its parent. */
  #forked(parent: Tracee, tid: number, event: number): void {
    const known = this.#tracees.get(tid);
    if (known?.state === "known") return; // it was released too early, and told as an orphan
    // clone() makes threads and processes.
    const pid = event === PTRACE_EVENT.clone ? Number(statusField(tid, "Tgid") ?? parent.pid) : tid;
    const child = known ?? this.#adopt(tid, pid, "unborn");
    if (pid === tid) this.#released.delete(pid); // the number was another's
    child.parent = parent;
    child.call = parent.call;
    child.foreign = parent.foreign;
    if (child.state === "orphan") this.#born(child);
  }

  /** The child returns from the call that made it, before we could ask for that stop. */
  #born(child: Tracee): void {
    child.state = "known";
    // A process that the command has made outlives this one.
    if (this.#ownCommand && child.pid === child.tid) {
      ptrace(PTRACE.setOptions, child.tid, 0n, BigInt(FOLLOW));
    }
    try {
      this.#tellBirth(child);
      if (child.call >= 0) this.#fire(this.#returns, this.#birth, child);
    } finally {
      child.call = -1;
      this.#go(child, child.groupStop ? PTRACE.listen : this.#resume);
    }
  }

  /**
   * Killed before it told of a child, a parent would leave it waiting for ever.
   *
   * @returns True if there are some that still wait.
   */
  #releaseOrphans(): boolean {
    let waiting = false;
    const before = performance.now() - ORPHAN_MS;
    for (const tracee of this.#tracees.values()) {
      if (tracee.state !== "orphan") continue;
      if (tracee.since < before) this.#born(tracee);
      else waiting = true;
    }
    return waiting;
  }

  /** With a filter, a tracee only stops at the return of a call if that is wanted. */
  #onward(tracee: Tracee): number {
    const inside = tracee.call >= 0 && this.#returns.of(tracee).length > 0;
    return inside ? PTRACE.syscall : this.#resume;
  }

  /** The thread that called has the process's first id now; the others are gone. */
  #executed(tracee: Tracee): void {
    const former = eventMessage(tracee.tid);
    if (former !== tracee.tid) {
      tracee.call = this.#tracees.get(former)?.call ?? -1;
      this.#tracees.delete(former);
    }
    tracee.forgetName();
    tracee.forgetIds();
    for (const one of this.#life) one.executed(tracee, former);
  }

  /** A system call: its entry or its return. */
  #stop(tracee: Tracee): void {
    const info = this.#info;
    if (!info.read(tracee.tid)) return;
    if (info.op === SYSCALL_STOP.exit) {
      if (this.#renaming.has(tracee.call)) tracee.forgetName();
      if (this.#identity.has(tracee.call)) tracee.forgetIds();
      // It has restored the registers of another time: sys_exit knows no number, either.
      if (tracee.call === this.#signalReturn) tracee.call = -1;
      this.#fire(this.#returns, this.#return, tracee);
      tracee.call = -1;
      return;
    }
    // With a filter, calls that change name or user pass unseen.
    if (info.op === SYSCALL_STOP.seccomp) {
      tracee.forgetName();
      tracee.forgetIds();
    }
    tracee.call = info.number;
    tracee.foreign = info.architecture !== arch.audit;
    this.#fire(this.#entries, this.#entry, tracee);
  }

  #fire(selection: Selection, event: SyscallEvent, tracee: Tracee): void {
    const pcbs = selection.of(tracee);
    if (tracee.foreign && selection.countsForeign) this.#host.foreignCall();
    if (pcbs.length === 0) return;
    event.thread = tracee;
    for (const pcb of pcbs) this.#host.enter(pcb, event);
  }

  #signalled(tracee: Tracee, signal: number): void {
    for (const one of this.#life) one.signalled?.(tracee, signal);
  }

  /** Lets one go whose event is being handled: it runs on, and is nobody's any more. */
  letGo(tracee: Tracee): void {
    this.#go(tracee, PTRACE.detach);
    this.#tracees.delete(tracee.tid);
  }

  /** Lets go of everybody at once; they run on. With a filter in them they cannot: it ends them. */
  #detach(): void {
    for (const tracee of this.#tracees.values()) {
      if (this.#target.seccomp) {
        libc().kill(tracee.tid, SIGKILL);
      } else if (tracee.stopped) {
        // It was told already: an orphan, or whose event is being handled.
        this.#go(tracee, PTRACE.detach);
        this.#tracees.delete(tracee.tid);
      } else {
        ptrace(PTRACE.interrupt, tracee.tid);
      }
    }
    const until = performance.now() + DETACH_MS;
    while (this.#tracees.size > 0 && performance.now() < until) this.#drain();
  }

  /** Lets go of those that have stopped. */
  #drain(): void {
    for (;;) {
      const tid = waitAny(this.#now);
      if (tid === 0) return;
      if (tid < 0) return this.#tracees.clear();
      this.#letGo(tid);
    }
  }

  #letGo(tid: number): void {
    if (!stopped.ended) {
      const { event, signal } = stopped;
      // The child stops, too, and is met here, unless it is known.
      const child = FORKS.includes(event) ? eventMessage(tid) : 0;
      if (child > 0 && !this.#tracees.has(child)) this.#adopt(child);
      const pending = event === 0 && signal !== SYSCALL_SIGNAL ? signal : 0;
      if (!this.#target.seccomp) ptrace(PTRACE.detach, tid, 0n, BigInt(pending));
    }
    this.#tracees.delete(tid);
  }
}

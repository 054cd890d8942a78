// System calls of one process and all that descends from it on the user plane: ptrace(2). One loop in
// the thread that owns the tracees; while a tracee is stopped, the event is handled.
//
//   running ──▶ stop for a call ──▶ enter() ──▶ resumed
//           ──▶ stop for fork, clone, exec: the tracees change
//           ──▶ stop for a signal: it is passed on
//
// The loop holds the thread in wait4(2) while stops come. Every now and then it goes back to the event
// loop, and when nothing has come for that long it waits there: a thread of the blocking pool watches.

import { DtError } from "../errors.ts";
import type { Pcb } from "../pcb.ts";
import type { Probe } from "../probe.ts";
import type {
  EnableRequest,
  ProviderSession,
  Target,
  UserAttachment,
  UserHost,
} from "../provider.ts";
import { arch } from "../sys/arch/mod.ts";
import { Interrupter } from "../sys/interrupter.ts";
import { libc } from "../sys/libc.ts";
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
  waitStop,
} from "../sys/ptrace.ts";
import { isStopSignal } from "../sys/spawn.ts";
import { threadsOf } from "../sys/thread.ts";
import { installFilter, seccompFilter } from "./seccomp.ts";
import type { SyscallSide } from "./attachment.ts";
import { syscalls } from "./table.ts";
import { birthEvent, entryEvent, returnEvent, type SyscallEvent, Tracee } from "./tracee.ts";

/** How long the loop holds the thread: alone in it, and with timers and streams beside it. */
const HOLD_MS = { alone: 40, shared: 3 } as const;
/** Stops between two looks at the clock. */
const STOPS = 32;
/** How long letting go may take; the kernel does the rest when the thread ends. */
const DETACH_MS = 1000;
const SIGKILL = 9;
const EINTR = 4;

const WAIT = { wait: true } as const;
const LOOK = { wait: false } as const;

/** Calls after which a thread may have another name, or another user or group. */
const RENAMING = ["prctl"];
const IDENTITY = [
  ...["setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setns", "unshare"],
];

function numbers(names: readonly string[]): ReadonlySet<number> {
  return new Set(names.map((name) => syscalls().get(name)?.number ?? -1));
}

/** An enabled probe of system calls. */
export interface TracedSyscall {
  /** The enabling. */
  readonly pcb: Pcb;
  /** Number of the call; undefined for all of them. */
  readonly number?: number;
  /** At the entry or at the return. */
  readonly side: SyscallSide;
}

/**
 * The PCB of a probe of system calls: one, for all CPUs, or for all that descends from the target.
 *
 * @throws {DtError} EOPNOTSUPP on the user plane without a target.
 */
export function allocSyscall(
  probe: Probe,
  request: EnableRequest,
  session: ProviderSession,
): Pcb[] {
  if (session.plane === "kernel" || session.target !== undefined) return [{ probe, request }];
  throw new DtError(
    "EOPNOTSUPP",
    `Cannot enable ${probe.name} on the user plane without a process to trace: name one (-c or ` +
      "-p); all processes are seen with CAP_BPF and CAP_PERFMON",
    { operation: "enable", probe: probe.name },
  );
}

/** What a session will trace: a process has one tracer, whichever providers ask. */
interface Tracing {
  readonly selected: TracedSyscall[];
  running?: Promise<void>;
}

const tracings = new WeakMap<ProviderSession, Tracing>();

/**
 * The attachment of enabled system calls on the user plane. All of a session's share one tracer, which
 * the first one starts.
 *
 * @param session Has a target.
 */
export function tracedSyscalls(
  selected: readonly TracedSyscall[],
  session: ProviderSession,
): UserAttachment {
  let tracing = tracings.get(session);
  if (tracing === undefined || tracing.running !== undefined) {
    tracings.set(session, tracing = { selected: [] });
  }
  const shared = tracing;
  shared.selected.push(...selected);
  return {
    plane: "user",
    pcbs: selected.map(({ pcb }) => pcb),
    run(host) {
      if (shared.running === undefined) {
        const tracer = new Tracer(shared.selected, session.target!, host);
        tracer.attach();
        shared.running = tracer.follow();
      }
      return shared.running;
    },
  };
}

/** Enabled probes of one side. */
class Selection {
  /** Whichever call it is. */
  readonly #all: Pcb[];
  /** By number, those of all calls included. */
  readonly #of: Pcb[][] = [];

  constructor(selected: readonly TracedSyscall[]) {
    this.#all = selected.flatMap(({ pcb, number }) => number === undefined ? [pcb] : []);
    for (const { pcb, number } of selected) {
      if (number !== undefined) (this.#of[number] ??= [...this.#all]).push(pcb);
    }
  }

  /** Those that mean a call; a number of another architecture means another call. */
  of({ call, foreign }: Tracee): readonly Pcb[] {
    if (call < 0) return this.#all;
    return foreign ? this.#all : this.#of[call] ?? this.#all;
  }

  /** Numbers that are meant; undefined for all of them. */
  get numbers(): readonly number[] | undefined {
    return this.#all.length > 0 ? undefined : Object.keys(this.#of).map(Number);
  }
}

class Tracer {
  readonly #target: Target;
  readonly #host: UserHost;
  readonly #entries: Selection;
  readonly #returns: Selection;
  readonly #tracees = new Map<number, Tracee>();
  readonly #info = new SyscallInfo();
  readonly #entry = entryEvent(this.#info);
  readonly #return = returnEvent(this.#info);
  readonly #birth = birthEvent();
  readonly #signalReturn = syscalls().get("rt_sigreturn")!.number;
  readonly #renaming = numbers(RENAMING);
  readonly #identity = numbers(IDENTITY);
  /** How a tracee goes on outside of a call. */
  readonly #resume: number;

  constructor(selected: readonly TracedSyscall[], target: Target, host: UserHost) {
    this.#target = target;
    this.#host = host;
    this.#resume = target.seccomp ? PTRACE.cont : PTRACE.syscall;
    this.#entries = new Selection(selected.filter(({ side }) => side === "enter"));
    this.#returns = new Selection(selected.filter(({ side }) => side === "exit"));
  }

  /**
   * Attaches to all threads of the target, or takes over the child that is held.
   *
   * @throws {DtError} ESRCH, EPERM.
   */
  attach(): void {
    const { pid, seccomp } = this.#target;
    let options = OPTION.sysgood | OPTION.fork | OPTION.vfork | OPTION.clone | OPTION.exec;
    if (seccomp) options |= OPTION.seccomp | OPTION.exitKill;
    this.#host.signal.addEventListener("abort", () => this.#detach());
    if (this.#target.take === undefined) {
      this.#attachThreads(pid, options);
      return;
    }
    this.#target.take();
    ptrace(PTRACE.setOptions, pid, 0n, BigInt(options));
    const tracee = this.#adopt(pid, pid);
    tracee.call = syscalls().get("execve")!.number;
    if (seccomp) this.#filter(pid);
    else this.#go(pid, PTRACE.syscall);
  }

  /** New threads may come while we attach; those of attached ones are followed. */
  #attachThreads(pid: number, options: number): void {
    for (let found = true; found;) {
      found = false;
      for (const tid of threadsOf(pid)) {
        if (this.#tracees.has(tid)) continue;
        try {
          seize(tid, options);
        } catch (error) {
          // Another thread may have ended meanwhile, or be ours already as a clone.
          if (this.#tracees.size > 0) continue;
          throw error;
        }
        this.#adopt(tid, pid);
        ptrace(PTRACE.interrupt, tid);
        found = true;
      }
    }
  }

  /** From the stop of execve to its return, where the filter can be put in. */
  #filter(pid: number): void {
    ptrace(PTRACE.syscall, pid);
    waitStop({ wait: true, tid: pid });
    if (stopped.ended) return;
    const [entries, returns] = [this.#entries.numbers, this.#returns.numbers];
    const wanted = entries && returns && new Set([...entries, ...returns]);
    installFilter(pid, seccompFilter(wanted));
    const tracee = this.#tracees.get(pid)!;
    this.#info.read(pid);
    this.#fire(this.#returns, this.#return, tracee);
    tracee.call = -1;
    this.#go(pid, this.#resume);
  }

  /** Until the target and its descendants have ended, or nobody wants events any more. */
  async follow(): Promise<void> {
    using interrupter = new Interrupter();
    const { signal, alone } = this.#host;
    const hold = alone ? HOLD_MS.alone : HOLD_MS.shared;
    // Whoever started us goes on first.
    await eventLoop();
    while (this.#tracees.size > 0 && !signal.aborted) {
      interrupter.arm(hold);
      const idle = this.#hold(hold);
      interrupter.arm(0);
      await eventLoop();
      if (idle && this.#tracees.size > 0 && !signal.aborted) await stopComing();
    }
  }

  /** Handles stops for so long; true if none came. */
  #hold(ms: number): boolean {
    const until = performance.now() + ms;
    for (let count = 1; this.#tracees.size > 0 && !this.#host.wanted; count++) {
      const tid = waitStop(WAIT);
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

  #adopt(tid: number, pid?: number, state: Tracee["state"] = "known"): Tracee {
    const tracee = new Tracee(tid, pid);
    tracee.state = state;
    this.#tracees.set(tid, tracee);
    return tracee;
  }

  /** It may have been killed meanwhile: then the next wait says so. */
  #go(tid: number, request: number, signal = 0): void {
    ptrace(request, tid, 0n, BigInt(signal));
  }

  #handle(tid: number): void {
    if (stopped.ended) return this.#ended(tid);
    const { event, signal } = stopped;
    const tracee = this.#tracees.get(tid) ?? this.#adopt(tid, undefined, "orphan");
    if (tracee.state === "orphan") return;
    if (tracee.state === "unborn") return this.#born(tracee);
    if (event === 0) {
      if (signal !== SYSCALL_SIGNAL) return this.#go(tid, this.#next(tracee), signal);
      this.#stop(tracee);
    } else if (event === PTRACE_EVENT.stop) {
      if (isStopSignal(signal)) return this.#go(tid, PTRACE.listen);
    } else if (event === PTRACE_EVENT.exec) {
      this.#executed(tracee);
    } else if (event === PTRACE_EVENT.seccomp) {
      this.#stop(tracee);
    } else {
      this.#forked(tracee, eventMessage(tid), event);
    }
    this.#go(tid, this.#next(tracee));
  }

  /** Killed before it told of a child, a parent would leave it waiting for ever. */
  #ended(tid: number): void {
    this.#tracees.delete(tid);
    for (const tracee of this.#tracees.values()) {
      if (tracee.state === "orphan") this.#born(tracee);
    }
  }

  /** A child's first stop may come before or after this one of its parent. */
  #forked(parent: Tracee, tid: number, event: number): void {
    const known = this.#tracees.get(tid);
    // clone() makes threads and processes.
    const pid = event === PTRACE_EVENT.clone ? undefined : tid;
    const child = known ?? this.#adopt(tid, pid, "unborn");
    child.call = parent.call;
    child.foreign = parent.foreign;
    if (child.state === "orphan") this.#born(child);
  }

  /** The child returns from the call that made it, before we could ask for that stop. */
  #born(child: Tracee): void {
    child.state = "known";
    if (child.call >= 0) this.#fire(this.#returns, this.#birth, child);
    child.call = -1;
    this.#go(child.tid, this.#resume);
  }

  /** With a filter, a tracee only stops at the return of a call if that is wanted. */
  #next(tracee: Tracee): number {
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
    if (pcbs.length === 0) return;
    event.thread = tracee;
    for (const pcb of pcbs) this.#host.enter(pcb, event);
  }

  /** Lets go of everybody at once; they run on. With a filter in them they cannot: it ends them. */
  #detach(): void {
    for (const { tid, state } of this.#tracees.values()) {
      if (this.#target.seccomp) libc().kill(tid, SIGKILL);
      else if (state !== "orphan") ptrace(PTRACE.interrupt, tid);
      else {
        // Stopped, and told already.
        this.#go(tid, PTRACE.detach);
        this.#tracees.delete(tid);
      }
    }
    const until = performance.now() + DETACH_MS;
    while (this.#tracees.size > 0 && performance.now() < until) {
      const tid = waitStop(LOOK);
      if (tid < 0) break;
      if (tid > 0) this.#letGo(tid);
    }
    this.#tracees.clear();
  }

  #letGo(tid: number): void {
    if (!stopped.ended) {
      const { event, signal } = stopped;
      const forked = event === PTRACE_EVENT.fork || event === PTRACE_EVENT.vfork ||
        event === PTRACE_EVENT.clone;
      // The child stops, too, and is met here, unless it is known.
      const child = forked ? eventMessage(tid) : 0;
      if (forked && !this.#tracees.has(child)) this.#adopt(child);
      const pending = event === 0 && signal !== SYSCALL_SIGNAL ? signal : 0;
      if (!this.#target.seccomp) this.#go(tid, PTRACE.detach, pending);
    }
    this.#tracees.delete(tid);
  }
}

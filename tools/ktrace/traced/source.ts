// Records a process and its descendants by ptrace(2): whoever makes a record waits until it is written, so
// that nothing is lost. No permission is needed for one's own commands.

import { kernelPlaneNeeds } from "../../../core/bpf/load_failure.ts";
import { readMemory } from "../../../core/sys/process_memory.ts";
import { blockedSignals, signalInfo } from "../../../core/sys/ptrace.ts";
import { Thread } from "../../../core/sys/thread.ts";
import type { Pcb } from "../../../core/contract/pcb.ts";
import type { UserEvent } from "../../../core/contract/user_action.ts";
import type { UserHost } from "../../../core/contract/attachment.ts";
import {
  codeOf,
  type LifeListener,
  Selection,
  type Tracee,
  Tracer,
  UTRACE_BYTES,
  UTRACE_CALL,
} from "../../../core/sources/syscalls/mod.ts";
import { openDevice } from "../../../core/device/device.ts";
import { DtError } from "../../../core/errors.ts";
import { tracepoint } from "../../../providers/mod.ts";
import { type Capture, capturesByNumber } from "../captures.ts";
import { CAPFAIL_SYSCALL, KTR, LINUX_ABI } from "../formats/types.ts";
import { pointOf } from "../formats/points.ts";
import type { Recorder, TracedProcess } from "../recorder/recorder.ts";
import type { Lwp, Request } from "../recorder/request.ts";
import type { TracedTarget, TraceSource } from "../source.ts";
import { structToFile } from "../struct_layouts.ts";
import { isRefusal, linuxArguments, linuxCall } from "../systems/linux.ts";
import { freebsdErrno, freebsdSignal } from "../systems/translate.ts";
import { readCapture, readString } from "./capture.ts";
import { actionOf, threadStart } from "../process_files.ts";
import { isIgnored, UNKNOWN_HANDLER } from "../systems/signal_actions.ts";
import { latin1 } from "../formats/bytes.ts";
import { recordProgram, stamp } from "../program.ts";
import { gainsRights } from "./set_id.ts";

/** State of a traced thread. */
class TracedLwp implements Lwp {
  readonly args = new BigInt64Array(6);
  /** Number of the call that it has entered; -1 for none. */
  call = -1;
  comm = new Uint8Array(0);
  /** Path of the program that it is about to execute. */
  path?: Uint8Array;
  #name = "";

  constructor(readonly tid: number, readonly startNs: number) {}

  /** The same thread under the id that exec has given it: that of its process. */
  renamed(tid: number): TracedLwp {
    return Object.assign(new TracedLwp(tid, this.startNs), { call: this.call, path: this.path });
  }

  /** Updates the name, which may have changed since the last stop. */
  named(name: string): this {
    if (name !== this.#name) {
      this.#name = name;
      this.comm = latin1(name);
    }
    return this;
  }
}

/** Options of recording by ptrace(2). */
export interface TracedSourceOptions {
  /** Most bytes of data of a system call. */
  readonly genioBytes: number;
  /** True if this thread has no other work and may block in waits. */
  readonly alone: boolean;
}

const HANDLED_CALL = "rt_sigaction";
const EXECS: ReadonlySet<string> = new Set(["execve", "execveat"]);
/** Names of the values of an entry. */
const ARGUMENTS = ["arg0", "arg1", "arg2", "arg3", "arg4", "arg5"];
/** Points that ptrace(2) cannot see. */
const UNSEEN = pointOf(KTR.csw) | pointOf(KTR.fault);

/** A traced process with its descendants, if they are wanted. */
export class TracedSource implements TraceSource, LifeListener, UserHost {
  readonly #recorder: Recorder;
  readonly #options: TracedSourceOptions;
  readonly #abort = new AbortController();
  readonly #entry: Pcb;
  readonly #exit: Pcb;
  readonly #captures = capturesByNumber();
  readonly #threads = new Map<number, TracedLwp>();
  /** Handlers by signal, by process. */
  readonly #handlers = new Map<number, Map<number, bigint>>();
  #tracer?: Tracer;
  #following = false;
  #first = 0;
  /** Always 0: a process waits until its record is written. */
  readonly lost = 0;
  status?: number;
  readonly alone: boolean;
  readonly wanted = false;

  /** Nothing is attached. */
  constructor(recorder: Recorder, options: TracedSourceOptions) {
    this.#recorder = recorder;
    this.#options = options;
    this.alone = options.alone;
    const device = openDevice({ providers: [tracepoint()] });
    [this.#entry, this.#exit] = device.match("tracepoint:raw_syscalls:*").map((probe): Pcb => ({
      probe,
      request: {},
    }));
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * Attaches to a process, or takes over the child that is held, which must be the first.
   *
   * @throws {DtError} ESRCH; EPERM; EOPNOTSUPP a point that cannot be seen so.
   */
  record({ target, points, file }: TracedTarget): void {
    if ((points & UNSEEN) !== 0) {
      throw new DtError(
        "EOPNOTSUPP",
        "Cannot record context switches or page faults (w, f): ptrace(2), which --sync takes, does " +
          `not tell of them; programs in the kernel need ${kernelPlaneNeeds()}`,
        { operation: "ktrace" },
      );
    }
    const known = this.#recorder.process(target.pid) !== undefined;
    const process = this.#recorder.set(target.pid, threadStart(target.pid), points, file);
    try {
      if (this.#following) {
        if (!known) this.#tracer!.add(target.pid);
        return;
      }
      this.#first = target.pid;
      this.#tracer = new Tracer({
        entries: new Selection([{ pcb: this.#entry, side: "enter" }]),
        returns: new Selection([{ pcb: this.#exit, side: "exit" }]),
        target,
        host: this,
        life: [this],
      });
      this.#tracer.attach();
      this.#following = true;
    } catch (error) {
      if (!known) this.#recorder.clear(target.pid, ~0);
      throw error;
    }
    // Only after attaching: a process that cannot be recorded leaves no records.
    if (target.take !== undefined) {
      const lwp = {
        tid: target.pid,
        startNs: process.startNs,
        comm: latin1(new Thread(target.pid).comm),
      };
      recordProgram(this.#recorder, process, lwp);
    }
  }

  /** Nothing waits: records are written when they are made. */
  settle(): void {}

  /** Nothing to do: the recorder is asked at each stop. */
  changed(): void {}

  released({ pid }: TracedProcess): void {
    this.#tracer?.release(pid);
  }

  releasedAll(): void {}

  async follow(): Promise<void> {
    try {
      await this.#tracer?.follow();
    } finally {
      this.#following = false;
    }
  }

  stop(): void {
    this.#abort.abort();
  }

  /** {@linkcode stop} */
  [Symbol.dispose](): void {
    this.stop();
  }

  enter(pcb: Pcb, event: UserEvent): void {
    const tracee = event.thread as Tracee;
    const process = this.#recorder.process(tracee.pid);
    if (process === undefined) return;
    if (pcb === this.#entry) this.#entered(process, tracee, event);
    else this.#returned(process, tracee, event);
  }

  skipped(): void {}

  foreignCall(): void {}

  born(child: Tracee, parent: Tracee | undefined): void {
    if (child.tid !== child.pid || parent === undefined) return;
    const process = this.#recorder.process(parent.pid);
    const born = process && this.#recorder.fork(process, child.pid, threadStart(child.pid));
    const handlers = this.#handlers.get(parent.pid);
    if (handlers !== undefined) this.#handlers.set(child.pid, new Map(handlers));
    // A child that does not inherit its parent's points is not traced.
    if (born === undefined) this.#tracer!.letGo(child);
  }

  executed(tracee: Tracee, former: number): void {
    if (former !== tracee.tid) {
      const own = this.#threads.get(former);
      this.#threads.delete(former);
      if (own !== undefined) this.#threads.set(tracee.tid, own.renamed(tracee.tid));
    }
    this.#handlers.delete(tracee.pid);
    const process = this.#recorder.process(tracee.pid);
    if (process === undefined) return;
    const thread = this.#thread(tracee);
    recordProgram(this.#recorder, process, thread, thread.path);
  }

  signalled(tracee: Tracee, signal: number): void {
    const process = this.#recorder.process(tracee.pid);
    if (process === undefined || (process.points & pointOf(KTR.psig)) === 0) return;
    const action = actionOf(tracee.tid, signal);
    // The kernel reports an ignored signal to a tracer alone: other ways of recording see none.
    if (isIgnored(signal, action)) return;
    const request = this.#request(process, tracee, KTR.psig);
    if (request === undefined) return;
    const handler = this.#handlers.get(tracee.pid)?.get(signal);
    request.psig({
      signo: freebsdSignal(signal),
      ...signalInfo(tracee.tid),
      action: action === UNKNOWN_HANDLER ? handler ?? action : action,
      mask: blockedSignals(tracee.tid),
    });
    this.#recorder.submit(process, request);
  }

  ended(tracee: Tracee, status: number): void {
    this.#threads.delete(tracee.tid);
    if (tracee.tid === this.#first) this.status = status;
    if (tracee.tid !== tracee.pid) return;
    this.#handlers.delete(tracee.pid);
    const process = this.#recorder.process(tracee.pid);
    if (process === undefined) return;
    const request = this.#recorder.request(process, this.#thread(tracee));
    if (request !== undefined) {
      stamp(request);
      request.begin(KTR.procdtor, 0);
      this.#recorder.submit(process, request);
    }
    this.#recorder.exit(process);
  }

  #entered(process: TracedProcess, tracee: Tracee, event: UserEvent): void {
    const thread = this.#thread(tracee);
    const { args } = thread;
    const { values } = event;
    for (let i = 0; i < args.length; i++) args[i] = values[ARGUMENTS[i]];
    const code = thread.call = codeOf(tracee.call, tracee.foreign);
    if (code === UTRACE_CALL) return this.#user(process, tracee, args);
    const name = linuxCall(code)?.name ?? "";
    if (EXECS.has(name)) {
      thread.path = readString(tracee.tid, args[name === "execveat" ? 1 : 0]);
      // A traced process would not gain the rights.
      if (gainsRights(tracee.tid, name, args) && !this.#recorder.executedSetId(process)) {
        return this.#tracer!.letGo(tracee);
      }
    }
    const request = this.#request(process, tracee, KTR.syscall);
    if (request === undefined) return;
    request.syscall(code, args, linuxArguments(code));
    this.#recorder.submit(process, request);
  }

  #user(process: TracedProcess, tracee: Tracee, args: BigInt64Array): void {
    const length = Number(args[1]);
    if (length < 0 || length > UTRACE_BYTES) return;
    const data = new Uint8Array(length);
    if (readMemory(tracee.tid, args[0], data) < length) return;
    const request = this.#request(process, tracee, KTR.user);
    if (request === undefined) return;
    request.raw(KTR.user, data);
    this.#recorder.submit(process, request);
  }

  #returned(process: TracedProcess, tracee: Tracee, event: UserEvent): void {
    const thread = this.#thread(tracee);
    // After a signal handler the tracer knows no number: the registers are those of before.
    const code = tracee.call < 0 ? thread.call : codeOf(tracee.call, tracee.foreign);
    thread.call = -1;
    if (code === UTRACE_CALL) return;
    const result = event.values.retval;
    const error = result < 0n && result >= -4095n ? Number(-result) : 0;
    const name = linuxCall(code)?.name;
    if (code >= 0) {
      const executed = error === 0 && name !== undefined && EXECS.has(name);
      if (!executed) {
        for (const one of this.#captures[code] ?? []) {
          this.#capture(process, tracee, thread, one, result);
        }
      }
      if (name === HANDLED_CALL && error === 0 && !tracee.foreign) {
        this.#noteHandler(tracee, thread.args);
      }
      if (isRefusal(error)) {
        const request = this.#request(process, tracee, KTR.capfail);
        request?.capfail(CAPFAIL_SYSCALL, code, LINUX_ABI);
        if (request !== undefined) this.#recorder.submit(process, request);
      }
      const request = this.#request(process, tracee, KTR.sysret);
      if (request !== undefined) {
        request.sysret(code, freebsdErrno(error), result);
        this.#recorder.submit(process, request);
      }
    }
    this.#recorder.drain(process);
  }

  #capture(
    process: TracedProcess,
    tracee: Tracee,
    thread: TracedLwp,
    one: Capture,
    result: bigint,
  ): void {
    if ((process.points & pointOf(one.type)) === 0) return;
    const { genioBytes } = this.#options;
    const data = readCapture(tracee.tid, one, { args: thread.args, result, genioBytes });
    const request = data && this.#request(process, tracee, one.type);
    if (data === undefined || request === undefined) return;
    if (one.type === KTR.namei) request.raw(KTR.namei, data);
    else if (one.type === KTR.genio) request.genio(Number(thread.args[0]) | 0, one.isWrite, data);
    else if (one.type === KTR.structArray) request.structArray(one.name, one.bytes, data);
    else request.struct(one.name, structToFile(one.name, data));
    this.#recorder.submit(process, request);
  }

  /** struct sigaction starts with the handler. */
  #noteHandler(tracee: Tracee, args: BigInt64Array): void {
    const word = new BigUint64Array(1);
    if (args[1] === 0n || readMemory(tracee.tid, args[1], new Uint8Array(word.buffer)) < 8) return;
    let handlers = this.#handlers.get(tracee.pid);
    if (handlers === undefined) this.#handlers.set(tracee.pid, handlers = new Map());
    handlers.set(Number(args[0]), word[0]);
  }

  #request(process: TracedProcess, tracee: Tracee, type: Request["type"]): Request | undefined {
    if ((process.points & pointOf(type)) === 0) return undefined;
    const request = this.#recorder.request(process, this.#thread(tracee));
    if (request !== undefined) stamp(request);
    return request;
  }

  #thread(tracee: Tracee): TracedLwp {
    let thread = this.#threads.get(tracee.tid);
    if (thread === undefined) {
      this.#threads.set(tracee.tid, thread = new TracedLwp(tracee.tid, threadStart(tracee.tid)));
    }
    return thread.named(tracee.comm);
  }
}

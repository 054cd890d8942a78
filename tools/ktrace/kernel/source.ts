// Records processes by programs in the kernel: one ring, read in the order in which records were made. The
// processes never wait; what finds no room in the ring is counted, and the next record of its process says so.

import { BPF_F_NO_PREALLOC, BpfMap } from "../../../core/bpf/mod.ts";
import { CONTROL } from "../../../core/blocks.ts";
import { openDevice } from "../../../core/device.ts";
import { HEADER } from "../../../core/event.ts";
import type { Session } from "../../../core/session.ts";
import { bootTimeNs, wallTimeNs } from "../../../core/sys/clock.ts";
import { ids, offsetOf } from "../../../core/tasks/mod.ts";
import { DtError } from "../../../core/errors.ts";
import { syscalls, UTRACE_CALL } from "../../../core/syscalls/mod.ts";
import { procEvents, rawtracepoint, tracepoint } from "../../../providers/mod.ts";
import { commandLine, environment } from "../facts.ts";
import { capturesByNumber, STRUCT_NAMES } from "../captures.ts";
import { CAPFAIL_SYSCALL, KTR, type KtrType, LINUX_ABI } from "../formats/types.ts";
import { INHERIT, pointOf } from "../points.ts";
import type { Recorder, TracedProcess } from "../recorder/recorder.ts";
import type { TraceFile } from "../recorder/trace_file.ts";
import { structToFile } from "../structs.ts";
import { isRefusal, linuxArguments } from "../systems/linux.ts";
import { freebsdErrno, freebsdSignal } from "../systems/translate.ts";
import { encodeOperations, entryAction, returnAction } from "./calls.ts";
import { CAPTURED, EVENT, RECORD, TRACED, TRACED_ENTRIES } from "./layout.ts";
import { execAction, exitAction, forkAction } from "./life.ts";
import { faultAction, signalAction, switchAction } from "./switches.ts";

/** How to record. */
export interface KernelSourceOptions {
  /** Points that processes may have. */
  readonly points: number;
  /** Bytes of the ring: a power of two. */
  readonly ringBytes?: number;
  /** Most bytes of data of a system call. */
  readonly genioBytes: number;
}

/** Bytes of the ring. */
export const DEFAULT_RING = 1 << 25;
/** Paths have 4096 bytes; arguments of programs may have more. */
const LEAST_CAPTURE = 16384;

const SIGKILL = 9;
const SIGNAL_RETURN = syscalls().get("rt_sigreturn")!.number;

/** Programs that are attached, and their reader. */
export class KernelSource implements Disposable {
  /** Points that it can record. */
  readonly points: number;
  readonly #recorder: Recorder;
  readonly #session: Session;
  readonly #traced: BpfMap;
  readonly #owned: DisposableStack;
  readonly #files: TraceFile[] = [];
  /** Processes that are recorded no more, whose records may still be in the ring. */
  readonly #cleared = new Set<number>();
  /** Those of them whose file could not take what they had made before. */
  readonly #abandoned = new Set<number>();
  #ignored = 0;
  /** CLOCK_REALTIME of CLOCK_BOOTTIME 0. */
  readonly #epoch: { readonly seconds: number; readonly nanoseconds: number };
  readonly #lwp = { tid: 0, startNs: 0, comm: new Uint8Array(16) };
  #captureBytes = LEAST_CAPTURE;
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #closed = false;
  #ending = false;

  /**
   * Loads and attaches; nobody is recorded yet.
   *
   * @throws {DtError} EPERM and the like; EOPNOTSUPP a point that this kernel has not.
   */
  constructor(recorder: Recorder, options: KernelSourceOptions) {
    using stack = new DisposableStack();
    this.#recorder = recorder;
    this.points = options.points;
    this.#traced = stack.use(
      new BpfMap({
        type: "HASH",
        name: "dt_ktrace",
        keySize: 8,
        valueSize: TRACED.bytes,
        maxEntries: TRACED_ENTRIES,
        flags: BPF_F_NO_PREALLOC,
      }),
    );
    const device = openDevice({ providers: [tracepoint(), rawtracepoint(), procEvents()] });
    this.#session = stack.use(device.open({ ringBytes: options.ringBytes ?? DEFAULT_RING }));
    this.#enable(stack, options);
    this.#session.start();
    const epoch = wallTimeNs() - bootTimeNs();
    this.#epoch = {
      seconds: Number(epoch / 1_000_000_000n),
      nanoseconds: Number(epoch % 1_000_000_000n),
    };
    this.#bytes = this.#session.recordBytes;
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
    this.#owned = stack.move();
  }

  #enable(stack: DisposableStack, { points, genioBytes }: KernelSourceOptions): void {
    const parts = {
      traced: this.#traced,
      fields: {
        startTime: offsetOf("task_struct", "start_boottime"),
        blocked: offsetOf("task_struct", "blocked"),
        signal: offsetOf("task_struct", "signal"),
        exitCode: offsetOf("signal_struct", "group_exit_code"),
      },
    };
    const has = (...types: KtrType[]) => types.some((type) => (points & pointOf(type)) !== 0);
    const enable = (name: string, kernel: ReturnType<typeof entryAction>) => {
      this.#session.enable(name, { action: { kernel } });
    };
    const captureBytes = this.#captureBytes = Math.max(LEAST_CAPTURE, genioBytes);
    if (has(KTR.syscall, KTR.user)) {
      enable("tracepoint:raw_syscalls:sys_enter", entryAction(parts));
    }
    if (has(KTR.sysret, KTR.namei, KTR.genio, KTR.struct, KTR.capfail)) {
      const words = encodeOperations(capturesByNumber(), STRUCT_NAMES);
      const operations = stack.use(
        new BpfMap({
          type: "ARRAY",
          name: "dt_captures",
          keySize: 4,
          valueSize: words.byteLength,
          maxEntries: 1,
        }),
      );
      operations.update(new Uint8Array(4), new Uint8Array(words.buffer));
      enable(
        "tracepoint:raw_syscalls:sys_exit",
        returnAction({ ...parts, operations, captureBytes, genioBytes }),
      );
    }
    enable("proc:process:fork", forkAction(parts));
    enable("proc:process:exec", execAction({ ...parts, captureBytes }));
    enable("proc:process:exit", exitAction(parts));
    if (has(KTR.psig)) enable("rawtracepoint:signal_deliver", signalAction(parts));
    if (has(KTR.csw)) {
      const comm = offsetOf("task_struct", "comm");
      enable("rawtracepoint:sched_switch", switchAction({ ...parts, ids: ids(), comm }));
    }
    if (has(KTR.fault)) {
      if (Deno.build.arch !== "x86_64") {
        throw new DtError("EOPNOTSUPP", "Cannot record page faults: x86-64 alone tells of them", {
          operation: "ktrace",
        });
      }
      enable("rawtracepoint:page_fault_user", faultAction(parts));
    }
  }

  /** Records that were lost, and processes that found no room in the map. */
  get lost(): number {
    // The session's numbers stay when it is closed.
    const { lostRecords, recursed, recursionMisses } = this.#session.stats();
    return Number(lostRecords + recursed + recursionMisses) + this.#ignored;
  }

  /** Child processes that are not recorded: the map was full. */
  get unfollowed(): number {
    return this.#closed ? this.#unfollowed : this.#session.control[CONTROL.unfollowed / 4];
  }
  #unfollowed = 0;

  /** Records a process, or other points of it: what the recorder knows of it is told to the programs. */
  set(process: TracedProcess): void {
    const value = new Uint32Array(TRACED.bytes / 4);
    const known = this.#traced.lookup(key(process.pid));
    if (known !== undefined) value.set(new Uint32Array(known.buffer, 0, value.length));
    this.#cleared.delete(process.pid);
    this.#abandoned.delete(process.pid);
    value[TRACED.points / 4] = process.points;
    if (!this.#files.includes(process.file)) this.#files.push(process.file);
    value[TRACED.file / 4] = this.#files.indexOf(process.file);
    this.#traced.update(key(process.pid), new Uint8Array(value.buffer));
  }

  /** Records a process no more. */
  clear(pid: number): void {
    this.#cleared.add(pid);
    if (this.#recorder.isFull) this.#abandoned.add(pid);
    if (!this.#closed) this.#traced.delete(key(pid));
  }

  /** Reads what is there, and writes it. */
  drain(): number {
    const count = this.#session.drain((offset) => {
      // What cannot be written stays in the ring.
      if (this.#recorder.isFull && !this.#ending) return false;
      this.#take(offset);
    });
    if (count > 0) {
      this.#recorder.drainAll();
      this.#recorder.flush();
    }
    return count;
  }

  /** Settles when there may be something. */
  wait(): Promise<void> {
    return this.#session.wait();
  }

  /** Ends a wait. */
  wake(): void {
    this.#session.wake();
  }

  /** Nothing fires any more; what is in the ring is written. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#session.stop();
    this.#ending = true;
    while (this.drain() > 0);
    this.#unfollowed = this.unfollowed;
    this.#closed = true;
    this.#owned.dispose();
  }

  #take(offset: number): void {
    const view = this.#view;
    const bytes = this.#bytes;
    const pid = view.getUint32(offset + RECORD.pid, true);
    const lwp = this.#lwp;
    lwp.tid = view.getUint32(offset + RECORD.tid, true);
    lwp.startNs = this.#long(offset + RECORD.start);
    for (let i = 0; i < 16; i++) lwp.comm[i] = bytes[offset + RECORD.comm + i];
    let process = this.#recorder.process(pid);
    if (process === undefined) {
      if (this.#cleared.has(pid)) {
        if (this.#abandoned.has(pid)) this.#ignored++;
        return;
      }
      // Its birth found no room in the ring.
      const file = this.#files[view.getUint32(offset + HEADER.id, true)];
      if (file === undefined || !file.isOpen) return;
      process = this.#recorder.set(pid, 0, this.points | INHERIT, file);
    }
    const lost = view.getUint32(offset + RECORD.lost, true);
    if (lost > 0) this.#recorder.lose(process);
    const type = view.getUint32(offset + RECORD.type, true);
    if (type === EVENT.fork) {
      const child = view.getUint32(offset + RECORD.payload, true);
      this.#cleared.delete(child);
      this.#abandoned.delete(child);
      this.#recorder.fork(process, child, this.#long(offset + RECORD.payload + 8));
      return;
    }
    if (type === EVENT.setId) {
      this.#recorder.executedSetId(process);
      return;
    }
    this.#record(process, type as KtrType, offset);
    if (type !== KTR.procdtor) return;
    this.#recorder.exit(process);
    // It was the last of them, and the number may be another's.
    this.#cleared.delete(pid);
  }

  #record(process: TracedProcess, type: KtrType, offset: number): void {
    const view = this.#view;
    const at = offset + RECORD.payload;
    if (type === KTR.sysret) {
      const error = this.#errorAt(at + 8);
      const code = view.getUint32(at, true);
      if (code === UTRACE_CALL) return;
      if (isRefusal(error) && (process.points & pointOf(KTR.capfail)) !== 0) {
        this.#make(process, KTR.capfail, offset);
      }
      if ((process.points & pointOf(KTR.sysret)) === 0) return;
    }
    this.#make(process, type, offset);
  }

  #make(process: TracedProcess, type: KtrType, offset: number): void {
    const request = this.#recorder.request(process, this.#lwp);
    if (request === undefined) return;
    const view = this.#view;
    const at = offset + RECORD.payload;
    const time = this.#long(offset + HEADER.time);
    const nanoseconds = time % 1e9 + this.#epoch.nanoseconds;
    const carry = nanoseconds >= 1e9 ? 1 : 0;
    request.seconds = Math.floor(time / 1e9) + this.#epoch.seconds + carry;
    request.nanoseconds = nanoseconds - carry * 1e9;
    request.cpu = view.getUint32(offset + HEADER.cpu, true);
    switch (type) {
      case KTR.syscall: {
        const code = view.getUint32(at, true);
        const count = linuxArguments(code);
        request.begin(type, 8 + count * 8);
        request.view.setInt16(0, callNumber(code), true);
        request.view.setInt16(2, count, true);
        for (let i = 0; i < count * 2; i++) {
          request.view.setInt32(8 + i * 4, view.getInt32(at + 8 + i * 4, true), true);
        }
        break;
      }
      case KTR.sysret: {
        const error = this.#errorAt(at + 8);
        const code = view.getInt32(at, true);
        request.begin(type, 16);
        // Registers that were restored have no number.
        request.view.setInt16(0, code < 0 ? SIGNAL_RETURN : callNumber(code), true);
        request.view.setInt32(4, freebsdErrno(error), true);
        if (error === 0) {
          request.view.setInt32(8, view.getInt32(at + 8, true), true);
          request.view.setInt32(12, view.getInt32(at + 12, true), true);
        }
        break;
      }
      case KTR.capfail:
        request.capfail(CAPFAIL_SYSCALL, view.getUint32(at, true), LINUX_ABI);
        break;
      case KTR.args:
      case KTR.env:
        request.raw(type, this.#texts(process.pid, type, this.#captured(offset)));
        break;
      case KTR.namei:
      case KTR.user:
        request.raw(type, this.#captured(offset));
        break;
      case KTR.genio: {
        const info = offset + CAPTURED.info;
        const isWrite = view.getUint32(info + 4, true) !== 0;
        request.genio(view.getInt32(info, true), isWrite, this.#captured(offset));
        break;
      }
      case KTR.struct: {
        const name = STRUCT_NAMES[view.getUint32(offset + CAPTURED.info, true)];
        request.struct(name, structToFile(name, this.#captured(offset)));
        break;
      }
      case KTR.structArray: {
        const name = STRUCT_NAMES[view.getUint32(offset + CAPTURED.info, true)];
        const elementBytes = view.getUint32(offset + CAPTURED.info2, true);
        const data = this.#captured(offset);
        const whole = data.length - data.length % elementBytes;
        request.structArray(name, elementBytes, data.subarray(0, whole));
        break;
      }
      case KTR.psig:
        request.psig({
          signo: freebsdSignal(this.#signalAt(at)),
          code: view.getInt32(at + 8, true),
          action: view.getBigUint64(at + 16, true),
          mask: this.#bytes.subarray(at + 24, at + 32),
        });
        break;
      case KTR.csw: {
        const isOut = view.getUint32(at, true) === 1;
        const preempted = view.getUint32(at + 8, true) !== 0;
        const state = view.getUint32(at + 16, true);
        request.csw(isOut, preempted, isOut ? stateName(state, preempted) : "");
        break;
      }
      case KTR.fault:
        request.fault(view.getBigUint64(at, true), accessOf(view.getUint32(at + 8, true)));
        break;
      case KTR.procdtor:
        request.begin(type, 0);
    }
    const waits = type === KTR.psig || type === KTR.csw || type === KTR.fault;
    if (waits) this.#recorder.enqueue(process, request);
    else this.#recorder.submit(process, request);
  }

  #captured(offset: number): Uint8Array {
    const size = this.#view.getUint32(offset + HEADER.size, true);
    return this.#bytes.subarray(offset + CAPTURED.data, offset + size);
  }

  /** Arguments or environment: if there are more than fit into the ring, of the process as it is now. */
  #texts(pid: number, type: KtrType, captured: Uint8Array): Uint8Array {
    if (captured.length < this.#captureBytes - 1) return captured;
    const all = type === KTR.args ? commandLine(pid) : environment(pid);
    const same = all.length > captured.length && captured.every((byte, i) => byte === all[i]);
    return same ? all : captured;
  }

  /** A signal that ends a process reaches its threads as SIGKILL. */
  #signalAt(at: number): number {
    const signal = this.#view.getInt32(at, true);
    return signal === SIGKILL ? this.#view.getInt32(at + 32, true) & 0x7f || signal : signal;
  }

  /** A 64-bit number that has no more than 53. */
  #long(at: number): number {
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
  }

  /** The error that a result means, or 0. */
  #errorAt(at: number): number {
    const low = this.#view.getInt32(at, true);
    return this.#view.getInt32(at + 4, true) === -1 && low < 0 && low >= -4095 ? -low : 0;
  }
}

/** In 16 bits; none for a number that no call has, lest it be another's. */
function callNumber(code: number): number {
  return code < 0x8000 ? code : -1;
}

function key(pid: number): Uint8Array {
  return new Uint8Array(new Uint32Array([pid, 0]).buffer);
}

/** Why a thread stops running, as task states are called. include/linux/sched.h */
function stateName(state: number, preempted: boolean): string {
  if (preempted || state === 0) return "run";
  if ((state & 1) !== 0) return "sleep";
  if ((state & 2) !== 0) return "disk";
  if ((state & 0xc) !== 0) return "stopped";
  return (state & 0x30) !== 0 ? "exit" : "";
}

/** VM_PROT_* of a fault's error code. arch/x86/include/asm/trap_pf.h */
function accessOf(code: number): number {
  if ((code & 16) !== 0) return 4;
  return (code & 2) !== 0 ? 2 : 1;
}

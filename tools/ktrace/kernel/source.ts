// Records processes by programs in the kernel: one ring, read in the order in which records were made. The
// processes never wait; what finds no room in the ring is counted, and the next record of its process says so.

import { BPF_F_NO_PREALLOC, BpfMap } from "../../../core/bpf/mod.ts";
import { CONTROL } from "../../../core/contract/blocks.ts";
import { openDevice } from "../../../core/device/device.ts";
import { HEADER } from "../../../core/contract/event_layout.ts";
import type { Session } from "../../../core/device/session.ts";
import { ids, offsetOf } from "../../../core/sources/tasks/mod.ts";
import { DtError } from "../../../core/errors.ts";
import { UTRACE_CALL } from "../../../core/sources/syscalls/mod.ts";
import { procEvents, rawtracepoint, tracepoint } from "../../../providers/mod.ts";
import { capturesByNumber, STRUCT_NAMES } from "../captures.ts";
import { KTR, type KtrType } from "../formats/types.ts";
import { INHERIT, pointOf } from "../formats/points.ts";
import type { Recorder, TracedProcess } from "../recorder/recorder.ts";
import type { TraceFile } from "../recorder/trace_file.ts";
import { isRefusal } from "../systems/linux.ts";
import { entryAction, returnAction } from "./calls.ts";
import { encodeOperations } from "./capture.ts";
import { EVENT, RECORD, TRACED, TRACED_ENTRIES } from "./layout.ts";
import { execAction, exitAction, forkAction } from "./life.ts";
import { RingRecords } from "./ring_records.ts";
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
  readonly #lwp = { tid: 0, startNs: 0, comm: new Uint8Array(16) };
  readonly #records: RingRecords;
  /** Its final number. */
  #unfollowed = 0;
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
    this.#session = stack.use(
      device.open({ plane: "kernel", ringBytes: options.ringBytes ?? DEFAULT_RING }),
    );
    const captureBytes = Math.max(LEAST_CAPTURE, options.genioBytes);
    this.#enable(stack, options, captureBytes);
    this.#session.start();
    this.#records = new RingRecords(this.#session.recordBytes, captureBytes);
    this.#owned = stack.move();
  }

  #enable(
    stack: DisposableStack,
    { points, genioBytes }: KernelSourceOptions,
    captureBytes: number,
  ): void {
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

  /** Records a process, or other points of it: what the recorder knows of it is told to the programs. */
  set(process: TracedProcess): void {
    const value = new Uint32Array(TRACED.bytes / 4);
    const known = this.#traced.lookup(key(process.pid));
    if (known !== undefined) value.set(new Uint32Array(known.buffer, 0, value.length));
    this.#isNew(process.pid);
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
    const count = this.#session.drain((offset) => this.#take(offset));
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

  /** @returns False if its file is full: what cannot be written stays in the ring. */
  #take(offset: number): boolean {
    const { view, bytes } = this.#records;
    const pid = view.getUint32(offset + RECORD.pid, true);
    const lwp = this.#lwp;
    lwp.tid = view.getUint32(offset + RECORD.tid, true);
    lwp.startNs = this.#records.long(offset + RECORD.start);
    for (let i = 0; i < 16; i++) lwp.comm[i] = bytes[offset + RECORD.comm + i];
    let process = this.#recorder.process(pid);
    if (process === undefined) {
      if (this.#cleared.has(pid)) {
        if (this.#abandoned.has(pid)) this.#ignored++;
        return true;
      }
      // Its birth found no room in the ring.
      const file = this.#files[view.getUint32(offset + HEADER.id, true)];
      if (file === undefined || !file.isOpen) return true;
      process = this.#recorder.set(pid, 0, this.points | INHERIT, file);
    }
    if (process.file.isFull && !this.#ending) return false;
    const lost = view.getUint32(offset + RECORD.lost, true);
    if (lost > 0) this.#recorder.lose(process);
    const type = view.getUint32(offset + RECORD.type, true);
    if (type === EVENT.fork) {
      const child = view.getUint32(offset + RECORD.payload, true);
      this.#isNew(child);
      this.#recorder.fork(process, child, this.#records.long(offset + RECORD.payload + 8));
    } else if (type === EVENT.setId) {
      this.#recorder.executedSetId(process);
    } else {
      this.#record(process, type as KtrType, offset);
      if (type === KTR.procdtor) this.#recorder.exit(process);
    }
    return true;
  }

  /** What was known of the number was another's, or is not so any more. */
  #isNew(pid: number): void {
    this.#cleared.delete(pid);
    this.#abandoned.delete(pid);
  }

  #record(process: TracedProcess, type: KtrType, offset: number): void {
    if (type === KTR.sysret) {
      const at = offset + RECORD.payload;
      const error = this.#records.errorAt(at + 8);
      const code = this.#records.view.getUint32(at, true);
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
    this.#records.fill(request, type, offset);
    const waits = type === KTR.psig || type === KTR.csw || type === KTR.fault;
    if (waits) this.#recorder.enqueue(process, request);
    else this.#recorder.submit(process, request);
  }
}

function key(pid: number): Uint8Array {
  return new Uint8Array(new Uint32Array([pid, 0]).buffer);
}

// Records processes by programs in the kernel: one ring, read in the order in which records were made. The
// processes never wait; what finds no room in the ring is counted, and the next record of its process says so.

import { CONTROL } from "../../../core/contract/blocks.ts";
import { HEADER } from "../../../core/contract/event_layout.ts";
import { openDevice } from "../../../core/device/device.ts";
import type { Session } from "../../../core/device/session.ts";
import { UTRACE_CALL } from "../../../core/sources/syscalls/mod.ts";
import { Thread } from "../../../core/sys/thread.ts";
import { procEvents, rawtracepoint, tracepoint } from "../../../providers/mod.ts";
import { latin1 } from "../formats/bytes.ts";
import { pointOf } from "../formats/points.ts";
import { KTR, type KtrType } from "../formats/types.ts";
import { recordProgram, stamp } from "../program.ts";
import { isAlive } from "../process_files.ts";
import type { Recorder, TracedProcess } from "../recorder/recorder.ts";
import type { TraceFile } from "../recorder/trace_file.ts";
import type { TracedTarget } from "../source.ts";
import { isRefusal } from "../systems/linux.ts";
import { EVENT, RECORD } from "./layout.ts";
import { type MappedProcess, ProcessMap } from "./process_map.ts";
import { enablePrograms } from "./programs.ts";
import { Repair } from "./repair.ts";
import { RingRecords } from "./ring_records.ts";

/** Points and sizes for the programs and their ring. */
export interface KernelSourceOptions {
  /** Points that processes may have. */
  readonly points: number;
  /** Says whether the system call of a number is recorded. Absent: all are. */
  readonly calls?: (number: number) => boolean;
  /** Bytes of the ring: a power of two. Default {@linkcode DEFAULT_RING}. */
  readonly ringBytes?: number;
  /** Most bytes of data of a system call. */
  readonly genioBytes: number;
}

/** Bytes of the ring, if nothing else is asked for. */
export const DEFAULT_RING = 1 << 25;
/** Paths have 4096 bytes; arguments of programs may have more. */
const LEAST_CAPTURE = 16384;

/** Threads whose present call is known, at most. */
const MOST_ENTERED = 100_000;

/** What the source knows of a process id. */
interface Entry {
  /** The process that has it, while its records are wanted. */
  process?: TracedProcess;
  /** The thread of the last record. */
  readonly lwp: { tid: number; startNs: number; readonly comm: Uint8Array };
  /** True if the file was full when recording of the process stopped: records in the ring are lost. */
  abandoned: boolean;
}

/** A file that gets records, under the number that they carry. */
interface NumberedFile {
  readonly file: TraceFile;
  /** Points of the process that was most recently set to be recorded into the file. */
  points: number;
}

/** Programs that are attached, and their reader. */
export class KernelSource implements Disposable {
  /** Points that the programs can record. */
  readonly points: number;
  readonly #recorder: Recorder;
  readonly #session: Session;
  readonly #map: ProcessMap;
  readonly #owned: DisposableStack;
  /** Files by the number that records carry. */
  readonly #files: NumberedFile[] = [];
  /** Entries by process id: recorded processes, and former ones with records that may be in the ring. */
  readonly #entries = new Map<number, Entry>();
  /** Calls that threads are in, by thread id. */
  readonly #entered = new Map<number, number>();
  readonly #records: RingRecords;
  readonly #repair: Repair;
  #ignored = 0;
  /** Births and ends that were lost in the ring and are known all the same. */
  #repaired = 0;
  /** The final number of {@linkcode unfollowed}. */
  #unfollowed = 0;
  #closed = false;
  #ending = false;

  /**
   * Loads and attaches; nobody is recorded yet.
   *
   * @throws {DtError} EPERM and the like; EOPNOTSUPP a point that this kernel does not have.
   */
  constructor(recorder: Recorder, options: KernelSourceOptions) {
    const { points, genioBytes, ringBytes, calls } = options;
    using stack = new DisposableStack();
    this.#recorder = recorder;
    this.points = points;
    this.#map = stack.use(new ProcessMap());
    const device = openDevice({ providers: [tracepoint(), rawtracepoint(), procEvents()] });
    this.#session = stack.use(
      device.open({ plane: "kernel", ringBytes: ringBytes ?? DEFAULT_RING }),
    );
    const captureBytes = Math.max(LEAST_CAPTURE, genioBytes);
    enablePrograms(this.#session, stack, this.#map.map, {
      points,
      genioBytes,
      captureBytes,
      calls,
    });
    this.#session.start();
    this.#records = new RingRecords(this.#session.recordBytes);
    this.#repair = new Repair(this.#session, recorder, this.#map, {
      ended: (process) => this.#endedUnseen(process),
      born: (pid, mapped) => this.#bornUnseen(pid, mapped),
    });
    this.#owned = stack.move();
  }

  /** Records that were lost. */
  get lost(): number {
    // The session's numbers stay when it is closed.
    const { lostRecords, recursed, recursionMisses } = this.#session.stats();
    const missing = Number(lostRecords + recursed + recursionMisses) - this.#repaired;
    return Math.max(0, missing) + this.#ignored;
  }

  /** Child processes that are not recorded: the map was full. */
  get unfollowed(): number {
    return this.#closed ? this.#unfollowed : this.#session.control[CONTROL.unfollowed / 4];
  }

  /** Records a process from now on, or more of it. */
  record({ target: { pid, take }, points, file }: TracedTarget): void {
    const process = this.#recorder.set(pid, 0, points, file);
    // It is held behind its exec, which the programs have not seen.
    if (take !== undefined) {
      const comm = latin1(new Thread(pid).comm);
      recordProgram(this.#recorder, process, { tid: pid, startNs: 0, comm });
    }
    this.set(process);
  }

  /** Tells the programs what the recorder knows of a process. */
  set(process: TracedProcess): void {
    const { pid, points, file } = process;
    this.#know(process);
    this.#map.set(pid, { points, file: this.#numberOf(file, points) });
  }

  /** Records a process no more. */
  clear(pid: number): void {
    const entry = this.#entries.get(pid) ?? newEntry(pid);
    entry.process = undefined;
    entry.abandoned = this.#recorder.isFull;
    this.#entries.set(pid, entry);
    if (!this.#closed) this.#map.delete(pid);
  }

  /** Records nobody any more, not even children that the recorder does not know yet. */
  clearAll(): void {
    for (const pid of this.#map.all().keys()) this.clear(pid);
  }

  /** Reads all records in the ring and writes them to files; returns the number of records. */
  drain(): number {
    const count = this.#session.drain((offset) => this.#take(offset));
    if (count > 0) {
      this.#recorder.drainAll();
      this.#recorder.flush();
    }
    this.#repair.step();
    return count;
  }

  /** Resolves when the ring may have records, a repair is due, or {@linkcode wake} was called. */
  async wait(): Promise<void> {
    const { dueMs } = this.#repair;
    const timer = dueMs === undefined ? undefined : setTimeout(() => this.wake(), dueMs);
    await this.#session.wait();
    clearTimeout(timer);
  }

  /** Ends a {@linkcode wait} that is in progress. */
  wake(): void {
    this.#session.wake();
  }

  /** Finds processes whose end no program has seen. */
  lookForDead(): void {
    this.#repair.lookForDead();
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
    let entry = this.#entries.get(pid);
    if (entry === undefined) {
      const numbered = this.#files[view.getUint32(offset + HEADER.id, true)];
      if (numbered === undefined) return true;
      const { points } = this.#map.get(pid) ?? numbered;
      entry = this.#adopt(pid, points, numbered.file);
      if (entry === undefined) return true;
      this.#repaired++; // its birth found no room in the ring
    }
    const type = view.getUint32(offset + RECORD.type, true);
    const { process, lwp } = entry;
    if (process === undefined) {
      if (entry.abandoned) this.#ignored++;
      if (type === EVENT.fork) this.#bornAlone(view.getUint32(offset + RECORD.payload, true));
      return true;
    }
    if (process.file.isFull && !this.#ending) return false;
    lwp.tid = view.getUint32(offset + RECORD.tid, true);
    lwp.startNs = this.#records.long(offset + RECORD.start);
    for (let i = 0; i < 16; i++) lwp.comm[i] = bytes[offset + RECORD.comm + i];
    if (view.getUint32(offset + RECORD.lost, true) > 0) this.#recorder.lose(process);
    if (type === EVENT.fork) {
      const child = view.getUint32(offset + RECORD.payload, true);
      const start = this.#records.long(offset + RECORD.payload + 8);
      const born = this.#recorder.fork(process, child, start);
      if (born === undefined) this.#bornAlone(child);
      else this.#know(born).lwp.comm.set(lwp.comm);
    } else if (type === EVENT.setId) {
      this.#recorder.executedSetId(process);
    } else {
      this.#record(process, lwp, type as KtrType, offset);
      if (type === KTR.procdtor) this.#exit(process);
    }
    return true;
  }

  /** A process has this number now: what was known of the number was another's, or is not so any more. */
  #know(process: TracedProcess): Entry {
    let entry = this.#entries.get(process.pid);
    if (entry === undefined) this.#entries.set(process.pid, entry = newEntry(process.pid));
    entry.process = process;
    entry.abandoned = false;
    return entry;
  }

  #numberOf(file: TraceFile, points: number): number {
    const known = this.#files.find((one) => one.file === file);
    if (known !== undefined) known.points = points;
    return known === undefined
      ? this.#files.push({ file, points }) - 1
      : this.#files.indexOf(known);
  }

  #adopt(pid: number, points: number, file: TraceFile): Entry | undefined {
    return file.isOpen ? this.#know(this.#recorder.set(pid, 0, points, file)) : undefined;
  }

  /** A child of a process whose records are not wanted any more: it had the points of the time before. */
  #bornAlone(pid: number): void {
    this.#entries.delete(pid);
    const mapped = this.#map.get(pid);
    if (mapped !== undefined) this.#adopt(pid, mapped.points, this.#files[mapped.file].file);
  }

  #bornUnseen(pid: number, { points, file }: MappedProcess): void {
    if (this.#adopt(pid, points, this.#files[file].file) !== undefined) this.#repaired++;
  }

  /** A process is not in the map any more, and the ring had no room to say why. */
  #endedUnseen(process: TracedProcess): void {
    this.#repaired++;
    // Only a program that gains rights leaves a process alive, and this recorder without it.
    if (isAlive(process.pid) && !this.#recorder.executedSetId(process)) return;
    const { lwp } = this.#know(process);
    lwp.tid = process.pid;
    this.#recorder.lose(process);
    const request = this.#recorder.request(process, lwp);
    if (request !== undefined) {
      stamp(request);
      request.begin(KTR.procdtor, 0);
      this.#recorder.submit(process, request);
    }
    this.#exit(process);
    this.#recorder.flush();
  }

  #exit(process: TracedProcess): void {
    this.#recorder.exit(process);
    this.#entries.delete(process.pid);
  }

  #record(process: TracedProcess, lwp: Entry["lwp"], type: KtrType, offset: number): void {
    if (type === KTR.syscall) {
      // Who ends in a call does not return.
      if (this.#entered.size === MOST_ENTERED) this.#entered.clear();
      this.#entered.set(lwp.tid, this.#records.view.getUint32(offset + RECORD.payload, true));
    }
    if (type === KTR.sysret) {
      const at = offset + RECORD.payload;
      const error = this.#records.errorAt(at + 8);
      const code = this.#records.view.getUint32(at, true);
      if (code === UTRACE_CALL) return;
      const isEntered = this.#entered.get(lwp.tid) === code;
      this.#entered.delete(lwp.tid);
      if (
        !isEntered && this.#records.mayBeRefused(offset) &&
        (process.points & pointOf(KTR.syscall)) !== 0
      ) {
        this.#make(process, lwp, KTR.syscall, offset);
      }
      if (isRefusal(error) && (process.points & pointOf(KTR.capfail)) !== 0) {
        this.#make(process, lwp, KTR.capfail, offset);
      }
      if ((process.points & pointOf(KTR.sysret)) === 0) return;
    }
    if (type === KTR.psig && this.#records.isIgnoredSignal(offset + RECORD.payload)) return;
    this.#make(process, lwp, type, offset);
  }

  #make(process: TracedProcess, lwp: Entry["lwp"], type: KtrType, offset: number): void {
    const request = this.#recorder.request(process, lwp);
    if (request === undefined) return;
    const isReturn = this.#records.view.getUint32(offset + RECORD.type, true) === KTR.sysret;
    if (type === KTR.syscall && isReturn) this.#records.fillRefused(request, offset);
    else this.#records.fill(request, type, offset);
    const waits = type === KTR.psig || type === KTR.csw || type === KTR.fault;
    if (waits) this.#recorder.enqueue(process, request);
    else this.#recorder.submit(process, request);
  }
}

function newEntry(pid: number): Entry {
  return { lwp: { tid: pid, startNs: 0, comm: new Uint8Array(16) }, abandoned: false };
}

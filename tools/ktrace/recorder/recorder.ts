// The recorder: what FreeBSD's kern_ktrace.c does, for records that come from anywhere.
//
//   request()  takes a record from the pool; none left: the process has lost one
//   submit()   for makers that may wait: what waits in the process's queue is written, then this record
//   enqueue()  for makers that may not: the record waits in the process's queue
//   drain()    writes what waits at that moment: at the return of a system call, at the end of a process
//
// A record is its process's, and a process is a number and the time when it was made: a number that is used
// again means another process.

import { DtError } from "../../../core/errors.ts";
import { LINUX_ABI } from "../formats/types.ts";
import { ALL_POINTS, INHERIT, pointOf, ROOT } from "../formats/points.ts";
import { type Lwp, Request, RequestPool } from "./request.ts";
import { TraceFile, type TraceFileOptions } from "./trace_file.ts";

/** Requests of a pool: kern.ktrace.request_pool. */
export const DEFAULT_POOL = 100;

/** Options of a recorder's constructor. */
export interface RecorderOptions {
  /** Requests of the pool. Default {@linkcode DEFAULT_POOL}. */
  readonly pool?: number;
  /** Called with messages for the user. By default messages are dropped. */
  readonly warn?: (message: string) => void;
  /**
   * When what was submitted is written: "record", before submit returns; "round", by the maker's
   * {@linkcode Recorder.flush}. Default "record".
   */
  readonly commit?: "record" | "round";
  /** Records that may wait in the queue of a process; more are lost. Default: all of the pool. */
  readonly mostPending?: number;
  /** Number of waiting records at which a process's queue is drained by enqueue. Default: never. */
  readonly drainEvery?: number;
  /** Called when the recording of a process that lives on has stopped. */
  readonly stopped?: (process: TracedProcess) => void;
}

/** A process whose records are wanted. */
export interface TracedProcess {
  /** Id of the recorded process. */
  readonly pid: number;
  /** CLOCK_BOOTTIME when it was made, ns; 0 where that is not known. */
  readonly startNs: number;
  /** Points, {@linkcode INHERIT} and {@linkcode ROOT}; 0: nothing is recorded any more. */
  readonly points: number;
  /** File that gets the process's records. */
  readonly file: TraceFile;
  /** Number of records that wait in the queue. */
  readonly pending: number;
}

class Process implements TracedProcess {
  readonly pid: number;
  readonly startNs: number;
  points: number;
  file: TraceFile;
  /** Records in the order in which they were made. */
  readonly queue: Request[] = [];
  /** A record was lost since the last one that was made. */
  dropped = false;
  /** Process that has made this one, if it was recorded: its number where the recorder runs. */
  parent?: number;
  /** The process's first record in its file; undefined before it is written. */
  head?: Request;

  constructor(pid: number, startNs: number, points: number, file: TraceFile) {
    this.pid = pid;
    this.startNs = startNs;
    this.points = points;
    this.file = file;
  }

  get pending(): number {
    return this.queue.length;
  }
}

/** Records processes into files. */
export class Recorder implements Disposable {
  readonly #pool: RequestPool;
  readonly #warn: (message: string) => void;
  readonly #commit: "record" | "round";
  readonly #stopped: (process: TracedProcess) => void;
  readonly #mostPending: number;
  readonly #drainEvery: number;
  readonly #processes = new Map<number, Process>();
  /** Processes that have ended since their file was flushed. */
  readonly #ended = new Set<Process>();
  readonly #files = new Set<TraceFile>();
  /** Files that could not be written, which was said. */
  readonly #failed = new WeakSet<TraceFile>();
  /** Set while records are written: what that makes is not recorded. */
  #inTrace = false;
  #lost = 0;

  /** Makes a recorder that records no process yet. */
  constructor(options: RecorderOptions = {}) {
    this.#warn = options.warn ?? (() => {});
    this.#commit = options.commit ?? "record";
    this.#stopped = options.stopped ?? (() => {});
    this.#mostPending = positive(options.mostPending, "records that wait");
    this.#drainEvery = positive(options.drainEvery, "records between drains");
    this.#pool = new RequestPool(options.pool ?? DEFAULT_POOL, this.#warn);
  }

  /** Size of the pool. */
  get poolSize(): number {
    return this.#pool.size;
  }

  /** Records that were lost here: there was no request for them. */
  get lost(): number {
    return this.#lost;
  }

  /** A file has something that its reader has not taken: what comes meanwhile had better wait. */
  get isFull(): boolean {
    for (const file of this.#files) if (file.isFull) return true;
    return false;
  }

  /** Processes that are recorded. */
  get processes(): readonly TracedProcess[] {
    return [...this.#processes.values()];
  }

  /**
   * Makes the pool larger or smaller.
   *
   * @throws {DtError} ENOSPC more requests are in use; EINVAL.
   */
  resizePool(size: number): void {
    this.#pool.resize(size);
  }

  /**
   * Opens a file for records.
   *
   * @throws {DtError} What open(2) says.
   */
  open(path: string, options: TraceFileOptions = {}): TraceFile {
    const file: TraceFile = new TraceFile(path, { heads: () => this.#headsOf(file), ...options });
    this.#files.add(file);
    return file;
  }

  /** Closes a file into which nothing was recorded and leaves what was there before: see TraceFile.discard. */
  discard(file: TraceFile): void {
    this.#files.delete(file);
    file.discard();
  }

  /**
   * Records a process from now on, or records more of it. KTROP_SET.
   *
   * @param points Bits, see points.ts; a process that root records is only changed by root.
   * @throws {DtError} EINVAL no points; EPERM root's, or this process itself.
   */
  set(pid: number, startNs: number, points: number, file: TraceFile): TracedProcess {
    if ((points & ~(INHERIT | ROOT)) === 0) throw refused("EINVAL", pid, "no points");
    if (pid === Deno.pid) throw refused("EPERM", pid, "it is the recorder");
    const known = this.#of(pid, startNs);
    if (known === undefined) {
      const process = new Process(pid, startNs, points, file);
      this.#processes.set(pid, process);
      return process;
    }
    if ((known.points & ROOT) !== 0 && (points & ROOT) === 0) {
      throw refused("EPERM", pid, "root records it");
    }
    this.#drain(known);
    if (known.file !== file) {
      // What was recorded before is in the former file, for good.
      this.#flush(known.file);
      known.head = undefined;
    }
    known.file = file;
    known.points |= points;
    return known;
  }

  /**
   * Records less of a process; nothing any more when no points are left. KTROP_CLEAR.
   *
   * @returns False if it was not recorded.
   */
  clear(pid: number, points: number): boolean {
    const process = this.#processes.get(pid);
    if (process === undefined) return false;
    process.points &= ~points;
    if ((process.points & ~(INHERIT | ROOT)) === 0) this.#stop(process);
    return true;
  }

  /** Stops all that goes to a file, and closes it. KTROP_CLEARFILE. */
  clearFile(file: TraceFile): void {
    for (const process of [...this.#processes.values()]) {
      if (process.file === file) this.#stop(process);
    }
    this.#files.delete(file);
    this.#close(file);
  }

  /** Stops recording of all processes. */
  clearAll(): void {
    for (const process of [...this.#processes.values()]) this.#stop(process);
  }

  /** The process of that number, if it is recorded; of that time, if that is known. */
  process(pid: number, startNs = 0): TracedProcess | undefined {
    return this.#of(pid, startNs);
  }

  /**
   * A process was made: it is recorded if its parent's is inherited.
   *
   * @returns The child, if it is recorded.
   */
  fork(parent: TracedProcess, pid: number, startNs: number): TracedProcess | undefined {
    if ((parent.points & INHERIT) === 0) return undefined;
    const known = this.#of(pid, startNs);
    if (known !== undefined) return known;
    const child = this.set(pid, startNs, parent.points, parent.file) as Process;
    child.parent = parent.pid;
    return child;
  }

  /**
   * A program that gains rights is executed: what waits is thrown away, and nothing more is recorded unless
   * root wanted it.
   *
   * @returns True if it goes on.
   */
  executedSetId(process: TracedProcess): boolean {
    const own = process as Process;
    if ((own.points & ROOT) !== 0) return true;
    for (const request of own.queue.splice(0)) this.#pool.give(request);
    this.#stop(own);
    return false;
  }

  /**
   * A request for a record of a process, or undefined: nothing of the process is recorded any more; or the
   * pool is empty, the record is lost, and the next one says so. KTRCHECK, ktr_getrequest.
   *
   * @param maySleep The maker may wait: all queues are written if that makes room.
   */
  request(process: TracedProcess, lwp: Lwp, maySleep = true): Request | undefined {
    if (this.#inTrace || process.points === 0) return undefined;
    if (maySleep && this.#pool.free === 0) this.drainAll();
    const request = this.#pool.take();
    if (request === undefined) {
      this.lose(process);
      this.#lost++;
      return undefined;
    }
    request.belongsTo(process.pid, lwp);
    request.cpu = -1;
    return request;
  }

  /** Records of a process were lost, here or before they came here: its next one says so. */
  lose(process: TracedProcess): void {
    (process as Process).dropped = true;
  }

  /**
   * Writes what waits, then this record. A record of a point that is off is not written, nor one of a
   * process whose recording has stopped.
   *
   * @throws {DtError} EINVAL the request is not its maker's any more: it was submitted or enqueued.
   */
  submit(process: TracedProcess, request: Request): void {
    const own = process as Process;
    if (!this.#accepts(own, request)) return;
    this.#mark(own, request);
    this.#drain(own);
    this.#write(own, request);
    this.#pool.give(request);
    if (this.#commit === "record") this.#flush(own.file);
  }

  /**
   * Puts a record into the process's queue, where it waits; see {@linkcode submit} for records that are
   * not wanted. A record that finds the queue full is lost.
   *
   * @throws {DtError} EINVAL the request is not its maker's any more.
   */
  enqueue(process: TracedProcess, request: Request): void {
    const own = process as Process;
    if (!this.#accepts(own, request)) return;
    if (own.queue.length >= this.#mostPending) {
      this.#pool.give(request);
      this.lose(own);
      this.#lost++;
      return;
    }
    this.#mark(own, request);
    request.state = "queued";
    own.queue.push(request);
    if (own.queue.length >= this.#drainEvery) this.drain(own);
  }

  /** True if a record is wanted; the request of another one goes back to the pool. */
  #accepts(process: Process, request: Request): boolean {
    if (request.state !== "made") {
      throw new DtError("EINVAL", `Cannot record: the request is ${request.state} already`, {
        operation: "ktrace",
      });
    }
    // The start and the end of a process have no point of their own.
    const point = pointOf(request.type) & ALL_POINTS;
    if (process.points !== 0 && (point === 0 || (process.points & point) !== 0)) return true;
    this.#pool.give(request);
    return false;
  }

  /** Writes what waits now; what comes meanwhile waits. */
  drain(process: TracedProcess): void {
    this.#drain(process as Process);
    if (this.#commit === "record") this.#flush(process.file);
  }

  /** Writes what waits, of all processes. */
  drainAll(): void {
    for (const process of this.#processes.values()) this.#drain(process);
    if (this.#commit === "record") this.flush();
  }

  /** Hands what was written to the kernel. */
  flush(): void {
    for (const file of this.#files) this.#flush(file);
  }

  /** A process has ended: the last it has to say is written. */
  exit(process: TracedProcess): void {
    const own = process as Process;
    this.#end(own);
    if (own.queue.length > 0) throw new Error(`Records of process ${own.pid} wait after its end`);
  }

  /** Writes what waits, closes all files. */
  [Symbol.dispose](): void {
    this.clearAll();
    for (const file of this.#files) this.#close(file);
    this.#files.clear();
  }

  /** Closes a file, and reports a failure to write its last records. */
  #close(file: TraceFile): void {
    file[Symbol.dispose]();
    if (file.failure !== undefined && !this.#failed.has(file)) this.#fail(file, file.failure);
  }

  #fail(file: TraceFile, { message }: Error): void {
    this.#failed.add(file);
    this.#warn(`${file.path}: ${message}; tracing stopped`);
  }

  #of(pid: number, startNs: number): Process | undefined {
    const found = this.#processes.get(pid);
    if (found === undefined || startNs === 0 || found.startNs === 0 || found.startNs === startNs) {
      return found;
    }
    // The number was given to another process: this one's end was not seen.
    this.exit(found);
    return undefined;
  }

  #stop(process: Process): void {
    this.#end(process);
    this.#stopped(process);
  }

  #end(process: Process): void {
    this.#drain(process);
    if (this.#commit === "record") this.#flush(process.file);
    process.points = 0;
    this.#ended.add(process);
    if (this.#processes.get(process.pid) === process) this.#processes.delete(process.pid);
  }

  /** Marks the first record after a loss. */
  #mark(process: Process, request: Request): void {
    request.dropped = process.dropped;
    process.dropped = false;
  }

  #drain(process: Process): void {
    const { queue } = process;
    if (queue.length === 0 || this.#inTrace) return;
    for (let count = queue.length; count > 0; count--) {
      const request = queue.shift()!;
      this.#write(process, request);
      this.#pool.give(request);
    }
  }

  #write(process: Process, request: Request): void {
    const { file } = process;
    this.#inTrace = true;
    try {
      if (process.head === undefined) {
        const head = process.head = new Request();
        head.belongsTo(process.pid, request);
        head.seconds = request.seconds;
        head.nanoseconds = request.nanoseconds;
        head.procctor(LINUX_ABI, process.parent);
        file.append(head);
      }
      file.append(request);
    } finally {
      this.#inTrace = false;
    }
  }

  /** The first records of the processes in a file, also of those whose last records are not written. */
  #headsOf(file: TraceFile): Request[] {
    return [...this.#ended, ...this.#processes.values()].flatMap((process) =>
      process.file === file && process.head !== undefined ? [process.head] : []
    );
  }

  /** Writes a file's buffer. After a failure recording into the file stops; its processes run on. */
  #flush(file: TraceFile): void {
    if (this.#failed.has(file)) return;
    this.#inTrace = true;
    try {
      file.flush();
    } finally {
      this.#inTrace = false;
    }
    for (const process of this.#ended) if (process.file === file) this.#ended.delete(process);
    const { failure } = file;
    if (failure === undefined) return;
    this.#fail(file, failure);
    for (const process of [...this.#processes.values()]) {
      if (process.file === file) this.#stop(process);
    }
  }
}

/** A limit that is optional: no limit is infinite. */
function positive(value: number | undefined, what: string): number {
  if (value === undefined) return Infinity;
  if (Number.isInteger(value) && value > 0) return value;
  throw new DtError("EINVAL", `Cannot have ${value} ${what}: 1 or more`, { operation: "ktrace" });
}

function refused(code: string, pid: number, reason: string): DtError {
  return new DtError(code, `Cannot record process ${pid}: ${reason}`, { operation: "ktrace" });
}

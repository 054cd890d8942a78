// What one recorder process does: its recorder, and where records come from.

import { DtError } from "../../core/errors.ts";
import type { Target } from "../../core/contract/target.ts";
import { Thread } from "../../core/sys/thread.ts";
import { isAlive, isKernelThread } from "./process_files.ts";
import { latin1 } from "./formats/bytes.ts";
import { KTR } from "./formats/types.ts";
import { DEFAULT_RING, KernelSource } from "./kernel/source.ts";
import { pointOf, ROOT } from "./formats/points.ts";
import { recordProgram } from "./program.ts";
import { Recorder, type TracedProcess } from "./recorder/recorder.ts";
import type { TraceFile } from "./recorder/trace_file.ts";
import { TracedSource } from "./traced/source.ts";

/** How to record. */
export interface TracingOptions {
  /** The processes wait for their records: nothing is lost. */
  readonly sync: boolean;
  /** Requests of the pool. */
  readonly pool?: number;
  /** Most bytes of data of a system call. */
  readonly genioBytes: number;
  /** Bytes of the ring of the kernel. */
  readonly ringBytes?: number;
  /** Told what users should know. */
  readonly warn: (message: string) => void;
  /** The thread has nothing else to do. */
  readonly alone?: boolean;
}

/** Points that may be added to a process later, without an attachment that others pay for. */
const CHEAP = ~(pointOf(KTR.csw) | pointOf(KTR.fault)) & 0x00ffffff;
/** How long a reader that is slow is left to itself. */
const FULL_MS = 5;
/** How often it is looked whether those that are recorded still live. */
const LOOK_MS = 1000;

/** Records processes until none is left. */
export class Tracing implements Disposable {
  /** What records go through. */
  readonly recorder: Recorder;
  readonly #options: TracingOptions;
  #kernel?: KernelSource;
  #traced?: TracedSource;
  #toldLost = 0;
  #stopped = false;
  #closed = false;

  /** Nothing is recorded yet. */
  constructor(options: TracingOptions) {
    this.#options = options;
    this.recorder = new Recorder({
      pool: options.pool,
      warn: options.warn,
      commit: options.sync ? "record" : "round",
      stopped: (process) => this.#released(process),
    });
  }

  /** Records that were lost. */
  get lost(): number {
    return this.recorder.lost + (this.#kernel?.lost ?? 0);
  }

  /** What is to be said of records that were lost since this was asked last: nothing, or a line. */
  takeLoss(): string[] {
    const count = this.lost - this.#toldLost;
    this.#toldLost += count;
    return count > 0 ? [`${count} records lost`] : [];
  }

  /** How the command has ended, if a tracer was told. */
  get status(): number | undefined {
    return this.#traced?.status;
  }

  /**
   * Records a process.
   *
   * @param target A child that is held is told of what it executes; the kernel plane leaves its release to
   * the caller.
   * @throws {DtError} ESRCH, EPERM, EINVAL; EBUSY it cannot record other points now.
   */
  set(target: Target, points: number, file: TraceFile): void {
    const all = Deno.uid() === 0 ? points | ROOT : points;
    if (this.#options.sync) {
      const { genioBytes, alone = false } = this.#options;
      this.#traced ??= new TracedSource(this.recorder, { genioBytes, alone });
      this.#traced.attach({ target, points: all, file });
      return;
    }
    const kernel = this.#source(points, target.take !== undefined);
    if (!isAlive(target.pid)) throw noProcess(target.pid);
    if (isKernelThread(target.pid)) {
      throw new DtError("EINVAL", `Cannot record ${target.pid}: it is a thread of the kernel`, {
        operation: "ktrace",
      });
    }
    const process = this.recorder.set(target.pid, 0, all, file);
    if (target.take !== undefined) {
      // It is held behind its exec, which the programs have not seen.
      const { pid } = target;
      recordProgram(this.recorder, process, {
        tid: pid,
        startNs: 0,
        comm: latin1(new Thread(pid).comm),
      });
    }
    kernel.set(process);
  }

  /**
   * Refuses what this recorder is not.
   *
   * @throws {DtError} EBUSY it has other sizes; ENOSPC its pool cannot be made so small.
   */
  mustHave(wanted: Partial<Pick<TracingOptions, "genioBytes" | "ringBytes" | "pool">>): void {
    const { genioBytes, ringBytes } = this.#options;
    const other = (asked: number | undefined, has: number | undefined) =>
      asked !== undefined && asked !== (has ?? DEFAULT_RING);
    if (other(wanted.genioBytes, genioBytes) || other(wanted.ringBytes, ringBytes)) {
      throw new DtError(
        "EBUSY",
        "Cannot change the size of the ring or of data while others are recorded: clear all " +
          "traces first",
        { operation: "ktrace" },
      );
    }
    if (wanted.pool !== undefined) this.recorder.resizePool(wanted.pool);
  }

  /** Records less of a process. */
  clear(pid: number, points: number): boolean {
    this.#kernel?.drain();
    const found = this.recorder.clear(pid, points);
    const left = this.recorder.process(pid);
    if (left !== undefined) this.#kernel?.set(left);
    return found;
  }

  /** Stops everything. */
  clearAll(): void {
    this.#kernel?.drain();
    this.recorder.clearAll();
    this.#kernel?.wake();
  }

  /** Until nobody is recorded any more, or {@linkcode stop}. */
  async run(): Promise<void> {
    if (this.#traced !== undefined) return await this.#traced.follow();
    let looked = performance.now();
    while (!this.#stopped && (this.recorder.processes.length > 0 || this.recorder.isFull)) {
      if (this.recorder.isFull) {
        await new Promise((resolve) => setTimeout(resolve, FULL_MS));
        this.recorder.flush();
        if (!this.recorder.isFull) this.#kernel!.drain();
        continue;
      }
      await this.#kernel!.wait();
      if (this.#kernel!.drain() > 0 || performance.now() < looked + LOOK_MS) continue;
      looked = performance.now();
      this.#forgetDead();
    }
  }

  /** Lets go of everybody; {@linkcode run} ends. */
  stop(): void {
    this.#stopped = true;
    this.#kernel?.wake();
    this.#traced?.stop();
  }

  /** Detaches, writes what is left, closes files. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#traced?.stop();
    if (this.#kernel !== undefined) {
      const kernel = this.#kernel;
      kernel[Symbol.dispose]();
      if (kernel.unfollowed > 0) {
        this.#options.warn(`${kernel.unfollowed} child processes could not be recorded`);
      }
    }
    this.recorder[Symbol.dispose]();
  }

  #source(points: number, exactly: boolean): KernelSource {
    const wanted = points & 0x00ffffff;
    if (this.#kernel === undefined) {
      const { genioBytes, ringBytes } = this.#options;
      this.#kernel = new KernelSource(this.recorder, {
        points: exactly ? wanted : wanted | CHEAP,
        genioBytes,
        ringBytes,
      });
    } else if ((wanted & ~this.#kernel.points) !== 0) {
      throw new DtError(
        "EBUSY",
        "Cannot add these points while others are recorded: clear all traces first",
        { operation: "ktrace" },
      );
    }
    return this.#kernel;
  }

  /** {@linkcode stop} was called. */
  get stopped(): boolean {
    return this.#stopped;
  }

  #released(process: TracedProcess): void {
    this.#kernel?.clear(process.pid);
    this.#traced?.release(process.pid);
  }

  /** Whose end found no room in the ring. */
  #forgetDead(): void {
    for (const process of this.recorder.processes) {
      if (!isAlive(process.pid)) this.recorder.exit(process);
    }
  }
}

function noProcess(pid: number): DtError {
  return new DtError("ESRCH", `Cannot record process ${pid}: no such process`, {
    operation: "ktrace",
  });
}

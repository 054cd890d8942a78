// What one recorder process does: its recorder, and where records come from.

import type { Target } from "../../core/contract/target.ts";
import { DtError } from "../../core/errors.ts";
import { ROOT } from "./formats/points.ts";
import { KernelTracing } from "./kernel/kernel_tracing.ts";
import { DEFAULT_RING } from "./kernel/source.ts";
import { Recorder } from "./recorder/recorder.ts";
import type { TraceFile } from "./recorder/trace_file.ts";
import type { TraceSource } from "./source.ts";
import { TracedSource } from "./traced/source.ts";

/** Options of a recorder process's tracing. */
export interface TracingOptions {
  /** True if processes wait until their records are written: nothing is lost. */
  readonly sync: boolean;
  /** Number of requests in the recorder's pool. */
  readonly pool?: number;
  /** Most bytes of data of a system call. */
  readonly genioBytes: number;
  /** Says whether the system call of a number is recorded in the kernel. Absent: all are. */
  readonly calls?: (number: number) => boolean;
  /** Bytes of the ring of the kernel. */
  readonly ringBytes?: number;
  /** Called with messages for the user. */
  readonly warn: (message: string) => void;
  /** True if this thread has no other work and may block in waits. */
  readonly alone?: boolean;
}

/** Records processes until none is left. */
export class Tracing implements Disposable {
  /** Recorder that all records go through. */
  readonly recorder: Recorder;
  readonly #options: TracingOptions;
  readonly #source: TraceSource;
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
      stopped: (process) => this.#source.released(process),
    });
    const { genioBytes, ringBytes, calls, warn, alone = false } = options;
    this.#source = options.sync
      ? new TracedSource(this.recorder, { genioBytes, alone })
      : new KernelTracing(this.recorder, { genioBytes, ringBytes, calls, warn });
  }

  /** Records that were lost. */
  get lost(): number {
    return this.recorder.lost + this.#source.lost;
  }

  /** A line on the records that were lost since the last call; empty if none were. */
  takeLoss(): string[] {
    const count = this.lost - this.#toldLost;
    this.#toldLost += count;
    return count > 0 ? [`${count} records lost`] : [];
  }

  /** How the command has ended, if a tracer was told. */
  get status(): number | undefined {
    return this.#source.status;
  }

  /** True if {@linkcode stop} was called. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /**
   * Records a process from now on, or more of it.
   *
   * @param target A child that is held is told of what it executes; the kernel plane leaves its release to
   * the caller.
   * @throws {DtError} ESRCH, EPERM, EINVAL; EBUSY it cannot record other points now.
   */
  set(target: Target, points: number, file: TraceFile): void {
    const all = Deno.uid() === 0 ? points | ROOT : points;
    this.#source.record({ target, points: all, file });
  }

  /**
   * Checks that this recorder has the wanted sizes, and resizes its pool.
   *
   * @throws {DtError} EBUSY the ring or data has another size; ENOSPC more requests are in use than wanted.
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

  /** Records less of a process; false if nothing of the process was recorded. */
  clear(pid: number, points: number): boolean {
    this.#source.settle();
    const found = this.recorder.clear(pid, points);
    const left = this.recorder.process(pid);
    if (left !== undefined) this.#source.changed(left);
    return found;
  }

  /** Stops the recording of all processes. */
  clearAll(): void {
    this.#source.settle();
    this.recorder.clearAll();
    this.#source.releasedAll();
  }

  /** Records until no process is left, or {@linkcode stop} is called. */
  run(): Promise<void> {
    return this.#source.follow();
  }

  /** Releases all processes and ends {@linkcode run}. */
  stop(): void {
    this.#stopped = true;
    this.#source.stop();
  }

  /** Detaches, writes what is left, closes files. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#source[Symbol.dispose]();
    this.recorder[Symbol.dispose]();
  }
}

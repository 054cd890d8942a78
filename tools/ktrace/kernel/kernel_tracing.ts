// The kernel plane as a source of a session: programs are loaded for the first process that is recorded, with
// the points that it needs, and read until nobody is recorded any more.

import { DtError } from "../../../core/errors.ts";
import { pointOf } from "../formats/points.ts";
import { KTR } from "../formats/types.ts";
import { isAlive, isKernelThread } from "../process_files.ts";
import type { Recorder, TracedProcess } from "../recorder/recorder.ts";
import type { TracedTarget, TraceSource } from "../source.ts";
import { KernelSource } from "./source.ts";

/** Sizes of the kernel plane's recording, and its callback. */
export interface KernelTracingOptions {
  /** Says whether the system call of a number is recorded. Absent: all are. */
  readonly calls?: (number: number) => boolean;
  /** Bytes of the ring: a power of two. */
  readonly ringBytes?: number;
  /** Most bytes of data of a system call. */
  readonly genioBytes: number;
  /** Called with messages for the user. */
  readonly warn: (message: string) => void;
}

/** Points, without INHERIT and ROOT. */
const POINTS = 0x00ffffff;
/** Points that may be added to a process later, without an attachment that others pay for. */
const CHEAP = ~(pointOf(KTR.csw) | pointOf(KTR.fault)) & POINTS;
/** Delay before the next try to write to a slow reader, in milliseconds. */
const FULL_MS = 5;
/** Time between two searches for recorded processes that have ended, in milliseconds. */
const LOOK_MS = 1000;

/** Records processes by programs in the kernel. */
export class KernelTracing implements TraceSource {
  readonly #recorder: Recorder;
  readonly #options: KernelTracingOptions;
  #source?: KernelSource;
  #stopped = false;

  /** Nothing is loaded yet. */
  constructor(recorder: Recorder, options: KernelTracingOptions) {
    this.#recorder = recorder;
    this.#options = options;
  }

  get lost(): number {
    return this.#source?.lost ?? 0;
  }

  record(traced: TracedTarget): void {
    const { target: { pid, take }, points } = traced;
    const source = this.#open(points & POINTS, take !== undefined);
    if (!isAlive(pid)) throw refusal("ESRCH", `Cannot record process ${pid}: no such process`);
    if (isKernelThread(pid)) {
      throw refusal("EINVAL", `Cannot record ${pid}: it is a thread of the kernel`);
    }
    source.record(traced);
  }

  settle(): void {
    this.#source?.drain();
  }

  changed(process: TracedProcess): void {
    this.#source?.set(process);
  }

  released(process: TracedProcess): void {
    this.#source?.clear(process.pid);
  }

  releasedAll(): void {
    this.#source?.clearAll();
    this.#source?.wake();
  }

  async follow(): Promise<void> {
    const source = this.#source;
    if (source === undefined) return;
    let looked = performance.now();
    while (!this.#stopped && (this.#recorder.processes.length > 0 || this.#recorder.isFull)) {
      if (this.#recorder.isFull) {
        await new Promise((resolve) => setTimeout(resolve, FULL_MS));
        this.#recorder.flush();
        if (!this.#recorder.isFull) source.drain();
        continue;
      }
      await source.wait();
      if (source.drain() > 0 || performance.now() < looked + LOOK_MS) continue;
      looked = performance.now();
      source.lookForDead();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#source?.wake();
  }

  /** Detaches; what is in the ring is written. */
  [Symbol.dispose](): void {
    if (this.#source === undefined) return;
    this.#source[Symbol.dispose]();
    const { unfollowed } = this.#source;
    if (unfollowed > 0) this.#options.warn(`${unfollowed} child processes could not be recorded`);
  }

  /** @param exactly Nobody else will be recorded: no other points are wanted later. */
  #open(points: number, exactly: boolean): KernelSource {
    if (this.#source === undefined) {
      const { genioBytes, ringBytes, calls } = this.#options;
      const all = exactly ? points : points | CHEAP;
      const options = { points: all, genioBytes, ringBytes, calls };
      this.#source = new KernelSource(this.#recorder, options);
    } else if ((points & ~this.#source.points) !== 0) {
      throw refusal(
        "EBUSY",
        "Cannot add these points while others are recorded: clear all traces first",
      );
    }
    return this.#source;
  }
}

function refusal(code: string, message: string): DtError {
  return new DtError(code, message, { operation: "ktrace" });
}

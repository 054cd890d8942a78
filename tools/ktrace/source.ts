// What a session needs of a source of records: programs in the kernel (kernel/) or ptrace(2) (traced/).

import type { Target } from "../../core/contract/target.ts";
import type { TracedProcess } from "./recorder/recorder.ts";
import type { TraceFile } from "./recorder/trace_file.ts";

/** A process that is to be recorded, and how. */
export interface TracedTarget {
  /** The process; a child that is held is recorded from the program on that it executes first. */
  readonly target: Target;
  /** Points, INHERIT and ROOT. */
  readonly points: number;
  /** The file that gets the records. */
  readonly file: TraceFile;
}

/** Makes records of processes and gives them to the recorder. */
export interface TraceSource extends Disposable {
  /** Records that were lost before they reached the recorder, exactly. */
  readonly lost: number;
  /** How the first process has ended, as wait(2) says it, where the source is who was told. */
  readonly status?: number;
  /**
   * Records a process from now on, or more of it.
   *
   * @throws {DtError} ESRCH no such process; EPERM; EINVAL; EBUSY or EOPNOTSUPP the source cannot record
   * these points.
   */
  record(target: TracedTarget): void;
  /** Hands what has happened until now to the recorder. */
  settle(): void;
  /** The recorder wants fewer points of a process than before. */
  changed(process: TracedProcess): void;
  /** The recorder wants nothing more of a process that lives on. */
  released(process: TracedProcess): void;
  /** The recorder wants nothing more of anybody: children that it does not know yet are meant, too. */
  releasedAll(): void;
  /** Hands records to the recorder until nobody is recorded any more, or {@linkcode stop} was called. */
  follow(): Promise<void>;
  /** Ends {@linkcode follow}; processes run on. */
  stop(): void;
}

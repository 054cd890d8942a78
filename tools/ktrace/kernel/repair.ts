// Makes the recorder's table of processes right again after a loss. Births and ends are records in the ring,
// which may have had no room for them; the map of recorded processes always has them.
//
//   begin     the map is read; what the recorder thinks at this moment is kept
//   conclude  when the ring has been read up to where it was written at the beginning: a process that the
//             map did not have and whose end was not read has ended; a process that the map had, and still
//             has, and whose birth was not read, was born

import type { Session } from "../../../core/device/session.ts";
import { isAlive } from "../process_files.ts";
import type { Recorder, TracedProcess } from "../recorder/recorder.ts";
import type { MappedProcess, ProcessMap } from "./process_map.ts";

/** Least time between two repairs, milliseconds: each one reads the whole map. */
const REPAIR_MS = 50;

/** What a repair has found. */
export interface RepairHandler {
  /** The end of a process was lost. */
  ended(process: TracedProcess): void;
  /** The birth of a process was lost. */
  born(pid: number, mapped: MappedProcess): void;
}

interface Pending {
  /** Bytes of the ring that must have been read. */
  readonly position: number;
  readonly known: readonly TracedProcess[];
  readonly mapped: ReadonlyMap<number, MappedProcess>;
}

/** Compares the recorder's processes with the map's when records were lost. */
export class Repair {
  readonly #session: Session;
  readonly #recorder: Recorder;
  readonly #map: ProcessMap;
  readonly #handler: RepairHandler;
  /** Lost records when the last repair was begun. */
  #lost = 0;
  #isAgain = false;
  #begunMs = -Infinity;
  #pending?: Pending;

  /** Nothing has been lost yet. */
  constructor(session: Session, recorder: Recorder, map: ProcessMap, handler: RepairHandler) {
    this.#session = session;
    this.#recorder = recorder;
    this.#map = map;
    this.#handler = handler;
  }

  /** How long until {@linkcode step} has something to do, milliseconds; undefined: nothing is wrong. */
  get dueMs(): number | undefined {
    if (this.#pending === undefined && !this.#isWanted()) return undefined;
    return Math.max(1, this.#begunMs + REPAIR_MS - performance.now());
  }

  /** To be called when the ring has been read. */
  step(): void {
    if (this.#pending === undefined) {
      if (!this.#isWanted() || performance.now() < this.#begunMs + REPAIR_MS) return;
      this.#begin();
    }
    if (this.#session.ringPosition.read >= this.#pending!.position) this.#conclude();
  }

  /**
   * Looks for processes that have ended and are still in the map: no program runs within another one, so the
   * end of a process may be passed over.
   */
  lookForDead(): void {
    for (const { pid } of this.#recorder.processes) {
      if (isAlive(pid)) continue;
      this.#map.delete(pid);
      this.#isAgain = true;
    }
  }

  #isWanted(): boolean {
    return this.#isAgain || this.#session.lostRecords() !== this.#lost;
  }

  #begin(): void {
    this.#begunMs = performance.now();
    const lost = this.#session.lostRecords();
    // A program may have counted a loss and not have changed the map yet: one more look finds that.
    this.#isAgain = lost !== this.#lost;
    this.#lost = lost;
    const known = this.#recorder.processes;
    const mapped = this.#map.all();
    this.#pending = { known, mapped, position: this.#session.ringPosition.written };
  }

  #conclude(): void {
    const { known, mapped } = this.#pending!;
    this.#pending = undefined;
    for (const process of known) {
      // Who has this number now may be another one.
      const isKnown = this.#recorder.process(process.pid) === process;
      if (isKnown && !mapped.has(process.pid)) this.#handler.ended(process);
    }
    for (const pid of mapped.keys()) {
      if (this.#recorder.process(pid) !== undefined) continue;
      // Who is in the map no more has ended, and the ring said so.
      const now = this.#map.get(pid);
      if (now !== undefined) this.#handler.born(pid, now);
    }
  }
}

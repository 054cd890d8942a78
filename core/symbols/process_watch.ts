// Listens to the kernel's records of births, executions, mappings and deaths of processes, and
// keeps processes.ts up to date, so that the mappings are known even of a process that is gone. The
// records are PERF_RECORD_MMAP2 and others; perf_event_open(2).

import { DtError, errorCode } from "../errors.ts";
import { bootTimeNs } from "../sys/clock.ts";
import { onEachCpu } from "../sys/each_cpu.ts";
import type { Fd } from "../sys/fd.ts";
import {
  PERF_COUNT_SW_DUMMY,
  PERF_SAMPLE,
  PERF_TYPE_SOFTWARE,
  perfEventOpen,
  perfEventSetOutput,
  type Records,
} from "../sys/perf_event.ts";
import { PERF_RECORD, PERF_RECORD_MISC, PerfRing } from "../sys/perf_ring.ts";
import { Poller } from "../sys/poller.ts";
import { threadsOf } from "../sys/thread.ts";
import { toHex } from "./elf.ts";
import { textAt } from "./symbol_table.ts";
import type { Processes } from "./processes.ts";

/** Pages of the ring of each CPU if all processes are watched: room for some 2,000 mappings. */
const RING_PAGES = 64;
/**
 * Pages of the ring of each CPU if one process is watched: few enough for what any user may lock,
 * beside a sampler's rings.
 */
const SMALL_RING_PAGES = 16;
/** The reader is woken when the ring is filled to one part in this number. */
const WAKEUP_SHARE = 4;
/** Bytes of struct sample_id {u32 pid, u32 tid, u64 time}, which ends every record. */
const SAMPLE_ID = 16;
const PROT_EXEC = 4;

/** A change of a process that waits until all earlier changes are known. */
interface Pending {
  readonly timeNs: bigint;
  apply(): void;
}

/** Watches all processes, or one process with its descendants, until disposed. */
export class ProcessWatch implements Disposable {
  readonly #processes: Processes;
  readonly #rings = new Set<PerfRing>();
  readonly #owned: DisposableStack;
  /** Changes from the rings of several CPUs, not yet in the order of time. */
  #pending: Pending[] = [];
  #lost = 0n;

  /**
   * Starts watching.
   *
   * @param processes Told of all changes.
   * @param pid Id of the process, or undefined for all processes, which needs CAP_PERFMON.
   * @throws {DtError} EACCES, EPERM not permitted; ESRCH no such process.
   */
  constructor(processes: Processes, pid?: number) {
    this.#processes = processes;
    using stack = new DisposableStack();
    const poller = stack.use(new Poller());
    const targets = pid === undefined ? [-1] : threadsOf(pid);
    const pages = pid === undefined ? RING_PAGES : SMALL_RING_PAGES;
    stack.use(onEachCpu({ open: (cpu) => this.#open(cpu, targets, pages, poller) }));
    this.#owned = stack.move();
    this.#follow(poller);
  }

  /** Opens the events of one CPU, one for each target; they share a ring. */
  #open(cpu: number, targets: readonly number[], pages: number, poller: Poller): Disposable {
    using stack = new DisposableStack();
    let first: Fd | undefined;
    for (const target of targets) {
      const event = openWatch(target, cpu, pages);
      if (event === undefined) continue; // the thread has ended
      stack.use(event);
      if (first !== undefined) {
        perfEventSetOutput(event, first);
        continue;
      }
      first = event;
      const ring = stack.use(new PerfRing(event, pages));
      this.#rings.add(ring);
      poller.add(event.value);
      stack.defer(() => {
        ring.drain(this.#take);
        this.#rings.delete(ring);
      });
    }
    return stack.move();
  }

  /** Number of records that the kernel had no room for. Names may be missing after a loss. */
  get lost(): bigint {
    return this.#lost;
  }

  /** Applies all changes that have happened until now. */
  drain(): void {
    if (this.#owned.disposed) return;
    // Records made after this moment are kept back: an earlier record may be in a ring that was
    // read before.
    const now = bootTimeNs();
    for (const ring of this.#rings) ring.drain(this.#take);
    this.#pending.sort((a, b) => a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0);
    const later = this.#pending.findIndex(({ timeNs }) => timeNs > now);
    const due = later < 0 ? this.#pending : this.#pending.slice(0, later);
    this.#pending = later < 0 ? [] : this.#pending.slice(later);
    for (const one of due) one.apply();
  }

  /** Applies the last changes and stops watching. */
  [Symbol.dispose](): void {
    if (this.#owned.disposed) return;
    this.drain();
    this.#owned.dispose();
    for (const one of this.#pending) one.apply();
    this.#pending = [];
  }

  /** Reads the rings whenever they fill up. */
  async #follow(poller: Poller): Promise<void> {
    while (!this.#owned.disposed) {
      await poller.wait(-1);
      this.drain();
    }
  }

  /**
   * Turns a record into a change of a process. A field and not a method, so that `this` is bound
   * once.
   */
  readonly #take = (type: number, body: DataView, misc: number): void => {
    const word = (at: number) => body.getUint32(at, true);
    const long = (at: number) => Number(body.getBigUint64(at, true));
    const processes = this.#processes;
    const pid = word(0);
    const timeNs = body.byteLength >= SAMPLE_ID ? body.getBigUint64(body.byteLength - 8, true) : 0n;
    const later = (apply: () => void) => void this.#pending.push({ timeNs, apply });
    switch (type) {
      case PERF_RECORD.lost: // {u64 id, u64 lost}
        this.#lost += body.getBigUint64(8, true);
        return;
      case PERF_RECORD.comm: // {u32 pid, u32 tid, char comm[]}
        if (misc & PERF_RECORD_MISC.commExec) later(() => processes.exec(pid));
        return;
      case PERF_RECORD.fork: { // {u32 pid, u32 ppid, u32 tid, u32 ptid, u64 time}
        const parent = word(4);
        const now = Date.now();
        if (pid !== parent) later(() => processes.fork(pid, parent, now)); // else a thread
        return;
      }
      case PERF_RECORD.exit: // {u32 pid, u32 ppid, u32 tid, u32 ptid, u64 time}
        if (pid === word(8)) later(() => processes.exit(pid));
        return;
      case PERF_RECORD.mmap2: {
        // {u32 pid, tid, u64 addr, len, pgoff, {u32 maj, min, u64 ino, ino_generation} or {u8 size,
        // u8, u16, u8 build_id[20]}, u32 prot, flags, char filename[]}
        if ((word(56) & PROT_EXEC) === 0) return;
        const start = long(8);
        const hasId = (misc & PERF_RECORD_MISC.mmapBuildId) !== 0;
        const bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength - SAMPLE_ID);
        const mapping = {
          start,
          end: start + long(16),
          offset: long(24),
          inode: hasId ? 0 : long(40),
          buildId: hasId ? toHex(bytes.subarray(36, 36 + body.getUint8(32))) : undefined,
          path: textAt(bytes, 64),
        };
        later(() => processes.map(pid, mapping));
      }
    }
  };
}

/**
 * Opens the event that records one process, or all (-1), on one CPU.
 *
 * @returns undefined if the thread is gone.
 */
function openWatch(pid: number, cpu: number, pages: number): Fd | undefined {
  const flags: Records["flags"] = [
    ...["excludeKernel", "excludeHypervisor", "mmap", "mmap2", "comm", "commExec"] as const,
    ...["task", "sampleIdAll", "watermark"] as const,
    ...(pid === -1 ? [] : ["inherit"] as const),
  ];
  const open = (more: Records["flags"]) =>
    perfEventOpen({
      type: PERF_TYPE_SOFTWARE,
      config: PERF_COUNT_SW_DUMMY,
      records: {
        sampleType: PERF_SAMPLE.tid | PERF_SAMPLE.time,
        flags: [...flags, ...more],
        wakeupBytes: pages * 4096 / WAKEUP_SHARE,
      },
    }, { pid, cpu });
  try {
    try {
      return open(["buildId"]);
    } catch (error) {
      if (errorCode(error) !== "EINVAL") throw error;
      return open([]); // Linux before 5.12 cannot report build ids
    }
  } catch (error) {
    const code = errorCode(error);
    if (code === "ESRCH") return undefined;
    if (code === "ENODEV") throw error;
    throw new DtError(
      code ?? "EPERM",
      `Cannot watch ${pid < 0 ? "processes" : `process ${pid}`}: perf_event_open(2) says ${code}`,
      { operation: "perf_event_open", cause: error },
    );
  }
}

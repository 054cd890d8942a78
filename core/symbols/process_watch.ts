// Births, executions, mappings and deaths of processes as the kernel records them: what was mapped
// where is known also of a process that has gone. PERF_RECORD_MMAP2 and others, perf_event_open(2).

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

/** Of each CPU, for all processes: some 2,000 mappings. */
const RING_PAGES = 64;
/** Of each CPU, for one process: within what any user may lock, beside a sampler's. */
const SMALL_RING_PAGES = 16;
/** Ring's share at which it is read. */
const WAKEUP_SHARE = 4;
/** struct sample_id {u32 pid, u32 tid, u64 time} ends every record. */
const SAMPLE_ID = 16;
const PROT_EXEC = 4;

/** A record, until its turn comes. */
interface Pending {
  readonly timeNs: bigint;
  apply(): void;
}

/** Watches all processes, or one with what it starts, until it is disposed. */
export class ProcessWatch implements Disposable {
  readonly #processes: Processes;
  readonly #rings = new Set<PerfRing>();
  readonly #owned: DisposableStack;
  /** Records of several CPUs, not yet in order. */
  #pending: Pending[] = [];
  #lost = 0n;

  /**
   * @param pid The process, or undefined for all, which needs CAP_PERFMON.
   * @throws {DtError} EACCES, EPERM: not permitted; ESRCH no such process.
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

  /** The events of one CPU, which share a ring. */
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

  /** Records that the kernel had no room for: names may be missing then. */
  get lost(): bigint {
    return this.#lost;
  }

  /** Takes in what has happened until now. */
  drain(): void {
    if (this.#owned.disposed) return;
    // What is recorded after this moment may have a predecessor in a ring that was read already.
    const now = bootTimeNs();
    for (const ring of this.#rings) ring.drain(this.#take);
    this.#pending.sort((a, b) => a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0);
    const later = this.#pending.findIndex(({ timeNs }) => timeNs > now);
    const due = later < 0 ? this.#pending : this.#pending.slice(0, later);
    this.#pending = later < 0 ? [] : this.#pending.slice(later);
    for (const one of due) one.apply();
  }

  [Symbol.dispose](): void {
    if (this.#owned.disposed) return;
    this.drain();
    this.#owned.dispose();
    for (const one of this.#pending) one.apply();
    this.#pending = [];
  }

  async #follow(poller: Poller): Promise<void> {
    while (!this.#owned.disposed) {
      await poller.wait(-1);
      this.drain();
    }
  }

  /** Bound once. */
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
      case PERF_RECORD.exit: // the same
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

/** Undefined if the thread has gone. */
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
      return open([]); // before Linux 5.12
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

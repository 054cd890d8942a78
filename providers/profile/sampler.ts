// profile and counters on the user plane: perf events of the target's threads and of what they start, sampled into
// rings of this process. Needs no capability where kernel.perf_event_paranoid is 2 or less; only user
// code is sampled then.

import { MAX_STACK_FRAMES } from "../../core/contract/event_layout.ts";
import { DtError, errorCode } from "../../core/errors.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
import type { Target } from "../../core/contract/target.ts";
import type { UserAttachment, UserHost } from "../../core/contract/attachment.ts";
import type { UserEvent } from "../../core/contract/user_action.ts";
import { arch } from "../../core/sys/arch/mod.ts";
import { onlineCpus } from "../../core/sys/cpu.ts";
import type { Fd } from "../../core/sys/fd.ts";
import {
  PERF_SAMPLE,
  type PerfEventAttr,
  perfEventOpen,
  perfEventRefusal,
  perfEventSetOutput,
} from "../../core/sys/perf_event.ts";
import { PERF_RECORD, PerfRing } from "../../core/sys/perf_ring.ts";
import { Thread, threadsOf } from "../../core/sys/thread.ts";

const SAMPLE_TYPE = PERF_SAMPLE.ip | PERF_SAMPLE.tid | PERF_SAMPLE.time | PERF_SAMPLE.callchain |
  PERF_SAMPLE.cpu | PERF_SAMPLE.registers;
/** 256 KiB of each CPU: within what any user may lock. */
const RING_PAGES = 64;
const READ_MS = 20;
/** Call chains have marks between user and kernel frames: PERF_CONTEXT_MAX and above. */
const FIRST_MARK = (1n << 64n) - 4095n;

const REGISTERS = arch.perfRegisters.flatMap((name, bit) => name === "" ? [] : [{ name, bit }]);

/** A thread with name and stack of the sample: the thread may have ended when the sample is read. */
class SampledThread extends Thread {
  readonly #comm: string | undefined;
  readonly #frames: readonly bigint[];

  constructor(tid: number, pid: number, comm: string | undefined, frames: readonly bigint[]) {
    super(tid, pid);
    this.#comm = comm;
    this.#frames = frames;
  }

  override get comm(): string {
    return this.#comm ?? super.comm;
  }

  override stack(limit: number): readonly bigint[] {
    return this.#frames.slice(0, limit);
  }
}

/** The attachment of one probe: a sample each time the counter has reached the period. */
export function sampledProfile(pcb: Pcb, attr: PerfEventAttr, target: Target): UserAttachment {
  return {
    plane: "user",
    pcbs: [pcb],
    run(host) {
      const sampler = new Sampler(pcb, attr, target, host);
      host.signal.addEventListener("abort", () => sampler[Symbol.dispose]());
      return sampler.follow();
    },
  };
}

class Sampler implements Disposable {
  readonly #pcb: Pcb;
  readonly #host: UserHost;
  readonly #owned: DisposableStack;
  readonly #rings: { cpu: number; ring: PerfRing }[] = [];
  /** Names by thread, as the records tell them. */
  readonly #names = new Map<number, string>();

  /** @throws {DtError} EACCES, EPERM: not permitted; ESRCH. */
  constructor(pcb: Pcb, attr: PerfEventAttr, { pid }: Target, host: UserHost) {
    this.#pcb = pcb;
    this.#host = host;
    using stack = new DisposableStack();
    const cpus = onlineCpus();
    const first = new Map<number, Fd>();
    const seen = new Set<number>();
    // New threads may come meanwhile; what opened ones start is sampled with them.
    for (let found = true; found;) {
      found = false;
      for (const tid of threadsOf(pid).filter((tid) => !seen.has(tid))) {
        seen.add(tid);
        found = true;
        for (const cpu of cpus) {
          const opened = openSampled(tid, cpu, attr);
          if (opened === undefined) continue; // it has ended
          const event = stack.use(opened);
          const ring = first.get(cpu);
          if (ring !== undefined) perfEventSetOutput(event, ring);
          else {
            first.set(cpu, event);
            this.#rings.push({ cpu, ring: stack.use(new PerfRing(event, RING_PAGES)) });
          }
        }
      }
    }
    this.#owned = stack.move();
  }

  /** Reads the rings until the session ends. */
  async follow(): Promise<void> {
    const { signal } = this.#host;
    while (!signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, READ_MS));
      if (!signal.aborted) this.#read();
    }
  }

  [Symbol.dispose](): void {
    if (this.#owned.disposed) return;
    this.#read();
    this.#owned.dispose();
  }

  #read(): void {
    for (const { cpu, ring } of this.#rings) {
      ring.drain((type, body) => this.#record(cpu, type, body));
    }
  }

  #record(cpu: number, type: number, body: DataView): void {
    switch (type) {
      case PERF_RECORD.sample:
        return this.#host.enter(this.#pcb, this.#sample(body));
      case PERF_RECORD.comm: // {u32 pid, u32 tid, char comm[]}
        this.#names.set(body.getUint32(4, true), text(body, 8));
        return;
      case PERF_RECORD.fork: { // {u32 pid, u32 ppid, u32 tid, u32 ptid, u64 time}
        const name = this.#names.get(body.getUint32(12, true));
        if (name === undefined) this.#names.delete(body.getUint32(8, true));
        else this.#names.set(body.getUint32(8, true), name);
        return;
      }
      case PERF_RECORD.lost: // {u64 id, u64 lost}
        return this.#host.skipped(cpu, Number(body.getBigUint64(8, true)));
    }
  }

  /** ip, {pid, tid}, time, {cpu, reserved}, {count, frames}, {abi, registers} */
  #sample(body: DataView): UserEvent {
    const word = (at: number) => body.getBigUint64(at, true);
    const [pid, tid] = [body.getUint32(8, true), body.getUint32(12, true)];
    const count = Number(word(32));
    const frames: bigint[] = [];
    for (let i = 0; i < count; i++) {
      const frame = word(40 + i * 8);
      if (frame < FIRST_MARK) frames.push(frame);
    }
    const values: Record<string, bigint> = {};
    const registersAt = 40 + count * 8;
    if (word(registersAt) !== 0n) {
      REGISTERS.forEach(({ name }, i) => values[`reg:${name}`] = word(registersAt + 8 + i * 8));
    }
    if (!this.#names.has(tid)) this.#names.set(tid, new Thread(tid, pid).comm);
    return {
      cpu: body.getUint32(24, true),
      timestampNs: word(16),
      thread: new SampledThread(tid, pid, this.#names.get(tid), frames),
      values,
    };
  }
}

/** One character a byte. */
function text(body: DataView, at: number): string {
  let found = "";
  for (let i = at; i < body.byteLength && body.getUint8(i) !== 0; i++) {
    found += String.fromCharCode(body.getUint8(i));
  }
  return found;
}

/** Undefined if the thread has ended. */
function openSampled(tid: number, cpu: number, attr: PerfEventAttr): Fd | undefined {
  const registers = REGISTERS.reduce((mask, { bit }) => mask | 1n << BigInt(bit), 0n);
  try {
    return perfEventOpen({
      ...attr,
      records: {
        sampleType: SAMPLE_TYPE,
        flags: [
          "inherit",
          "excludeKernel",
          "excludeKernelFrames",
          "excludeHypervisor",
          "comm",
          "task",
        ],
        registers,
        frames: MAX_STACK_FRAMES,
      },
    }, { pid: tid, cpu });
  } catch (error) {
    const code = errorCode(error);
    if (code === "ESRCH") return undefined;
    if (code !== "EACCES" && code !== "EPERM") throw error;
    throw new DtError(
      code,
      `Cannot sample process ${tid}: ${perfEventRefusal()}`,
      { operation: "perf_event_open", cause: error },
    );
  }
}

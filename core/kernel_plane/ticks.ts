// Pure: no I/O, no FFI.
// Ticks of a clock that did not come: a clock's firings are due at multiples of its period on each
// CPU, so a program can tell from the time how many it has missed. dt(4)'s skiptick.

import type { Assembler } from "../asm/assembler.ts";
import { add64, div64, imm, mov64, mul64, sub64 } from "../asm/alu.ts";
import { callHelper, ja, jeq, jslt } from "../asm/jump.ts";
import type { MapReference } from "../asm/instruction.ts";
import { load, loadImm64, store } from "../asm/load_store.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import { R0, R1, R2, R3, R7, R9 } from "../asm/register.ts";
import { emitCpuLookup } from "./map_access.ts";
import { CPU_BLOCK } from "../contract/blocks.ts";
import type { CpuWords } from "../contract/kernel_plane.ts";
import type { TickCounter } from "../contract/attachment.ts";

/** Words of a clock for each CPU. [K] is written by programs, [S] by the session. */
export const TICKS = {
  /** [K] When the next tick is due; 0 before the first one. */
  due: 0,
  /** [S] When it was started; 0 until that is known. */
  started: 8,
  /** Bytes of it all. */
  size: 16,
} as const;

const KEY = -8;

/**
 * Emits the count of a tick. R7 is the CPU block; clobbers R0 to R5, R9 and the first 8 bytes of stack.
 * A tick comes with interrupts off, so no other one of this CPU comes between.
 */
export function emitTick(asm: Assembler, map: MapReference, periodNs: bigint): void {
  const first = asm.label("first");
  const anchor = asm.label("anchor");
  const done = asm.label("ticked");
  const none = asm.label("unskipped");
  emitCpuLookup(asm, map, KEY, done);
  asm.emit(
    mov64(R9, R0),
    callHelper(BPF_FUNC.ktime_get_boot_ns),
    loadImm64(R3, periodNs),
    load(8, R1, R9, TICKS.due),
    jeq(R1, imm(0), first),
    mov64(R2, R0),
    sub64(R2, R1),
    // Earlier than thought: it was the tick before that was late.
    jslt(R2, imm(0), anchor),
    div64(R2, R3),
    jeq(R2, imm(0), none),
    ...addSkipped(),
    load(8, R1, R9, TICKS.due),
  );
  asm.bind(none);
  asm.emit(
    add64(R2, imm(1)),
    mul64(R2, R3),
    add64(R1, R2),
    store(8, R9, TICKS.due, R1),
    ja(done),
  );
  asm.bind(first);
  // One is due a period after the start, give or take how long starting took.
  asm.emit(
    load(8, R1, R9, TICKS.started),
    jeq(R1, imm(0), anchor),
    mov64(R2, R0),
    sub64(R2, R1),
    loadImm64(R1, periodNs / 2n),
    sub64(R2, R1),
    jslt(R2, imm(0), anchor),
    div64(R2, R3),
    ...addSkipped(),
  );
  asm.bind(anchor);
  asm.emit(add64(R0, R3), store(8, R9, TICKS.due, R0));
  asm.bind(done);
}

/** R2 more have been skipped. Clobbers R1. */
function addSkipped() {
  return [
    load(8, R1, R7, CPU_BLOCK.skippedTicks),
    add64(R1, R2),
    store(8, R7, CPU_BLOCK.skippedTicks, R1),
  ];
}

/** The same clock, seen from this side: it starts and ends on CPUs. */
export class Ticks implements TickCounter {
  readonly #words: CpuWords | undefined;
  readonly #periodNs: bigint;
  readonly #now: () => bigint;
  #skipped = 0n;

  /**
   * @param words Absent if the attachment is no clock: then nothing is counted.
   * @param now CLOCK_BOOTTIME.
   */
  constructor(words: CpuWords | undefined, periodNs: bigint, now: () => bigint) {
    this.#words = words;
    this.#periodNs = periodNs;
    this.#now = now;
  }

  /** Ticks that were due after the last one that came. */
  get skipped(): bigint {
    return this.#skipped;
  }

  start(cpu: number): void {
    if (this.#words === undefined) return;
    Atomics.store(this.#words.words, this.#at(cpu, TICKS.started), this.#now());
  }

  stop(cpu: number, gone: boolean): void {
    if (this.#words === undefined) return;
    const { words } = this.#words;
    const started = Atomics.exchange(words, this.#at(cpu, TICKS.started), 0n);
    const next = Atomics.exchange(words, this.#at(cpu, TICKS.due), 0n);
    const due = next === 0n ? started + this.#periodNs : next;
    const now = this.#now();
    if (!gone && now > due) this.#skipped += (now - due) / this.#periodNs;
  }

  #at(cpu: number, word: number): number {
    return (cpu * this.#words!.stride + word) / 8;
  }
}

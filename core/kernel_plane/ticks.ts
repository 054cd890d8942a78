// Pure: no I/O, no FFI.
// Counts the ticks that a clock has missed (dt(4)'s skiptick). A clock's firings are due at
// multiples of its period on each CPU, so a program can tell from the time how many firings did not
// come. emitTick() counts in the program; the class Ticks counts what is due between the last tick
// and the end. [K] marks words that programs write, [S] words that the session writes.

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

/** Words that a clock keeps for each CPU; offsets in bytes. [K] is written by programs, [S] by the session. */
export const TICKS = {
  /**
   * [K] Time at which the next tick is due, CLOCK_BOOTTIME in nanoseconds; 0 before the first tick.
   */
  due: 0,
  /**
   * [S] Time at which the clock was started on the CPU, CLOCK_BOOTTIME in nanoseconds; 0 while that
   * is unknown.
   */
  started: 8,
  /** Size of all words of a CPU in bytes. */
  size: 16,
} as const;

/** Offset from R10 of the map key on the stack. */
const KEY = -8;

/**
 * Emits code that counts the ticks missed before this one. R7 is the CPU block. Clobbers R0 to R5,
 * R9 and the first 8 bytes of the stack. A tick comes with interrupts off, so no other tick of the
 * CPU interferes.
 *
 * @param asm Assembler to emit to.
 * @param map Map of the clock's words.
 * @param periodNs Period of the clock in nanoseconds.
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
    // This tick is earlier than expected, since the tick before it was late.
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
  // The first tick is due one period after the start; half a period is allowed for the time that
  // starting took.
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

/** Makes the instructions that add R2 to the skipped ticks. Clobbers R1. */
function addSkipped() {
  return [
    load(8, R1, R7, CPU_BLOCK.skippedTicks),
    add64(R1, R2),
    store(8, R7, CPU_BLOCK.skippedTicks, R1),
  ];
}

/**
 * Counts a clock's ticks in this process: notes on which CPUs the clock runs, and what is due when
 * it stops.
 */
export class Ticks implements TickCounter {
  readonly #words: CpuWords | undefined;
  readonly #periodNs: bigint;
  readonly #now: () => bigint;
  #skipped = 0n;

  /**
   * Makes the counter of a clock.
   *
   * @param words Words of the clock; absent if the attachment is no clock: nothing is counted then.
   * @param periodNs Period of the clock in nanoseconds.
   * @param now Reads CLOCK_BOOTTIME in nanoseconds.
   */
  constructor(words: CpuWords | undefined, periodNs: bigint, now: () => bigint) {
    this.#words = words;
    this.#periodNs = periodNs;
    this.#now = now;
  }

  /** Number of ticks that were due between the last tick and the stop, over all CPUs so far. */
  get skipped(): bigint {
    return this.#skipped;
  }

  /** Notes that the clock runs on a CPU from now on. */
  start(cpu: number): void {
    if (this.#words === undefined) return;
    Atomics.store(this.#words.words, this.#at(cpu, TICKS.started), this.#now());
  }

  /**
   * Counts the ticks due since the last one on a CPU; none if `gone`, as the CPU went offline
   * before.
   */
  stop(cpu: number, gone: boolean): void {
    if (this.#words === undefined) return;
    const { words } = this.#words;
    const started = Atomics.exchange(words, this.#at(cpu, TICKS.started), 0n);
    const next = Atomics.exchange(words, this.#at(cpu, TICKS.due), 0n);
    const due = next === 0n ? started + this.#periodNs : next;
    const now = this.#now();
    if (!gone && now > due) this.#skipped += (now - due) / this.#periodNs;
  }

  /** Index in the words of a CPU's word. */
  #at(cpu: number, word: number): number {
    return (cpu * this.#words!.stride + word) / 8;
  }
}

// The enabled probes of system calls on the user plane, by the number of the call.

import type { Pcb } from "../../contract/pcb.ts";
import type { SyscallSide } from "./attachment.ts";

/** An enabled probe of system calls. */
export interface TracedSyscall {
  /** The PCB of the system call. */
  readonly pcb: Pcb;
  /** Number of the call; undefined for all of them. */
  readonly number?: number;
  /** At the entry or at the return. */
  readonly side: SyscallSide;
  /** True if calls by the ABI of 32-bit programs are counted, which the probe does not see. */
  readonly countsForeign?: boolean;
}

/** Enabled probes of one side (entry or return), by system call. */
export class Selection {
  /** PCBs that fire at every system call. */
  readonly #all: Pcb[];
  /** PCBs by number of the call, with those that fire at every call. */
  readonly #of: Pcb[][] = [];

  /** True if calls by the ABI of 32-bit programs are counted. */
  readonly countsForeign: boolean;

  /** @param selected Of that side, in the order in which they fire. */
  constructor(selected: readonly TracedSyscall[]) {
    this.countsForeign = selected.some(({ countsForeign }) => countsForeign === true);
    this.#all = selected.flatMap(({ pcb, number }) => number === undefined ? [pcb] : []);
    for (const { pcb, number } of selected) {
      if (number !== undefined) (this.#of[number] ??= [...this.#all]).push(pcb);
    }
  }

  /** Those that mean a call; a number of another architecture means another call. */
  of({ call, foreign }: { readonly call: number; readonly foreign: boolean }): readonly Pcb[] {
    if (call < 0) return this.#all;
    return foreign ? this.#all : this.#of[call] ?? this.#all;
  }

  /** True if no call is meant. */
  get empty(): boolean {
    return this.#all.length === 0 && this.#of.length === 0;
  }

  /** Numbers of the selected calls; undefined for all calls. */
  get numbers(): readonly number[] | undefined {
    return this.#all.length > 0 ? undefined : Object.keys(this.#of).map(Number);
  }
}

// What is wanted of the system calls on the user plane.

import type { Pcb } from "../../contract/pcb.ts";
import type { SyscallSide } from "./attachment.ts";

/** An enabled probe of system calls. */
export interface TracedSyscall {
  /** The enabling. */
  readonly pcb: Pcb;
  /** Number of the call; undefined for all of them. */
  readonly number?: number;
  /** At the entry or at the return. */
  readonly side: SyscallSide;
}

/** Enabled probes of one side, by call. */
export class Selection {
  /** Whichever call it is. */
  readonly #all: Pcb[];
  /** By number, those of all calls included. */
  readonly #of: Pcb[][] = [];

  /** @param selected Of that side, in the order in which they fire. */
  constructor(selected: readonly TracedSyscall[]) {
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

  /** Numbers that are meant; undefined for all of them. */
  get numbers(): readonly number[] | undefined {
    return this.#all.length > 0 ? undefined : Object.keys(this.#of).map(Number);
  }
}

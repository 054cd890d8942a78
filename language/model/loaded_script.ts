// Pure: no I/O, no FFI.
// A script that is ready to run, on either plane, as the runner sees it.

import { CONTROL } from "../../core/contract/blocks.ts";
import type { Session } from "../../core/device/session.ts";
import type { Memory } from "./memory.ts";
import type { PlanList } from "./plan.ts";

/** How to load. */
export interface LoadOptions {
  /** Only this process and what descends from it; clocks, BEGIN and END tick all the same. */
  readonly pid?: number;
  /** The -c child. */
  readonly childPid?: number;
  /** Bytes of the ring (kernel plane). */
  readonly ringBytes?: number;
  /** User plane: hands over the -c child, which this thread holds. */
  readonly take?: () => void;
  /** User plane: only calls that the script asks for stop the -c child. */
  readonly seccomp?: boolean;
  /** User plane: told each stack of a process while that is still there. */
  readonly onUserStack?: (pid: number, frames: readonly bigint[]) => void;
}

/** Entries of a map as bytes, laid out as its type says. */
export interface ScriptMap {
  /** Bytes of a value over all CPUs. */
  readonly valueBytes: number;
  /** All entries. */
  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** A value. */
  lookup(key: Uint8Array): Uint8Array | undefined;
  /** Removes all entries; of a scalar map: zero. */
  clear(): void;
  /** Makes all values zero. */
  zero(): void;
}

/** A benchmark's result. */
export interface BenchResult {
  /** Of one round. */
  readonly averageNs: bigint;
  /** Rounds. */
  readonly rounds: bigint;
}

/** A script whose maps exist; nothing fires before the session starts. */
export interface Loaded extends Disposable {
  /** Has the probes enabled and is prepared. */
  readonly session: Session;
  /** By name. */
  readonly maps: ReadonlyMap<string, ScriptMap>;
  /** What the script's records lead to. */
  readonly plans: PlanList;
  /** Probes of the script that are not btrace's own. */
  readonly attachable: number;
  /** Frames of a stack. */
  frames(hash: bigint): bigint[];
  /** Fires one of btrace's own probes, if the script has it. */
  fire(name: string): void;
  /** Measures a bench: probe. */
  bench(name: string): BenchResult;
  /** What happens to records; called for each, whose memory is gone when it returns. */
  onRecord?: (memory: Memory, at: number) => void;
  /** Hands out what records there are; returns how many. */
  drain(): number;
  /** Records lost so far. */
  lostRecords(): number;
}

/** Fired by btrace itself, in its own thread. */
export const SPECIAL = /^(begin$|end$|self:|test:|bench:)/;

/** Nothing has ended yet. */
export function clearControl(session: Session): void {
  for (const word of ["exit", "exitCode", "result"] as const) {
    Atomics.store(session.control, CONTROL[word] / 4, 0);
  }
}

/** Where exit() left its code, and `return` its value. */
export function controlWord(
  session: Session,
  word: "exit" | "exitCode" | "result" | "unfollowed",
): number {
  return Atomics.load(session.control, CONTROL[word] / 4);
}

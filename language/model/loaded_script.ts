// Pure: no I/O, no FFI.
// A script that is ready to run, on either plane, as the runner sees it.

import { CONTROL } from "../../core/contract/blocks.ts";
import type { Session } from "../../core/device/session.ts";
import type { Memory } from "./memory.ts";
import type { PlanList } from "./plan.ts";

/** How a script is loaded. */
export interface LoadOptions {
  /** Process whose events count, with its descendants. Clocks, BEGIN and END fire all the same. */
  readonly pid?: number;
  /** Folder of the cgroup whose events count, with those below it; not together with `pid`. Kernel plane. */
  readonly cgroup?: string;
  /** Process id of the -c child. */
  readonly childPid?: number;
  /** Size of the ring buffer in bytes (kernel plane only). */
  readonly ringBytes?: number;
  /** User plane: hands the -c child, which this thread holds stopped, over to the tracer. */
  readonly take?: () => void;
  /** User plane: a seccomp filter lets only the system calls that the script asks for stop the -c child. */
  readonly seccomp?: boolean;
  /** There while the reader of records has no room, see {@linkcode SessionOptions.held}. */
  readonly held?: () => Promise<void> | undefined;
  /** User plane: called with each recorded stack while its process still lives. */
  readonly onUserStack?: (pid: number, frames: readonly bigint[]) => void;
}

/** Entries of a map as bytes, laid out as its type says. */
export interface ScriptMap {
  /** Bytes of a value; of a per-CPU map, for all CPUs together. */
  readonly valueBytes: number;
  /** Hands out all entries. */
  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** Looks up a value by its key. */
  lookup(key: Uint8Array): Uint8Array | undefined;
  /** False for a map without keys that has no value. */
  isSet(): boolean;
  /** Removes all entries; a map without keys has no value then. */
  clear(): void;
  /** Makes all values zero. */
  zero(): void;
}

/** What a `bench:` probe measured. */
export interface BenchResult {
  /** Mean time of one round, in ns. */
  readonly averageNs: bigint;
  /** Number of rounds that were measured. */
  readonly rounds: bigint;
}

/** A script whose maps exist; nothing fires before the session starts. */
export interface Loaded extends Disposable {
  /** The session: the probes are enabled in it, and it is prepared to start. */
  readonly session: Session;
  /** The maps of the script by name. */
  readonly maps: ReadonlyMap<string, ScriptMap>;
  /** What the script's records lead to. */
  readonly plans: PlanList;
  /** Number of the script's probes that are attached, unlike BEGIN and END. */
  readonly attachable: number;
  /** Frames of a recorded stack, innermost first; none if the stack is not known. */
  frames(hash: bigint): bigint[];
  /** Fires BEGIN, END or a test, if the script has that probe. */
  fire(name: string): void;
  /** Measures how long a `bench:` probe takes. */
  bench(name: string): BenchResult;
  /**
   * Called for each record. The memory of the record is used again when the call returns. A result of false
   * leaves the record, and those after it, for later (kernel plane).
   */
  onRecord?: (memory: Memory, at: number) => boolean | void;
  /** Calls {@linkcode Loaded.onRecord} for all records that wait; returns their number. */
  drain(): number;
  /** Number of records that were lost so far. */
  lostRecords(): number;
}

/** Matches probes that the tracer fires itself, in its own thread. */
export const SPECIAL = /^(begin$|end$|self:|test:|bench:)/;

/** Resets the exit flag, the exit code and the result of a test. */
export function clearControl(session: Session): void {
  for (const word of ["exit", "exitCode", "result"] as const) {
    Atomics.store(session.control, CONTROL[word] / 4, 0);
  }
}

/** Reads a word of the control block, where exit() leaves its code and `return` its value. */
export function controlWord(
  session: Session,
  word: "exit" | "exitCode" | "result" | "unfollowed",
): number {
  return Atomics.load(session.control, CONTROL[word] / 4);
}

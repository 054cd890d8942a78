// Pure: no I/O, no FFI.
// What a session needs from the kernel, as an interface, so that sessions know no FFI: implemented by
// kernel_plane.ts.

import type { MapReference } from "../asm/instruction.ts";
import type { AttachType } from "./attachment.ts";
import type { NamespaceId } from "./kernel_action.ts";

/** Called with a record's place in {@linkcode RecordSource.bytes}; false stops before it. */
export type RecordHandler = (offset: number, length: number) => boolean | void;

/** Records of a session, in place. */
export interface RecordSource {
  /** Memory that the offsets lie in. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes that have not been read. */
  readonly available: number;
  /** Bytes that were read since the ring was made. */
  readonly position: number;
  /** Hands out what is committed now, in order; returns how many records. */
  drain(handler: RecordHandler): number;
}

/** A program in the kernel. */
export interface LoadedProgram extends Disposable {
  /** Descriptor. */
  readonly fd: number;
  /** Runs it once in this thread (raw tracepoint programs). */
  testRun(): number;
  /** What the kernel counts and shows. */
  info(): {
    id: number;
    xlated: Uint8Array;
    recursionMisses: bigint;
    runTimeNs: bigint;
    runCount: bigint;
  };
}

/** A set of programs that can jump into each other. */
export interface ProgramTable extends MapReference {
  /** Makes a tail call to `index` lead to `program`. */
  set(index: number, program: LoadedProgram): void;
}

/** Memory that programs and this side share: a share for each CPU, `stride` bytes apart. */
export interface CpuWords {
  /** The array, for programs. */
  readonly map: MapReference;
  /** The same memory, from this side. */
  readonly words: BigUint64Array;
  /** Bytes from one CPU's share to the next. */
  readonly stride: number;
}

/** The kernel's side of one recording. */
export interface KernelPlane extends Disposable {
  /** Slots for CPUs. */
  readonly cpuCount: number;
  /** The pid namespace that ids are told in; undefined for the initial one. */
  readonly pidNamespace?: NamespaceId;
  /** The ring. */
  readonly ring: RecordSource & { readonly map: MapReference; readonly size: number };
  /** One {@linkcode CPU_BLOCK} per CPU; [K]. */
  readonly blocks: CpuWords;
  /** One {@linkcode CONTROL} block. */
  readonly control: { readonly map: MapReference; readonly words: Int32Array };
  /** Loads a program. */
  load(
    program: { name: string; code: Uint8Array; functions?: readonly number[] } & AttachType,
  ): LoadedProgram;
  /** A read-only array of 32-bit words that programs can look into. */
  table(name: string, words: Uint32Array): MapReference;
  /**
   * Descendants of a process from now on, as keys: see process_tree.ts. Asking again gives the same map.
   */
  tree(root: number): MapReference;
  /**
   * Everything is attached: what follows deaths comes behind it, so that the end of a descendant is seen as
   * one's.
   */
  attached(): void;
  /** Zeroed words for each CPU. */
  cpuWords(name: string, bytes: number): CpuWords;
  /** An empty program table. */
  programs(name: string, size: number): ProgramTable;
  /**
   * Waits for records, or until {@linkcode KernelPlane.wake}. May return early; looks again soon
   * after there was something, sleeps when there was not.
   */
  wait(): Promise<void>;
  /** Ends a wait. */
  wake(): void;
}

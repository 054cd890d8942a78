// Pure: no I/O, no FFI.
// What a session needs from the kernel, as an interface, so that sessions know no FFI: implemented by
// core/kernel_plane/bpf_plane.ts. [K] is written by programs in the kernel.

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
  /** File descriptor of the program. */
  readonly fd: number;
  /** Runs the program once in this thread; raw tracepoint programs only. */
  testRun(): number;
  /** Asks the kernel for the program's number, code and counters. */
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
  /** Number of CPUs that the machine may have. */
  readonly cpuCount: number;
  /** A map that holds a cgroup, by the path of its folder, for programs that test for it. */
  cgroup(path: string): MapReference;
  /** The pid namespace whose numbers processes get in events; undefined for the initial namespace. */
  readonly pidNamespace?: NamespaceId;
  /**
   * Offset of the name in a task_struct, if a multiple of eight and the name has zeros behind its end:
   * programs that load from typed pointers need no helper then, which takes three times as long.
   */
  readonly taskName?: number;
  /** The ring that programs write records into. */
  readonly ring: RecordSource & { readonly map: MapReference; readonly size: number };
  /** One {@linkcode CPU_BLOCK} for each CPU. [K] */
  readonly blocks: CpuWords;
  /** The {@linkcode CONTROL} block of the recording. */
  readonly control: { readonly map: MapReference; readonly words: Int32Array };
  /**
   * Loads a program into the kernel. `longJumps` tells of jumps over more than 32767 slots, for which
   * Linux 6.6 is needed.
   */
  load(
    program:
      & {
        name: string;
        code: Uint8Array;
        functions?: readonly number[];
        longJumps: boolean;
      }
      & AttachType,
  ): LoadedProgram;
  /** A read-only array of 32-bit words that programs can look into. */
  table(name: string, words: Uint32Array): MapReference;
  /**
   * Descendants of a process from now on, as keys: see process_tree.ts. Asking again gives the same map.
   */
  tree(root: number): MapReference;
  /**
   * To be called when all programs are attached. The programs that remove dead descendants are attached
   * then, behind the others, so that the end of a descendant still counts as an event of the tree.
   */
  attached(): void;
  /** Makes zeroed words for each CPU. */
  cpuWords(name: string, bytes: number): CpuWords;
  /** Makes an empty table of programs. */
  programs(name: string, size: number): ProgramTable;
  /**
   * Waits for records, or until {@linkcode KernelPlane.wake}. May return without a record. Returns soon
   * while records keep coming, sleeps while none come.
   */
  wait(): Promise<void>;
  /** Ends a wait that is pending. */
  wake(): void;
}

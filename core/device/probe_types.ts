// Pure: no I/O, no FFI.
// Types that know the probes of system calls by name, and their arguments: what is misspelt does not compile.

import type { CaptureKind, CaptureRequest } from "../contract/capture.ts";
import type { SyscallArguments } from "./generated/syscall_probes.ts";

/** Full name of the probe at the entry or at the return of a system call. */
export type SyscallProbe = `syscall:${keyof SyscallArguments}:${"entry" | "return"}`;

/** Names of what a probe can capture: of a system call those that it has, else any. */
export type CaptureNames<N> = N extends `syscall:${infer Call extends keyof SyscallArguments}:entry`
  ? SyscallArguments[Call]
  : N extends `syscall:${string}:return` ? "retval"
  : string;

/** A name of a probe: any, but for system calls one that there is. */
export type ProbeNameOf<N> = N extends `syscall:${string}`
  ? string extends N ? N : N extends SyscallProbe ? N : SyscallProbe
  : N;

/** What the compiler shows where a capture is named that the probe has not: no value has this type. */
export interface NoArgument<Wrong extends PropertyKey, Names> {
  /** The name that was given. */
  readonly noSuchArgument: Wrong;
  /** The names that there are. */
  readonly thereAre: Names;
}

/** A capture of arguments that the probe has, and of no others. */
export type CaptureOf<N, C extends CaptureRequest> = string extends keyof C ? C
  :
    & C
    & { readonly [K in Exclude<keyof C, CaptureNames<N>>]: NoArgument<K, CaptureNames<N>> }
    & { readonly [K in CaptureNames<N>]?: CaptureKind };

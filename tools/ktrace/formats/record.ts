// Pure: no I/O, no FFI.
// One record of a trace, whichever system's file it comes from. FreeBSD's sys/ktrace.h has most of them.

/** System that defines a record's numbers of calls, errors and signals, and its structures. */
export type SystemName = "linux" | "freebsd" | "netbsd" | "openbsd";

/** Fields that all records have. */
export interface RecordHeader {
  /** True if records of the process were lost just before this record. */
  readonly dropped: boolean;
  /** Id of the process that made the record. */
  readonly pid: number;
  /** Thread (LWP) id; 0 where the file does not tell. */
  readonly tid: number;
  /** CPU; undefined where the file does not tell. */
  readonly cpu?: number;
  /** Name of the process, one character a byte. */
  readonly comm: string;
  /** Time of the record: CLOCK_REALTIME in nanoseconds. */
  readonly timeNs: bigint;
}

/** Event of a record, with the fields of its kind. */
export type RecordBody =
  | { readonly kind: "syscall"; readonly code: number; readonly args: readonly bigint[] }
  | {
    readonly kind: "sysret";
    readonly code: number;
    /** errno of the file's system, or one of its two marks below zero. */
    readonly error: number;
    readonly retval: bigint;
    /** A second value (NetBSD). */
    readonly second?: bigint;
  }
  | { readonly kind: "namei"; readonly path: Uint8Array }
  | {
    readonly kind: "genio";
    readonly fd: number;
    readonly isWrite: boolean;
    readonly data: Uint8Array;
  }
  | {
    readonly kind: "psig";
    readonly signo: number;
    /** Address of the handler; 0 is the default action, 1 ignores, -1 is a handler that is not known. */
    readonly action: bigint;
    readonly code: number;
    readonly mask: Uint8Array;
    /** Of a SIGSYS by seccomp: number of the refused call, and AUDIT_ARCH_* of its ABI (Linux). */
    readonly refused?: { readonly call: number; readonly arch: number };
  }
  | {
    readonly kind: "csw";
    /** True if the thread stops running, false if it goes on. */
    readonly isOut: boolean;
    /** True if the thread was preempted. */
    readonly isUser: boolean;
    readonly wmesg: string;
  }
  /** `label` is NetBSD's and OpenBSD's. */
  | { readonly kind: "user"; readonly label?: string; readonly data: Uint8Array }
  | { readonly kind: "struct"; readonly name: string; readonly data: Uint8Array }
  | {
    readonly kind: "structArray";
    readonly name: string;
    readonly elementBytes: number;
    readonly data: Uint8Array;
  }
  | { readonly kind: "sysctl"; readonly name: string }
  | { readonly kind: "procctor"; readonly flags: number; readonly parent?: number }
  | { readonly kind: "procdtor" }
  | {
    readonly kind: "capfail";
    readonly type: number;
    readonly code: number;
    readonly flags: number;
    readonly data: Uint8Array;
  }
  | { readonly kind: "fault"; readonly address: bigint; readonly type: number }
  | { readonly kind: "faultend"; readonly result: number }
  /** Arguments and environment of an exec, each with a NUL behind it. */
  | { readonly kind: "args" | "env"; readonly data: Uint8Array }
  /** A descriptor that is open after an exec (NetBSD). */
  | { readonly kind: "execfd"; readonly fd: number; readonly type: number }
  /** The system that is emulated from now on (NetBSD, old FreeBSD). */
  | { readonly kind: "emul"; readonly name: string }
  /** A promise that was broken (OpenBSD). */
  | {
    readonly kind: "pledge";
    readonly error: number;
    readonly code: number;
    readonly bits: bigint;
  }
  /** A type that is not known here. */
  | { readonly kind: "unknown"; readonly type: number; readonly data: Uint8Array };

/** A record of a trace: header and event. */
export type KtrRecord = RecordHeader & RecordBody;

/** Kinds of events that records tell. */
export type RecordKind = RecordBody["kind"];

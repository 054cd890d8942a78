// What differs between processors.

/** Constants of one architecture's Linux ABI. */
export interface Arch {
  /** As Deno.build.arch spells it. */
  readonly name: "x86_64" | "aarch64";
  /** System call numbers that dt calls itself. */
  readonly syscalls: {
    readonly bpf: bigint;
    readonly openat: bigint;
    readonly perf_event_open: bigint;
    readonly pidfd_open: bigint;
    readonly tgkill: bigint;
    readonly gettid: bigint;
    readonly timer_create: bigint;
    readonly timer_settime: bigint;
    readonly timer_delete: bigint;
    readonly prctl: bigint;
    readonly seccomp: bigint;
    readonly socket: bigint;
    readonly bind: bigint;
    readonly sendto: bigint;
    readonly recvfrom: bigint;
    readonly setsockopt: bigint;
    readonly rt_sigqueueinfo: bigint;
    readonly fcntl: bigint;
    readonly pipe2: bigint;
    readonly setfsuid: bigint;
    readonly setfsgid: bigint;
    readonly getgroups: bigint;
    readonly setgroups: bigint;
    readonly ftruncate: bigint;
  };
  /** AUDIT_ARCH_* of the processor's own calls: include/uapi/linux/audit.h. */
  readonly audit: number;
  /** What ptrace(2) shows in NT_PRSTATUS, `struct user_regs_struct`; offsets in bytes. */
  readonly userRegisters: {
    /** Bytes of the structure. */
    readonly size: number;
    readonly ip: number;
    readonly sp: number;
    readonly framePointer: number;
    /** Number of a system call about to be made, and its arguments and result. */
    readonly number: number;
    readonly args: readonly number[];
    readonly result: number;
    /** Set to -1 so that nothing is restarted; absent where the kernel keeps it elsewhere. */
    readonly originalNumber?: number;
  };
  /** Names of the registers that a perf sample can have, by perf's number; empty: not one of them. */
  readonly perfRegisters: readonly string[];
  /** The instruction that makes a system call. */
  readonly syscallInstruction: readonly number[];
  /** Offsets into `struct pt_regs` of the six system call arguments. */
  readonly syscallArguments: readonly number[];
  /** Offset into `struct pt_regs` of the system call number. */
  readonly syscallNumber: number;
  /** Bytes of the system call number in `struct pt_regs`. */
  readonly syscallNumberSize: 4 | 8;
  /** Offsets of registers in `struct pt_regs`, by the names that reg() takes. */
  readonly registers: Readonly<Record<string, number>>;
  /** Registers of a C function's arguments, in order, and of its result. */
  readonly functionArguments: readonly string[];
  readonly functionResult: string;
  /** How `struct pt_regs` tells a 32-bit process: the word at `offset`, masked, equals `value`. */
  readonly compat: { readonly offset: number; readonly mask: number; readonly value: number };
}

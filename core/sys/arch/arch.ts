// What differs between processors.

/** Constants of one architecture's Linux ABI. */
export interface Arch {
  /** As Deno.build.arch spells it. */
  readonly name: "x86_64" | "aarch64";
  /** System call numbers that dt calls itself. */
  readonly syscalls: {
    readonly bpf: bigint;
    readonly perf_event_open: bigint;
    readonly pidfd_open: bigint;
  };
  /** Offsets into `struct pt_regs` of the six system call arguments. */
  readonly syscallArguments: readonly number[];
  /** Offset into `struct pt_regs` of the system call number. */
  readonly syscallNumber: number;
  /** Bytes of the system call number in `struct pt_regs`. */
  readonly syscallNumberSize: 4 | 8;
  /** Offsets of registers in `struct pt_regs`, by the names that reg() takes. */
  readonly registers: Readonly<Record<string, number>>;
  /** How `struct pt_regs` tells a 32-bit process: the word at `offset`, masked, equals `value`. */
  readonly compat: { readonly offset: number; readonly mask: number; readonly value: number };
}

// The facts in which processor architectures differ, as one interface. x86_64.ts and aarch64.ts
// fill it in; mod.ts chooses the architecture of the running process.

/** Constants of one architecture's Linux ABI: numbers of system calls, layouts of registers. */
export interface Arch {
  /** Name of the architecture, spelled as in Deno.build.arch. */
  readonly name: "x86_64" | "aarch64";
  /** Numbers of the system calls that dt makes by number, through syscall(2). */
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
    readonly mprotect: bigint;
    readonly lseek: bigint;
    readonly rt_sigprocmask: bigint;
  };
  /**
   * The AUDIT_ARCH_* constant of this architecture's own system calls; include/uapi/linux/audit.h.
   */
  readonly audit: number;
  /**
   * Layout of the general registers that ptrace(2) reads and writes as NT_PRSTATUS (`struct
   * user_regs_struct`); offsets in bytes.
   */
  readonly userRegisters: {
    /** Size of the structure in bytes. */
    readonly size: number;
    /** Offset of the instruction pointer. */
    readonly ip: number;
    /** Offset of the stack pointer. */
    readonly sp: number;
    /** Offset of the frame pointer. */
    readonly framePointer: number;
    /** Offset of the number of the system call that the thread is about to make. */
    readonly number: number;
    /** Offsets of the six arguments of a system call. */
    readonly args: readonly number[];
    /** Offset of the result of a system call. */
    readonly result: number;
    /**
     * Offset of the number that the kernel restarts an interrupted call by; a tracer sets it to -1
     * to prevent a restart. Absent where the kernel keeps that number out of reach.
     */
    readonly originalNumber?: number;
  };
  /**
   * Names of the registers that a perf sample can hold; the index is perf's number of the register.
   * An empty name stands for a register that is never sampled.
   */
  readonly perfRegisters: readonly string[];
  /** Flags of open(2) whose bits differ: O_DIRECTORY and O_NOFOLLOW. */
  readonly openFlags: { readonly directory: bigint; readonly nofollow: bigint };
  /** Signal handlers in machine code, as bytes; what they read lies at offsets from their start. */
  readonly signalHandlers: {
    /**
     * Writes the eight bytes at offset 40 to the descriptor whose number is the 32-bit word at
     * offset 32; write(2). It touches no other memory, and not errno.
     */
    readonly counter: readonly number[];
    /**
     * Goes on to another handler, or ends the process with status 128 and the signal's number if
     * the first signal came more than 300 / 1024 seconds ago. The word at offset 128 is the address
     * of two words: the address of the other handler, and the time of the first signal, 0 before.
     */
    readonly second: readonly number[];
  };
  /**
   * Number of frames in front of a program's own in the kernel stack that bpf_get_stack() sees from
   * within the program.
   */
  readonly helperFrames: number;
  /** Bytes of the instruction that makes a system call. */
  readonly syscallInstruction: readonly number[];
  /** Offsets of the six system call arguments in `struct pt_regs`, in bytes. */
  readonly syscallArguments: readonly number[];
  /** Offset of the system call number in `struct pt_regs`, in bytes. */
  readonly syscallNumber: number;
  /** Width of the system call number in `struct pt_regs`, in bytes. */
  readonly syscallNumberSize: 4 | 8;
  /**
   * Offsets of the registers in `struct pt_regs`, in bytes, by the names that the language's reg()
   * takes.
   */
  readonly registers: Readonly<Record<string, number>>;
  /** Names of the registers that hold a C function's first arguments, in order. */
  readonly functionArguments: readonly string[];
  /** Name of the register that holds a C function's result. */
  readonly functionResult: string;
  /**
   * Test for a 32-bit process on its `struct pt_regs`: the word at `offset`, masked with `mask`,
   * equals `value`.
   */
  readonly compat: { readonly offset: number; readonly mask: number; readonly value: number };
  /**
   * Bit of `status` in `struct thread_info` that is set while a thread is in a call by the ABI of
   * 32-bit programs, whatever mode its code runs in; absent where `compat` tells all such calls.
   */
  readonly compatStatus?: number;
  /** Offsets in `struct pt_regs` of the arguments of 32-bit programs' calls, in bytes. */
  readonly compatArguments: readonly number[];
}

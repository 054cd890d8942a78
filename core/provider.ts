// Pure: no I/O, no FFI.
// THE contract between the device and a provider: dt(4)'s alloc, dealloc and enter, for both
// planes. Types and their documentation only.

import type { Assembler } from "./asm/assembler.ts";
import type { Label, MapReference } from "./asm/instruction.ts";
import type { AccessSize } from "./asm/load_store.ts";
import type { Register } from "./asm/register.ts";
import type { EventFilter } from "./filter.ts";
import type { Pcb } from "./pcb.ts";
import type { Probe } from "./probe.ts";
import type { RingOutput } from "./ring_output.ts";
import type { NamespaceId } from "./thread_id.ts";

/** Version of this contract; a provider built for another one is refused. */
export const PROVIDER_CONTRACT = 1;

/**
 * Where a clause runs: `kernel` compiles it to BPF (needs CAP_BPF and CAP_PERFMON), `user` calls a
 * function in this process (needs nothing).
 */
export type PlaneName = "kernel" | "user";

/** An argument of a probe. */
export interface ArgumentSpec {
  /** Name, as in `args.NAME`. */
  readonly name: string;
  /** C type, as the kernel's headers spell it: "const char *", "unsigned int". */
  readonly type: string;
  /** Which location of the {@linkcode ContextLayout} holds it: "arg0", "retval", "number", … */
  readonly at: string;
  /** Number of elements, for an array whose element i is at `at` with its digits increased by i. */
  readonly count?: number;
}

/** What a provider says about one of its probes, before it has a number. */
export interface ProbeSpec {
  /** Full name: "syscall:openat:entry". */
  readonly name: string;
  /** Arguments in order; `argN` is the one with `at: "argN"`. */
  readonly args: readonly ArgumentSpec[];
  /** C type of the result, for probes that have one. */
  readonly retval?: string;
  /** Further locations of its context: "reg:ip", "usermode". */
  readonly locations?: readonly string[];
  /** C type of its context, where that has one: "struct bpf_iter__task". */
  readonly context?: string;
  /** What whoever asks for it should know: that the kernel cannot tick so fast. */
  readonly warning?: string;
  /** What it may do to those that are traced, if it is not known to be harmless. */
  readonly danger?: string;
  /** How it is had, where that is not as its name says: told to who asks for details. */
  readonly note?: string;
  /** Tells apart probes whose arguments have equal names and types in different places. */
  readonly layout?: string;
}

/** Part of the thread's state that the standard event records. dt(4)'s evtflags. */
export type State = "comm" | "args" | "kstack" | "ustack";

/**
 * How an argument is copied at the moment of the event: "int" its 64 bits; "string" what it points
 * to up to the NUL (at most 256 bytes, or as many as `string` says); `bytes` that many bytes.
 */
export type CaptureKind = "int" | "string" | {
  /** Most bytes of the string, its NUL included. */
  readonly string: number;
} | {
  /** Bytes to copy. */
  readonly bytes: number;
  /** Fewer if this argument, an address, comes before their end. */
  readonly upTo?: string;
};

/** Arguments to capture, by name. */
export type CaptureRequest = Readonly<Record<string, CaptureKind>>;

/** What a clause does. Opaque to the core and to providers. */
export interface Action {
  /** For the kernel plane. */
  readonly kernel?: KernelAction;
  /** For the user plane. */
  readonly user?: UserAction;
}

/** How a probe is to be enabled. */
export interface EnableRequest {
  /** What the standard event records beside pid, tid, CPU and time. */
  readonly states?: readonly State[];
  /** Which threads count. */
  readonly filter?: EventFilter;
  /** Arguments to copy into the event. */
  readonly capture?: CaptureRequest;
  /** Replaces the recorder; `states` and `capture` are then its business. */
  readonly action?: Action;
}

/** What came of one firing; the program counts it. */
export const OUTCOME = {
  /** The filter or predicate said no, or no enabled probe was meant. */
  filtered: 0,
  /** The action ran and wrote nothing to the ring. */
  aggregated: 1,
  /** The action ran and wrote to the ring. */
  recorded: 2,
  /** The action ran and at least one record found no room. */
  dropped: 3,
} as const;

/** One of {@linkcode OUTCOME}'s values. */
export type Outcome = typeof OUTCOME[keyof typeof OUTCOME];

/**
 * A place to load from: the context is loaded from at `path[0]`, the result at `path[1]`, and so
 * on; the last load has `size` bytes.
 */
export interface Location {
  /** Byte offsets, one per load. */
  readonly path: readonly number[];
  /** Bytes of the last load. */
  readonly size: AccessSize;
  /**
   * The value is an address: `inline` of the context at `path[0]` itself; `data_loc` and `rel_loc` of
   * data that a 32-bit word there tells the offset of, from the record's start or from the word's end.
   */
  readonly address?: "inline" | "data_loc" | "rel_loc";
  /** The value is in the process's memory, at what the context has at `path[0]` and more. */
  readonly memory?: UserOperand;
  /** The value is always this one. */
  readonly constant?: bigint;
  /**
   * The verifier would make a typed pointer of it (BTF), which cannot be computed with: it is copied by a
   * helper and is a number.
   */
  readonly pointer?: boolean;
  /** It is extended by its sign: others by zeros. */
  readonly signed?: boolean;
  /** The value is these bits of what is loaded. */
  readonly bits?: { readonly from: number; readonly width: number };
  /** What is loaded is a time of CLOCK_BOOTTIME, and the value what has passed since then; ns. */
  readonly elapsed?: boolean;
  /** It is an address of the kernel's memory, not of the process's. */
  readonly inKernel?: boolean;
}

/** An operand in memory as processors have them: register + index × scale + displacement. */
export interface UserOperand {
  /** Bytes to add. */
  readonly displacement: number;
  /** Offset of the index register in the context. */
  readonly index?: number;
  /** What the index is multiplied with: 1, 2, 4 or 8. */
  readonly scale?: number;
}

/** Where a program finds what, in its context. */
export interface ContextLayout {
  /** Equal for equal layouts; actions are emitted once per layout. */
  readonly id: string;
  /** By the name that {@linkcode ArgumentSpec.at} uses. */
  readonly locations: Readonly<Record<string, Location>>;
  /** True if all loads after the first need bpf_probe_read_kernel (no BTF types). */
  readonly untyped?: boolean;
}

/** What {@linkcode KernelAction.emit} has to work with. */
export interface ActionSite {
  /** Where to emit. */
  readonly asm: Assembler;
  /** Of the context. */
  readonly layout: ContextLayout;
  /** Frames of a kernel stack that are ours. */
  readonly skipFrames: number;
  /** Writes records. */
  readonly ring: RingOutput;
  /** The control block, for {@linkcode CONTROL} offsets. */
  readonly control: MapReference;
  /** The pid namespace that ids are told in; undefined for the initial one. */
  readonly namespace?: NamespaceId;
  /** Offset of the action's scratch memory in the CPU block, {@linkcode KernelAction.scratchBytes} long. */
  readonly scratch: number;
}

/**
 * A body that the compiler side emits, as one BPF function.
 *
 * At its entry R1 is the context, R2 the CPU block ({@linkcode CPU_BLOCK}) and R3 the probe's number;
 * R6 to R9 and the stack are its own. It leaves with an {@linkcode OUTCOME} in R0. It runs with the
 * per-CPU guard held: nothing of this session interrupts it on its CPU.
 */
export interface KernelAction {
  /** Bytes of per-CPU scratch memory that it wants. */
  readonly scratchBytes: number;
  /** False if it reads nothing of the context: a provider may then give it a cheaper one. */
  readonly readsContext?: boolean;
  /** Emits the function, its exit included. */
  emit(site: ActionSite): void;
}

/** Tells which PCB of an attachment is meant, where one program serves many. */
export interface Selector {
  /** Emits code that leaves a key in R0. R1 to R5 are clobbered; `context` must survive. */
  emit(asm: Assembler, context: Register): void;
  /** The key of each PCB, in the order of {@linkcode KernelAttachment.pcbs}; unique. */
  readonly keys: readonly number[];
}

/** The program type that an attachment needs. */
export interface AttachType {
  /** Type. */
  readonly type: "RAW_TRACEPOINT" | "TRACING" | "PERF_EVENT" | "TRACEPOINT" | "KPROBE";
  /** `expected_attach_type` */
  readonly expectedAttachType?: number;
  /** BTF id that a TRACING program attaches to. */
  readonly attachBtfId?: number;
  /** The kernel module that has this id; absent: vmlinux. */
  readonly attachModule?: string;
}

/** PCBs that fire together: one BPF program. */
export interface KernelAttachment {
  /** Discriminates from {@linkcode UserAttachment}. */
  readonly plane: "kernel";
  /** For bpftool. */
  readonly name: string;
  /** What fires. */
  readonly pcbs: readonly Pcb[];
  /** Program type. */
  readonly program: AttachType;
  /** Of the context. */
  readonly layout: ContextLayout;
  /**
   * Kernel stack frames between the probe and bpf_get_stack: ours, to be skipped. Measured per
   * attach type, so that a stack reads as bpftrace prints it.
   */
  readonly skipFrames: number;
  /** Absent if there is one PCB and every firing is its. */
  readonly select?: Selector;
  /**
   * Of a clock, one of whose ticks is due every so often on each CPU where it runs: those that do not
   * come are counted as skipped.
   */
  readonly periodNs?: bigint;
  /**
   * Emits code that runs first at each firing and goes to `out`, uncounted, if it is none. R0 to R5, R8, R9
   * and 8 bytes of stack are its own; `context` must survive.
   */
  prologue?(asm: Assembler, context: Register, out: Label): void;
  /**
   * Starts firing. Called once, when all programs of the session are loaded.
   *
   * @param ticks A clock tells it where it runs.
   */
  attach(program: MapReference, ticks: TickCounter): Disposable | Pulled;
}

/** What fires only while this process asks for it. */
export interface Pulled extends Disposable {
  /** Lets it fire some times; false when it will not any more. */
  pull(): boolean;
}

/** Counts a clock's ticks that do not come. */
export interface TickCounter {
  /** To be called when the clock has started on a CPU. */
  start(cpu: number): void;
  /** To be called when it has ended there; `gone` if the CPU has: nobody knows when. */
  stop(cpu: number, gone: boolean): void;
}

/**
 * The thread that an event is about, as this process may see it. What costs a look into /proc is read
 * when it is asked for.
 */
export interface UserThread {
  /** Process. */
  readonly pid: number;
  /** Thread. */
  readonly tid: number;
  /** Name of the thread, one character a byte. */
  readonly comm: string;
  /** Real user and group. */
  readonly uid: number;
  /** Real group. */
  readonly gid: number;
  /** CPU that it ran on last. */
  readonly cpu: number;
  /** Parent process. */
  readonly ppid: number;
  /** Name of another thread: of the parent process, or of the process's first thread. */
  commOf(pid: number): string;
  /** Id of its cgroup (version 2); 0 if it cannot be told. */
  readonly cgroup: bigint;
  /**
   * Copies memory of the process, up to what cannot be read.
   *
   * @returns Bytes copied, 0 if there was nothing to read.
   */
  read(address: bigint, into: Uint8Array): number;
  /** Overwrites memory of the process; false if that failed. */
  write(address: bigint, bytes: Uint8Array): boolean;
  /** Return addresses, leaf first, as frame pointers tell them. */
  stack(limit: number): readonly bigint[];
  /** Sends a signal: to the process, or to this thread. */
  signal(number: number, to: "process" | "thread"): void;
}

/** One firing on the user plane. It may be the same object each time, so nothing of it is kept. */
export interface UserEvent {
  /** CPU it happened on, 0 where that is not known. */
  readonly cpu: number;
  /** CLOCK_BOOTTIME. */
  readonly timestampNs: bigint;
  /** Whose event it is. */
  readonly thread: UserThread;
  /** Values by the names of {@linkcode ArgumentSpec.at}. */
  readonly values: Readonly<Record<string, bigint>>;
}

/** What actions share with the session on the user plane. */
export interface UserSite {
  /** 32-bit words at {@linkcode CONTROL}'s offsets. */
  readonly control: Int32Array;
  /** Map updates that failed; the action counts them. */
  failedUpdates: bigint;
}

/** Called for each event, in the thread that owns the stop; tells what came of it. */
export type UserAction = (event: UserEvent, pbn: number, site: UserSite) => Outcome;

/** What an event source has to work with. */
export interface UserHost {
  /** To be called synchronously for each event; after `signal` aborted only for what came before. */
  enter(pcb: Pcb, event: UserEvent): void;
  /** Reports ticks that came too late to be delivered. */
  skipped(cpu: number, ticks: number): void;
  /** Aborts when events are not wanted any more; listeners let go of everything at once. */
  readonly signal: AbortSignal;
  /** True if the session's owner wants the thread back: a source that holds it returns to the event loop. */
  readonly wanted: boolean;
  /** True if no other source of the session needs the thread's event loop. */
  readonly alone: boolean;
}

/** PCBs whose events reach this process. */
export interface UserAttachment {
  /** Discriminates from {@linkcode KernelAttachment}. */
  readonly plane: "user";
  /** What fires. */
  readonly pcbs: readonly Pcb[];
  /**
   * Produces events until the host's signal aborts or none can come any more, then settles. What it
   * throws at once refuses the start of the session; what its promise is rejected with ends it.
   *
   * @throws {DtError} ESRCH, EPERM and the like: the events cannot be had.
   */
  run(host: UserHost): Promise<void>;
}

/** Either plane's. */
export type Attachment = KernelAttachment | UserAttachment;

/** The process that a session of the user plane looks at, with all that descends from it. */
export interface Target {
  /** Process. */
  readonly pid: number;
  /**
   * Hands over a child that this thread traces and holds before its first instruction. Without it
   * the process runs, and a source that needs ptrace(2) attaches.
   */
  take?(): void;
  /** Stops only calls that are asked for, by a seccomp filter in the child. */
  readonly seccomp?: boolean;
}

/** A child that is held before its first instruction: a target, or something to be released. */
export interface HeldChild extends Target, Disposable {
  /** Hands it over to a tracer. */
  take(): void;
  /** Lets it run, untraced. */
  release(): void;
}

/** What a provider may know of the session that enables a probe. */
export interface ProviderSession {
  /** Its plane. */
  readonly plane: PlaneName;
  /** User plane: what is looked at, if anything but this process is. */
  readonly target?: Target;
}

/** A source of probes. Stateless: what it hands out carries all that it needs to know. */
export interface Provider {
  /** {@linkcode PROVIDER_CONTRACT} of the version that it was written for. */
  readonly contract: number;
  /** First word of its probes. */
  readonly name: string;
  /**
   * Lists probes; attaches nothing and reads no more than it must.
   *
   * @param pattern Full name with `*`; a hint: the registry filters again.
   */
  probes(pattern?: string): Iterable<ProbeSpec>;
  /**
   * Describes one probe by its full name, or undefined if there is none. Also for probes that are
   * not listed because there are too many: "interval:ms:250".
   *
   * @throws {DtError} EINVAL the name has the right form and a bad value in it.
   */
  provide(name: string): ProbeSpec | undefined;
  /**
   * Checks a request and builds its PCBs; nothing fires yet.
   *
   * @throws {DtError} EINVAL the request does not fit the probe; EOPNOTSUPP the probe cannot exist
   * on this plane, with the reason.
   */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[];
  /** Takes PCBs back; they do not fire any more. */
  dealloc(pcbs: readonly Pcb[]): void;
  /** Groups what fires together, for the session's plane: all system calls are one attachment. */
  attachments(pcbs: readonly Pcb[], session: ProviderSession): Attachment[];
}

// Pure: no I/O, no FFI.
// PCBs that fire together, as their provider describes them to the session: on the kernel plane one BPF
// program and the way to attach it, on the user plane one source of events.

import type { Assembler } from "../asm/assembler.ts";
import type { Label, MapReference } from "../asm/instruction.ts";
import type { Register } from "../asm/register.ts";
import type { ContextLayout } from "./context.ts";
import type { Pcb } from "./pcb.ts";
import type { UserEvent } from "./user_action.ts";

/** Tells which PCB of an attachment is meant, where one program serves many. */
export interface Selector {
  /**
   * Emits code that leaves a key in R0. R1 to R5 are clobbered; `context` must survive, and `block`, which
   * holds the address of the CPU block ({@linkcode CPU_BLOCK}).
   */
  emit(asm: Assembler, context: Register, block: Register): void;
  /**
   * Emits code that jumps to `out` if the firing, whose key is a PCB's, is another event after all: for what
   * costs too much to be found out at each firing. R0 to R5 are clobbered; `context` and `block` must survive.
   */
  confirm?(asm: Assembler, context: Register, block: Register, out: Label): void;
  /** The key of each PCB, in the order of {@linkcode KernelAttachment.pcbs}; unique. */
  readonly keys: readonly number[];
}

/** The program type that an attachment needs. */
export interface AttachType {
  /** Type of the program, by its name without BPF_PROG_TYPE_. */
  readonly type: "RAW_TRACEPOINT" | "TRACING" | "PERF_EVENT" | "TRACEPOINT" | "KPROBE";
  /** Value of `expected_attach_type` for BPF_PROG_LOAD; absent: 0. */
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
  /** Name of the program, which bpftool shows; cut to 15 characters. */
  readonly name: string;
  /** The PCBs whose events this attachment delivers. */
  readonly pcbs: readonly Pcb[];
  /** The kind of program to load. */
  readonly program: AttachType;
  /** Where the program finds the values of an event in its context. */
  readonly layout: ContextLayout;
  /**
   * Number of kernel stack frames between the probe and bpf_get_stack. They belong to the tracer and are
   * left out of stacks. Measured for each type of attachment against bpftrace's stacks, on x86-64; what
   * other processors have in addition is `helperFrames` of core/sys/arch. 0 for an attachment whose
   * programs have the registers of the probed code.
   */
  readonly skipFrames: number;
  /** Tells the PCBs apart; absent if there is one PCB, which every firing belongs to. */
  readonly select?: Selector;
  /**
   * Nanoseconds between the ticks of a clock on each CPU where the clock runs; absent for other
   * attachments. Ticks that do not come are counted as skipped.
   */
  readonly periodNs?: bigint;
  /**
   * Emits code that runs first at each firing. The code jumps to `out` if the firing is no event of the
   * probe; such a firing is not counted. The code may use R0 to R5, R8, R9 and 8 bytes of stack;
   * `context` must survive.
   */
  prologue?(asm: Assembler, context: Register, out: Label): void;
  /**
   * Starts firing. Called once, when all programs of the session are loaded.
   *
   * @param ticks Told by a clock on which CPUs the clock runs.
   */
  attach(program: MapReference, ticks: TickCounter): Disposable | Pulled;
}

/** An attachment that fires only while this process asks for events. */
export interface Pulled extends Disposable {
  /** Lets the attachment fire some times; false when no more events can come. */
  pull(): boolean;
}

/** Counts the ticks of a clock that did not come. */
export interface TickCounter {
  /** To be called when the clock has started on a CPU. */
  start(cpu: number): void;
  /** To be called when the clock has ended on a CPU; `gone` if the CPU went offline at an unknown time. */
  stop(cpu: number, gone: boolean): void;
}

/** What the session offers to an event source of the user plane. */
export interface UserHost {
  /** To be called synchronously for each event; after `signal` aborted only for events from before that. */
  enter(pcb: Pcb, event: UserEvent): void;
  /** Reports ticks that came too late to be delivered. */
  skipped(cpu: number, ticks: number): void;
  /** Reports a system call by the ABI of 32-bit programs, which an enabled probe of a call does not see. */
  foreignCall(): void;
  /** Aborts when events are not wanted any more; listeners release everything that they hold at once. */
  readonly signal: AbortSignal;
  /** True if the session's owner needs the thread: a source that blocks then returns to the event loop. */
  readonly wanted: boolean;
  /** There while the reader has no room: a source whose events can wait goes on when it settles. */
  readonly held?: Promise<void>;
  /** True if no other source of the session needs the thread's event loop. */
  readonly alone: boolean;
}

/** PCBs that fire together on the user plane: one source of events in this process. */
export interface UserAttachment {
  /** Discriminates from {@linkcode KernelAttachment}. */
  readonly plane: "user";
  /** The PCBs whose events this attachment delivers. */
  readonly pcbs: readonly Pcb[];
  /**
   * Produces events until the host's signal aborts or no event can come any more, then settles. An error
   * that is thrown at once refuses the start of the session; a rejected promise ends the session.
   *
   * @throws {DtError} ESRCH, EPERM and the like: the events cannot be had.
   */
  run(host: UserHost): Promise<void>;
}

/** An attachment of either plane. */
export type Attachment = KernelAttachment | UserAttachment;

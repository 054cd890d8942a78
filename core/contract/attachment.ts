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

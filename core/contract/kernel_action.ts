// Pure: no I/O, no FFI.
// An action on the kernel plane: a function that emits BPF code, what that code has to work with, and
// the outcome that it returns.

import type { Assembler } from "../asm/assembler.ts";
import type { Label, MapReference } from "../asm/instruction.ts";
import type { Operand } from "../asm/alu.ts";
import type { Register } from "../asm/register.ts";
import type { ContextLayout } from "./context.ts";

/** Where a program's values stand while it writes a record. */
export interface OutputSite {
  /** Register that holds the address of the CPU block; survives the write. */
  readonly block: Register;
  /** Label to jump to if the ring has no room; the record has been counted as lost by then. */
  readonly lost: Label;
}

/** Emits code that writes records into the session's ring and counts those that find no room. */
export interface RecordOutput {
  /**
   * Emits code that reserves `bytes` in the ring and leaves their address in `record`. Clobbers R0 to R5.
   * The verifier demands {@linkcode RecordOutput.emitSubmit} on every path that follows.
   */
  emitReserve(asm: Assembler, record: Register, bytes: number, site: OutputSite): void;
  /**
   * Emits code that counts the record as lost and goes to `site.lost` where nothing but the ring's reserve is
   * free. Clobbers R0 to R5.
   */
  emitRoom(asm: Assembler, site: OutputSite): void;
  /** Emits code that commits the record of {@linkcode RecordOutput.emitReserve}. Clobbers R0 to R5. */
  emitSubmit(asm: Assembler, record: Register): void;
  /**
   * Emits code that copies a record into the ring. Clobbers R0 to R5.
   *
   * @param data The record: a register other than R0 to R5, and an offset from it.
   * @param length Bytes: a number, or a register whose bounds the verifier knows.
   * @param site `control` records may use the ring's reserve; a `wakeup` record wakes the reader whatever
   * the reader asked for, and counts as no loss where it finds no room.
   */
  emitOutput(
    asm: Assembler,
    data: { readonly base: Register; readonly offset: number },
    length: Operand,
    site: OutputSite & { readonly control?: boolean; readonly wakeup?: boolean },
  ): void;
}

/** A pid namespace by the device and inode of its file in /proc/PID/ns. */
export interface NamespaceId {
  /** Device of the namespace's file. */
  readonly dev: bigint;
  /** Inode of the namespace's file. */
  readonly ino: bigint;
}

/** What the session offers to {@linkcode KernelAction.emit}. */
export interface ActionSite {
  /** The program under construction. */
  readonly asm: Assembler;
  /** Where the program finds the values of an event in its context. */
  readonly layout: ContextLayout;
  /** Number of innermost frames of a kernel stack that belong to the tracer. */
  readonly skipFrames: number;
  /** Emits code that writes records into the ring. */
  readonly ring: RecordOutput;
  /** The control block, for {@linkcode CONTROL} offsets. */
  readonly control: MapReference;
  /** The pid namespace whose numbers processes get in events; undefined for the initial namespace. */
  readonly namespace?: NamespaceId;
  /**
   * Offset of the name in a thread's task_struct, eight-aligned, where the program may load from typed
   * pointers and the kernel fills names up with zeros; undefined elsewhere.
   */
  readonly taskName?: number;
  /** Offset of the action's scratch memory in the CPU block, {@linkcode KernelAction.scratchBytes} long. */
  readonly scratch: number;
}

/**
 * A body that the compiler side emits, as one BPF function.
 *
 * At its entry R1 is the context, R2 the CPU block ({@linkcode CPU_BLOCK}) and R3 the probe's number;
 * the function may use R6 to R9 and the stack. The function returns an {@linkcode OUTCOME} in R0. While it
 * runs, no other program of the session runs on its CPU.
 */
export interface KernelAction {
  /** Bytes of scratch memory that the action needs on each CPU. */
  readonly scratchBytes: number;
  /** False if the action reads nothing of the context: a provider may then attach it more cheaply. */
  readonly readsContext?: boolean;
  /** Emits the function, its exit included. */
  emit(site: ActionSite): void;
}

// Pure: no I/O, no FFI.
// The action of a probe that was enabled without an action: emits code that fills the standard
// event and submits it to the ring. core/contract/event_layout.ts lays the event out;
// core/user_plane/user_plane.ts fills the same event on the user plane.
//
// Registers: R6 context, R7 CPU block, R8 record, R9 probe number.

import type { Assembler } from "../asm/assembler.ts";
import { add64, and64, imm, mov32, mov64, or64, rsh64, sub64 } from "../asm/alu.ts";
import { callHelper, exit, jeq, jle } from "../asm/jump.ts";
import { load, store, storeImm } from "../asm/load_store.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import { R0, R1, R2, R3, R4, R6, R7, R8, R9 } from "../asm/register.ts";
import {
  type CaptureSlot,
  type CaptureSource,
  COMM_BYTES,
  EVENT,
  type EventLayout,
  KIND_EVENT,
  MAX_ARGUMENTS,
  MAX_STACK_FRAMES,
} from "../contract/event_layout.ts";
import { emitLoad, narrow } from "./location.ts";
import type { ActionSite, KernelAction } from "../contract/kernel_action.ts";
import { OUTCOME } from "../contract/outcome.ts";
import { emitHeader } from "./ring_output.ts";
import { emitPidTgid } from "./thread_id.ts";

/** Flag of bpf_get_stack(): the stack of the process instead of the kernel's. */
const BPF_F_USER_STACK = 1 << 8;
/** Offset from R10 of 8 bytes of stack that the code uses. */
const SPILL = -8;
/** Helpers that read a string or bytes, by the memory that they read. */
const READ = {
  user: { text: BPF_FUNC.probe_read_user_str, bytes: BPF_FUNC.probe_read_user },
  kernel: { text: BPF_FUNC.probe_read_kernel_str, bytes: BPF_FUNC.probe_read_kernel },
};

/**
 * Recorders of a session by what they record: probes that record alike share a recorder, and so one
 * piece of code.
 */
export type RecorderCache = Map<string, KernelAction>;

/**
 * Returns the recorder of an enabling, an action that fills the standard event.
 *
 * @param layout Layout of the event.
 * @param sources The arguments that the recorder copies.
 * @param cache Recorders of the session so far; a new recorder is added.
 */
export function recorder(
  layout: EventLayout,
  sources: readonly CaptureSource[],
  cache: RecorderCache,
): KernelAction {
  const key = JSON.stringify([layout.states, sources]);
  let action = cache.get(key);
  if (action === undefined) cache.set(key, action = recorderAction(layout, sources));
  return action;
}

/** Makes a recorder that is not in the cache. */
function recorderAction(
  layout: EventLayout,
  sources: readonly CaptureSource[],
): KernelAction {
  return {
    scratchBytes: 0,
    emit(site: ActionSite): void {
      const { asm, ring } = site;
      const lost = asm.label("lost");
      asm.emit(mov64(R6, R1), mov64(R7, R2), mov64(R9, R3));
      ring.emitReserve(asm, R8, layout.size, { block: R7, lost });
      emitHeader(asm, R8, 0, { kind: KIND_EVENT, id: R9, size: imm(layout.size) });
      emitPidTgid(asm, site.namespace, SPILL);
      asm.emit(
        store(4, R8, EVENT.tid, R0),
        rsh64(R0, imm(32)),
        store(4, R8, EVENT.pid, R0),
        storeImm(4, R8, EVENT.states, layout.states),
        storeImm(4, R8, EVENT.states + 4, 0),
      );
      if (layout.at.comm !== undefined) {
        asm.emit(
          mov64(R1, R8),
          add64(R1, imm(layout.at.comm)),
          mov64(R2, imm(COMM_BYTES)),
          callHelper(BPF_FUNC.get_current_comm),
        );
      }
      if (layout.at.args !== undefined) emitArguments(site, layout.at.args);
      if (layout.at.kstack !== undefined) emitStack(asm, layout.at.kstack, site.skipFrames);
      if (layout.at.ustack !== undefined) emitStack(asm, layout.at.ustack, BPF_F_USER_STACK);
      for (const { slot, at, type, end } of sources) {
        if (end !== undefined) {
          emitRange(site, slot, at, end);
          continue;
        }
        emitLoad(asm, site.layout, site.layout.locations[at], R6, SPILL);
        if (slot.kind === "int") {
          asm.emit(...narrow(type));
          asm.emit(storeImm(8, R8, slot.at, 8), store(8, R8, slot.at + 8, R0));
          continue;
        }
        const isString = slot.kind === "string" || "string" in slot.kind;
        const read = READ[site.layout.locations[at].inKernel ? "kernel" : "user"];
        asm.emit(
          mov64(R3, R0),
          mov64(R1, R8),
          add64(R1, imm(slot.at + 8)),
          mov64(R2, imm(slot.bytes)),
          callHelper(isString ? read.text : read.bytes),
        );
        if (!isString) asm.emit(...lengthOrError(slot.bytes));
        asm.emit(store(8, R8, slot.at, R0));
      }
      ring.emitSubmit(asm, R8);
      asm.emit(mov32(R0, imm(OUTCOME.recorded)), exit());
      asm.bind(lost);
      asm.emit(mov32(R0, imm(OUTCOME.dropped)), exit());
    },
  };
}

/**
 * Emits code that copies the memory between two addresses, as far as the slot has room. R8 is the
 * record.
 */
function emitRange(site: ActionSite, slot: CaptureSlot, at: string, end: string): void {
  const { asm, layout } = site;
  const short = asm.label("short");
  const done = asm.label("done");
  const { inKernel } = layout.locations[at];
  emitLoad(asm, layout, layout.locations[end], R6, SPILL);
  asm.emit(store(8, R8, slot.at, R0));
  emitLoad(asm, layout, layout.locations[at], R6, SPILL);
  asm.emit(
    mov64(R3, R0),
    load(8, R2, R8, slot.at),
    sub64(R2, R3),
    jle(R2, imm(slot.bytes), short),
    mov64(R2, imm(slot.bytes)),
  );
  asm.bind(short);
  asm.emit(
    store(8, R8, slot.at, R2),
    mov64(R1, R8),
    add64(R1, imm(slot.at + 8)),
    callHelper(READ[inKernel ? "kernel" : "user"].bytes),
    jeq(R0, imm(0), done),
    store(8, R8, slot.at, R0),
  );
  asm.bind(done);
}

/**
 * Makes the instructions that turn the result of probe_read_user() into a length: the helper
 * returns 0 or a negative errno, and `bytes` replaces the 0.
 */
function lengthOrError(bytes: number) {
  return [
    mov64(R1, R0),
    rsh64(R1, imm(63)),
    sub64(R1, imm(1)), // all ones after success, zero after an error
    and64(R1, imm(bytes)),
    or64(R0, R1),
  ];
}

/** Emits the copies of the probe's arguments; if the probe has a result, of the result alone. */
function emitArguments(site: ActionSite, at: number): void {
  const { asm, layout } = site;
  const result = layout.locations.retval;
  for (let i = 0; i < MAX_ARGUMENTS; i++) {
    const location = result === undefined
      ? layout.locations[`arg${i}`]
      : i === 0
      ? result
      : undefined;
    if (location === undefined) {
      asm.emit(storeImm(8, R8, at + i * 8, 0));
    } else {
      emitLoad(asm, layout, location, R6, SPILL);
      asm.emit(store(8, R8, at + i * 8, R0));
    }
  }
}

/** Emits the copy of a stack: an s64 length in bytes (or a negative errno), then the frames. */
function emitStack(asm: Assembler, at: number, flags: number): void {
  asm.emit(
    mov64(R1, R6),
    mov64(R2, R8),
    add64(R2, imm(at + 8)),
    mov64(R3, imm(MAX_STACK_FRAMES * 8)),
    mov64(R4, imm(flags)),
    callHelper(BPF_FUNC.get_stack),
    store(8, R8, at, R0),
  );
}

// Pure: no I/O, no FFI.
// Emits the parts that all records share: the test whether the process is recorded, and the record's owner.
//
// Registers: R6 context, R7 CPU block, R8 value of the map. Stack: 8 bytes for a word, 8 for a key.

import type { Assembler } from "../../../core/asm/assembler.ts";
import { add64, imm, mov32, mov64, type Operand, rsh64 } from "../../../core/asm/alu.ts";
import { BPF_FUNC } from "../../../core/asm/generated/helpers.ts";
import type { Label, MapReference } from "../../../core/asm/instruction.ts";
import { callHelper, exit, ja, jeq, jle, jset } from "../../../core/asm/jump.ts";
import { atomicExchange, atomicOp, load, store, storeImm } from "../../../core/asm/load_store.ts";
import { R0, R1, R10, R2, R3, R6, R7, R8, R9, type Register } from "../../../core/asm/register.ts";
import { emitLookup as emitMapLookup } from "../../../core/kernel_plane/map_access.ts";
import { HEADER } from "../../../core/contract/event_layout.ts";
import type { ActionSite } from "../../../core/contract/kernel_action.ts";
import { OUTCOME } from "../../../core/contract/outcome.ts";
import { emitHeader } from "../../../core/kernel_plane/ring_output.ts";
import { emitPidTgid } from "../../../core/kernel_plane/thread_id.ts";
import { CAPTURED, KIND, RECORD, SCRATCH, TRACED } from "./layout.ts";

/** Stack offset of a word for temporary values. */
export const SPILL = -8;
/** Stack offset of a key of the map. */
const KEY = -16;
/** Stack offset of the running thread's process and thread ids, which {@linkcode emitTraced} stores. */
export const IDS = -24;

/** Byte offsets of the fields of the kernel's structures that the actions read. */
export interface TaskFields {
  /** Offset of the start time in task_struct. */
  readonly startTime: number;
  /** Offset of the mask of blocked signals in task_struct. */
  readonly blocked: number;
  /** Offset of the mode of seccomp in task_struct. */
  readonly seccomp: number;
  /** Offset of the pointer to signal_struct in task_struct. */
  readonly signal: number;
  /** Offset of the group's exit code in signal_struct. */
  readonly exitCode: number;
}

/** Map and offsets that all actions use. */
export interface Parts {
  /** A byte for each number of a system call: 0 if the call is not recorded. Absent: all are. */
  readonly calls?: MapReference;
  /** The map of recorded processes. */
  readonly traced: MapReference;
  /** Byte offsets of fields in the kernel's structures. */
  readonly fields: TaskFields;
}

/** Sets R6 to R8 for a process with one of the points; ends the action for others. Clobbers R0 to R5. */
export function emitTraced(site: ActionSite, parts: Parts, points: number): void {
  const { asm } = site;
  const found = asm.label("found");
  const none = asm.label("none");
  const wanted = asm.label("wanted");
  asm.emit(mov64(R6, R1), mov64(R7, R2));
  emitPidTgid(asm, site.namespace, SPILL);
  asm.emit(store(8, R10, IDS, R0), rsh64(R0, imm(32)));
  emitLookup(asm, parts.traced, none);
  asm.emit(ja(found));
  asm.bind(none);
  asm.emit(mov32(R0, imm(OUTCOME.filtered)), exit());
  asm.bind(found);
  asm.emit(mov64(R8, R0), load(4, R1, R8, TRACED.points), jset(R1, imm(points), wanted), ja(none));
  asm.bind(wanted);
}

/** Looks up the process id in R0; leaves the address of its value in R0, or jumps to `none`. */
export function emitLookup(asm: Assembler, traced: MapReference, none: Label): void {
  asm.emit(store(8, R10, KEY, R0));
  emitMapLookup(asm, traced, KEY, none);
}

/** Puts the address of the last {@linkcode emitLookup}'s key into a register. */
export function emitKey(asm: Assembler, into: Register): void {
  asm.emit(mov64(into, R10), add64(into, imm(KEY)));
}

/** A record of fixed size that is to be made. */
export interface FixedRecord {
  /** Type of the record, or one of EVENT. */
  readonly type: number;
  /** Bytes of the payload. */
  readonly bytes: number;
  /** Where to go if the ring has no room; the session has counted the loss. */
  readonly lost: Label;
  /** The record tells of a birth or of an end: it may use the ring's reserve. */
  readonly tellsLife?: boolean;
}

/**
 * Reserves a record of fixed size in the ring, leaves its address in R9 and fills its common part; the caller
 * fills the payload and submits. Clobbers R0 to R5.
 */
export function emitFixed(site: ActionSite, parts: Parts, record: FixedRecord): void {
  const { asm, ring } = site;
  const { type, bytes, lost, tellsLife = false } = record;
  const size = RECORD.payload + bytes;
  if (!tellsLife) ring.emitRoom(asm, { block: R7, lost });
  ring.emitReserve(asm, R9, size, { block: R7, lost });
  emitCommon(site, parts, { base: R9, offset: 0 }, imm(size));
  asm.emit(storeImm(4, R9, RECORD.type, type));
}

/**
 * {@linkcode emitFixed} for an action that makes one record only and ends with {@linkcode emitSubmit}. If the
 * ring has no room, the loss is counted for the process and the action ends.
 */
export function emitReserve(site: ActionSite, parts: Parts, type: number, bytes: number): void {
  const { asm } = site;
  const [lost, ok] = ["lost", "reserved"].map((one) => asm.label(one));
  emitFixed(site, parts, { type, bytes, lost });
  asm.emit(ja(ok));
  asm.bind(lost);
  emitLost(asm);
  asm.emit(mov32(R0, imm(OUTCOME.dropped)), exit());
  asm.bind(ok);
}

/** Hands over what was reserved, and ends the action. */
export function emitSubmit(site: ActionSite): void {
  const { asm, ring } = site;
  ring.emitSubmit(asm, R9);
  asm.emit(mov32(R0, imm(OUTCOME.recorded)), exit());
}

/** One more record of the process was lost; RingOutput has counted it for the session. */
export function emitLost(asm: Assembler): void {
  asm.emit(mov64(R1, imm(1)), atomicOp(4, "add", R8, TRACED.lost, R1));
}

/**
 * Writes the record of scratch memory, which has R9 bytes of data, at most `most`, and its type; counts it if
 * there is no room. Leaves the outcome in R0.
 *
 * @param tellsLife The record tells of a program that is executed: it may use the ring's reserve.
 */
export function emitOutput(
  site: ActionSite,
  parts: Parts,
  most: number,
  tellsLife: boolean = false,
): void {
  const { asm, ring } = site;
  const base: Register = R7;
  const at = { base, offset: site.scratch + SCRATCH.record };
  const [lost, done, fits] = ["lost", "done", "fits"].map((one) => asm.label(one));
  asm.emit(jle(R9, imm(most), fits), mov64(R9, imm(most)));
  asm.bind(fits);
  asm.emit(add64(R9, imm(CAPTURED.data)));
  emitCommon(site, parts, at, R9);
  ring.emitOutput(asm, at, R9, { block: R7, lost, control: tellsLife });
  asm.emit(mov32(R0, imm(OUTCOME.recorded)), ja(done));
  asm.bind(lost);
  emitLost(asm);
  asm.emit(mov32(R0, imm(OUTCOME.dropped)));
  asm.bind(done);
}

/** A record of nothing but its type, of a process that is looked up no more. Leaves the outcome in R0. */
export function emitNotice(site: ActionSite, parts: Parts, type: number): void {
  const { asm, ring } = site;
  const [lost, done] = ["lost", "done"].map((one) => asm.label(one));
  emitFixed(site, parts, { type, bytes: 0, lost, tellsLife: true });
  ring.emitSubmit(asm, R9);
  asm.emit(mov32(R0, imm(OUTCOME.recorded)), ja(done));
  asm.bind(lost);
  asm.emit(mov32(R0, imm(OUTCOME.dropped)));
  asm.bind(done);
}

/** The header and whose record it is, but for the type. Clobbers R0 to R5. */
export function emitCommon(
  site: ActionSite,
  parts: Parts,
  at: { readonly base: Register; readonly offset: number },
  size: Operand,
): void {
  const { asm } = site;
  const { base, offset } = at;
  const none = asm.label("none_lost");
  emitHeader(asm, base, offset, { kind: KIND, id: imm(0), size });
  asm.emit(
    load(4, R1, R8, TRACED.file),
    store(4, base, offset + HEADER.id, R1),
    load(8, R0, R10, IDS),
    store(4, base, offset + RECORD.tid, R0),
    rsh64(R0, imm(32)),
    store(4, base, offset + RECORD.pid, R0),
  );
  emitTask(site, parts, at);
  asm.emit(
    // What was lost is told by the next record: looked at first, an exchange costs more.
    load(4, R1, R8, TRACED.lost),
    jeq(R1, imm(0), none),
    mov64(R1, imm(0)),
    atomicExchange(4, R8, TRACED.lost, R1),
  );
  asm.bind(none);
  asm.emit(store(4, base, offset + RECORD.lost, R1));
}

/** Name and start of the running thread: loaded where the program may do so, else copied by helpers. */
function emitTask(
  { asm, taskName }: ActionSite,
  { fields }: Parts,
  { base, offset }: { readonly base: Register; readonly offset: number },
): void {
  if (taskName !== undefined) {
    asm.emit(
      callHelper(BPF_FUNC.get_current_task_btf),
      load(8, R1, R0, taskName),
      load(8, R2, R0, taskName + 8),
      load(8, R3, R0, fields.startTime),
      store(8, base, offset + RECORD.comm, R1),
      store(8, base, offset + RECORD.comm + 8, R2),
      store(8, base, offset + RECORD.start, R3),
    );
    return;
  }
  asm.emit(
    mov64(R1, base),
    add64(R1, imm(offset + RECORD.comm)),
    mov64(R2, imm(16)),
    callHelper(BPF_FUNC.get_current_comm),
    callHelper(BPF_FUNC.get_current_task),
    mov64(R3, R0),
    add64(R3, imm(fields.startTime)),
    mov64(R1, base),
    add64(R1, imm(offset + RECORD.start)),
    mov64(R2, imm(8)),
    callHelper(BPF_FUNC.probe_read_kernel),
  );
}

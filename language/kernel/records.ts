// Pure: no I/O, no FFI.
// Records: what printf, print, clear, zero, exit and faults send from the kernel to this process.

import { add64, imm, mov64, type Operand } from "../../core/asm/alu.ts";
import { callHelper, ja, jge } from "../../core/asm/jump.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3, R7, R8 } from "../../core/asm/register.ts";
import { HEADER } from "../../core/contract/event_layout.ts";
import { OUTCOME } from "../../core/contract/outcome.ts";
import { emitHeader, type RingOutput } from "../../core/kernel_plane/ring_output.ts";
import type { Action, Node } from "../model/ir.ts";
import type { StringType } from "../model/types.ts";
import { KIND_PLAN, type RecordLayout, type RuntimeFault, type Slot } from "../model/plan.ts";
import type { Place } from "./frame.ts";
import { type Gen, shifted } from "./emitter.ts";
import { placeKey } from "./maps.ts";
import { locate, place } from "./memory.ts";
import { raiseOutcome } from "./scalar.ts";
import { readText } from "./strings.ts";

/** Writes a record and raises the outcome. String literals are not sent. */
export function emitRecord(gen: Gen, action: Action & { op: "record" }): void {
  const { id, layout, sent } = gen.shared.plans.record(action);
  gen.frame.scope(() => {
    const record = gen.frame.block((layout.maximum + 7) & ~7);
    const packs = layout.slots.some(({ form }) => form === "packed");
    // A value may be a block that writes a record itself.
    const around = gen.packing;
    const outer = around && packs ? gen.frame.stackSlot() : undefined;
    gen.packing ||= packs;
    if (outer !== undefined) gen.save(outer, 8, R8);
    if (packs) gen.emit(mov64(R8, imm(0)));
    sent.forEach((value, i) =>
      gen.frame.scope(() => emitSlot(gen, record, layout, layout.slots[i], value))
    );
    if (packs) gen.emit(add64(R8, imm(layout.fixed)));
    send(gen, id, record, packs ? R8 : imm(layout.fixed), action.control);
    if (outer !== undefined) gen.load(R8, outer);
    gen.packing = around;
  });
}

/** Header, output, outcome for a record whose body stands at `record`. */
export function send(
  gen: Gen,
  plan: number,
  record: Place,
  length: Operand,
  control: boolean,
): void {
  const lost = gen.asm.label("lost");
  const done = gen.asm.label("sent");
  output(gen, plan, record, length, { block: R7, lost, control });
  raiseOutcome(gen, OUTCOME.recorded);
  gen.emit(ja(done));
  gen.asm.bind(lost);
  raiseOutcome(gen, OUTCOME.dropped);
  gen.asm.bind(done);
}

/** Header and output alone. */
function output(
  gen: Gen,
  plan: number,
  record: Place,
  length: Operand,
  site: Parameters<RingOutput["emitOutput"]>[3],
): void {
  const { base, offset } = record;
  emitHeader(gen.asm, base, offset, { kind: KIND_PLAN, id: imm(plan), size: length });
  gen.site.ring.emitOutput(gen.asm, record, length, site);
}

function emitSlot(
  gen: Gen,
  record: Place,
  layout: RecordLayout,
  slot: Slot,
  value: Node,
): void {
  const at = shifted(record, slot.at);
  if (slot.form === "inline") return place(gen, value, at, slot.type);
  // R1 = record + fixed part + bytes packed so far
  const destination = () => {
    gen.address(R1, shifted(record, layout.fixed));
    gen.emit(add64(R1, R8));
  };
  if (slot.type.kind === "string") {
    emitText(gen, value as Node & { type: StringType }, destination);
  } else {
    emitBuffer(gen, value, destination);
  }
  gen.save(at);
  gen.emit(add64(R8, R0));
}

/** R0 = bytes written, NUL included. */
function emitText(gen: Gen, value: Node & { type: StringType }, destination: () => void): void {
  if (value.op === "memory_call" && value.name === "str") return readText(gen, value, destination);
  const from = locate(gen, value);
  gen.address(R3, from);
  gen.emit(mov64(R2, imm(value.type.size)));
  destination();
  gen.emit(callHelper(BPF_FUNC.probe_read_kernel_str));
  gen.atLeast(0);
}

/** R0 = bytes written. */
function emitBuffer(gen: Gen, value: Node, destination: () => void): void {
  const from = locate(gen, value);
  const { limit } = value.type as Node["type"] & { kind: "buffer" };
  const ok = gen.asm.label("length");
  const length = gen.frame.stackSlot();
  gen.load(R0, from);
  gen.save(length);
  gen.load(R2, length);
  gen.emit(jge(R2, imm(limit + 1), ok));
  gen.address(R3, shifted(from, 8));
  destination();
  gen.emit(callHelper(BPF_FUNC.probe_read_kernel));
  gen.asm.bind(ok);
  gen.load(R0, length);
  const short = gen.asm.label("short");
  gen.emit(mov64(R2, imm(limit)));
  gen.emit(jge(R2, R0, short), mov64(R0, imm(0)));
  gen.asm.bind(short);
}

/** `print(@map[k])` of an aggregation: this side looks it up. */
export function emitEntry(gen: Gen, action: Action & { op: "entry" }): void {
  const { keySize } = gen.map(action.map).layout;
  const at = HEADER.bytes;
  const plan = gen.shared.plans.id(action, () => ({ kind: "entry", map: action.map.name, at }));
  gen.frame.scope(() => {
    const record = gen.frame.block((at + keySize + 7) & ~7);
    placeKey(gen, action.map, action.key, shifted(record, at));
    send(gen, plan, record, imm(at + keySize), true);
  });
}

/** print, clear, zero of a whole map: done on this side, in ring order. */
export function emitWhole(gen: Gen, action: Action & { op: "whole" }): void {
  const { kind, map, top, div } = action;
  const plan = gen.shared.plans.id(action, () => ({ kind, map: map.name, top, div }));
  gen.frame.scope(() => send(gen, plan, gen.frame.block(HEADER.bytes), imm(HEADER.bytes), true));
}

/** Wakes this side; the exit flag has been set, so nothing is lost if this finds no room. */
export function emitExit(gen: Gen, action: Action & { op: "exit" }): void {
  const plan = gen.shared.plans.id(action, () => ({ kind: "exit" }));
  gen.frame.scope(() => {
    const record = gen.frame.block(HEADER.bytes);
    const lost = gen.asm.label("woken");
    output(gen, plan, record, imm(HEADER.bytes), { block: R7, lost, control: true, wakeup: true });
    gen.asm.bind(lost);
  });
}

/**
 * Reports a fault. Clobbers R0 to R5.
 *
 * @param result Where a helper's result is kept.
 */
export function emitFault(
  gen: Gen,
  at: Pick<Node, "span">,
  fault: RuntimeFault,
  result?: Place,
): void {
  gen.frame.scope(() => {
    const plan = gen.shared.plans.fault(at, fault);
    // The record around it may be half done, so this one has memory of its own.
    const record = gen.frame.block(HEADER.bytes + 8);
    if (result === undefined) gen.saveConstant(shifted(record, HEADER.bytes), 0);
    else {
      gen.load(R0, result);
      gen.save(shifted(record, HEADER.bytes));
    }
    send(gen, plan, record, imm(HEADER.bytes + 8), true);
  });
}

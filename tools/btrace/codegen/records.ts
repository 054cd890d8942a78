// Pure: no I/O, no FFI.
// Records: what printf, print, clear, zero, exit and run-time warnings send to this side.

import { add64, imm, mov64, type Operand } from "../../../core/asm/alu.ts";
import { callHelper, ja, jsge } from "../../../core/asm/jump.ts";
import { store } from "../../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3, R7, R8, R9 } from "../../../core/asm/register.ts";
import { HEADER } from "../../../core/event.ts";
import { OUTCOME } from "../../../core/provider.ts";
import { emitHeader, type RingOutput } from "../../../core/ring_output.ts";
import type { CallExpr, Expr, MapExpr } from "../lang/ast.ts";
import { parseFormat } from "../lang/format.ts";
import { storageSize } from "../lang/types.ts";
import { KIND_PLAN, type Plan, type RecordLayout, type Slot } from "../output/plan.ts";
import { evaluate, raiseOutcome } from "./expr.ts";
import type { Place } from "./frame.ts";
import { type Gen, shifted } from "./gen.ts";
import { placeKey } from "./maps.ts";
import { placeString, readInto, stringInMemory, stringType } from "./text.ts";

/** Strings up to this size stand in the fixed part: cheaper than finding out their length. */
const INLINE_BYTES = 64;

/** Where the values of a record go. String literals are not sent. */
function layoutOf(gen: Gen, values: readonly Expr[]): RecordLayout {
  let fixed: number = HEADER.bytes;
  let packed = 0;
  const slots = values.map((value): Slot => {
    const type = gen.typeOf(value);
    const at = fixed;
    const size = storageSize(type);
    if (type.kind !== "string") {
      fixed += 8;
      return { type, at, form: "word" };
    }
    if (size <= INLINE_BYTES) {
      fixed += size;
      return { type, at, form: "inline" };
    }
    fixed += 8;
    packed += size;
    return { type, at, form: "packed" };
  });
  return { slots, fixed, maximum: fixed + packed };
}

/** Writes a record and raises the outcome. */
function emitRecord(
  gen: Gen,
  plan: number,
  layout: RecordLayout,
  values: readonly Expr[],
  control: boolean,
): void {
  const record = gen.frame.record(layout.maximum);
  const packs = layout.slots.some(({ form }) => form === "packed");
  if (packs) gen.emit(mov64(R8, imm(0)));
  values.forEach((value, i) =>
    gen.frame.scope(() => emitSlot(gen, layout, layout.slots[i], value))
  );
  if (packs) gen.emit(add64(R8, imm(layout.fixed)));
  const length: Operand = packs ? R8 : imm(layout.fixed);
  send(gen, plan, record, length, control);
}

/** Header, output, outcome for a record whose body stands at `record`. */
function send(gen: Gen, plan: number, record: Place, length: Operand, control: boolean): void {
  const lost = gen.asm.label("lost");
  const done = gen.asm.label("sent");
  output(gen, plan, record, length, { block: R7, lost, control });
  raiseOutcome(gen, OUTCOME.recorded);
  gen.emit(ja(done));
  gen.asm.bind(lost);
  gen.emit(mov64(R9, imm(OUTCOME.dropped)));
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

function emitSlot(gen: Gen, layout: RecordLayout, slot: Slot, value: Expr): void {
  const record = gen.frame.record(layout.maximum);
  const at = shifted(record, slot.at);
  if (slot.form === "word") {
    evaluate(gen, value);
    gen.save(at);
    return;
  }
  if (slot.form === "inline") {
    placeString(gen, value, at, storageSize(slot.type));
    return;
  }
  // R1 = record + fixed part + bytes packed so far
  const destination = () => {
    gen.address(R1, shifted(record, layout.fixed));
    gen.emit(add64(R1, R8));
  };
  const { size } = stringType(gen, value);
  if (value.kind === "call") {
    readInto(gen, value, destination);
  } else {
    const ok = gen.asm.label("copied");
    const { place } = stringInMemory(gen, value);
    gen.address(R3, place);
    gen.emit(mov64(R2, imm(size)));
    destination();
    gen.emit(callHelper(BPF_FUNC.probe_read_kernel_str), jsge(R0, imm(0), ok), mov64(R0, imm(0)));
    gen.asm.bind(ok);
  }
  gen.emit(store(8, at.base, at.offset, R0), add64(R8, R0));
}

/** Splits values into those that are sent and literals. */
function sendable(values: readonly Expr[]): { sent: Expr[]; refs: (number | string)[] } {
  const sent: Expr[] = [];
  const refs = values.map((value) => value.kind === "string" ? value.value : sent.push(value) - 1);
  return { sent, refs };
}

/** `printf(format, …)` */
export function emitPrintf(gen: Gen, call: CallExpr): void {
  const [format, ...values] = call.args;
  const { sent, refs } = sendable(values);
  const layout = layoutOf(gen, sent);
  const plan = gen.shared.plan(planKey(gen, call), () => ({
    kind: "printf",
    parts: parseFormat((format as Expr & { kind: "string" }).value) as never,
    values: refs,
    layout,
  }));
  emitRecord(gen, plan, layout, sent, false);
}

/** `print(value)`, `print(@map[, top[, div]])` */
export function emitPrint(gen: Gen, call: CallExpr): void {
  const [what, top, div] = call.args;
  if (what.kind === "map") {
    if (what.keys.length === 0) {
      const limit = (expr?: Expr) => expr?.kind === "integer" ? expr.value : undefined;
      return emitMapOperation(gen, call, {
        kind: "print",
        map: what.name,
        top: limit(top) === undefined ? undefined : Number(limit(top)),
        div: limit(div),
      });
    }
    if (gen.map(what.name).type.value.kind === "aggregation") return emitElement(gen, call, what);
  }
  const { sent, refs } = sendable([what]);
  const layout = layoutOf(gen, sent);
  const plan = gen.shared.plan(
    planKey(gen, call),
    () => ({ kind: "value", value: refs[0], layout }),
  );
  emitRecord(gen, plan, layout, sent, true);
}

function emitElement(gen: Gen, call: CallExpr, what: MapExpr): void {
  const { keySize } = gen.map(what.name).layout;
  const at = HEADER.bytes;
  const plan = gen.shared.plan(planKey(gen, call), () => ({ kind: "element", map: what.name, at }));
  const record = gen.frame.record(at + keySize);
  gen.frame.scope(() => placeKey(gen, what, shifted(record, at)));
  send(gen, plan, record, imm(at + keySize), true);
}

/** print, clear, zero of a whole map: done on this side, in ring order. */
export function emitMapOperation(
  gen: Gen,
  call: CallExpr,
  plan: Plan & { kind: "print" | "clear" | "zero" },
): void {
  const id = gen.shared.plan(planKey(gen, call), () => plan);
  send(gen, id, gen.frame.record(HEADER.bytes), imm(HEADER.bytes), true);
}

/** Wakes this side; the exit flag has been set, so nothing is lost if this finds no room. */
export function emitExit(gen: Gen, call: CallExpr): void {
  const plan = gen.shared.plan(planKey(gen, call), () => ({ kind: "exit" }));
  const record = gen.frame.record(HEADER.bytes);
  const lost = gen.asm.label("woken");
  output(gen, plan, record, imm(HEADER.bytes), { block: R7, lost, control: true, wakeup: true });
  gen.asm.bind(lost);
}

/** Reports a division by zero. */
export function emitDivideByZero(gen: Gen, expr: object & { span: Expr["span"] }): void {
  const { span } = expr;
  // The record that is being written may be half done, so this one has memory of its own.
  gen.frame.scope(() => {
    const plan = gen.shared.plan(expr, () => ({ kind: "divide-by-zero", span }));
    send(gen, plan, gen.frame.block(HEADER.bytes), imm(HEADER.bytes), true);
  });
}

/** A call's plan depends on the clause's variant: types may differ. */
function planKey(gen: Gen, call: CallExpr): object {
  let keys = planKeys.get(call);
  if (keys === undefined) planKeys.set(call, keys = new Map());
  let key = keys.get(gen.clause);
  if (key === undefined) keys.set(gen.clause, key = {});
  return key;
}

const planKeys = new WeakMap<CallExpr, Map<object, object>>();

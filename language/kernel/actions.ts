// Pure: no I/O, no FFI.
// Statements.

import { imm, mov64 } from "../../core/asm/alu.ts";
import { callHelper, ja } from "../../core/asm/jump.ts";
import { loadMapValue, store, storeImm } from "../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3, R4, R5 } from "../../core/asm/register.ts";
import { MAX_SLOTS } from "../../core/asm/instruction.ts";
import { CONTROL } from "../../core/contract/blocks.ts";
import type { Action, Node } from "../model/ir.ts";
import { isScalar, storageSize, string } from "../model/types.ts";
import { aggregate } from "./aggregate.ts";
import { emitCondition } from "./condition.ts";
import type { Gen } from "./emitter.ts";
import { FrameError, placed } from "./frame.ts";
import { emitEach, emitRange, emitRounds, emitWhile } from "./loops.ts";
import { changeMap, writeMap } from "./maps.ts";
import { locate, place } from "./memory.ts";
import { emitEntry, emitExit, emitRecord, emitWhole } from "./records.ts";
import { emitArithmetic, evaluate } from "./scalar.ts";
import { mentions } from "./uses.ts";

/** Most functions for bodies of loops: the kernel takes 256 of a program (BPF_MAX_SUBPROGS). */
const MAX_FUNCTIONS = 250;

/** Emits statements one after the other. */
export function emitActions(gen: Gen, body: readonly Action[]): void {
  for (const action of body) {
    gen.at = action;
    placed(action.span, () => emitAction(gen, action));
    if (gen.deferred.length > MAX_FUNCTIONS) {
      throw new FrameError("there are more loops in one probe than the kernel takes", action.span);
    }
    if (gen.asm.size > MAX_SLOTS) {
      const message =
        `the code of one probe has more than ${MAX_SLOTS} instructions here, which is ` +
        "the most that the kernel takes";
      throw new FrameError(message, action.span);
    }
  }
}

function emitAction(gen: Gen, action: Action): void {
  switch (action.op) {
    case "evaluate":
      return discard(gen, action.value);
    case "assign":
      return assign(gen, action);
    case "store":
      return writeMap(gen, action);
    case "change":
      return change(gen, action);
    case "aggregated":
      return aggregate(gen, action);
    case "if":
      return choose(gen, action);
    case "while":
      return emitWhile(gen, action);
    case "range":
      return emitRange(gen, action);
    case "each":
      return emitEach(gen, action);
    case "repeat": {
      if (gen.rolled.has(action)) {
        return emitRounds(gen, action.count, () => emitActions(gen, action.body));
      }
      const end = gen.asm.label("repeated");
      for (let i = 0; i < action.count; i++) gen.branch(() => emitActions(gen, action.body));
      return void gen.asm.bind(end);
    }
    case "break":
      return gen.emit(ja(gen.exits.break ?? gen.exits.leave));
    case "continue":
      return gen.emit(ja(gen.exits.continue ?? gen.exits.leave));
    case "return":
      // A function's value has been assigned; only a probe's stands here, maybe inside a loop.
      if (action.value !== undefined) returnValue(gen, action.value);
      return gen.emit(ja(gen.exits.return ?? gen.exits.leave));
    case "record":
      return emitRecord(gen, action);
    case "whole":
      return emitWhole(gen, action);
    case "entry":
      return emitEntry(gen, action);
    case "exit":
      return exit(gen, action);
    case "debugf":
      return debugf(gen, action);
  }
}

/** Each arm begins where the condition before it did not hold. */
function choose(gen: Gen, { arms, otherwise }: Action & { op: "if" }): void {
  const done = gen.asm.label("endif");
  let outside: Set<string> | undefined;
  arms.forEach(({ condition, then }, i) => {
    const next = gen.asm.label("else");
    emitCondition(gen, condition, next);
    // The first condition is always asked for.
    if (i === 0) {
      outside = gen.filled;
      gen.filled = new Set(outside);
    }
    gen.branch(() => emitActions(gen, then));
    if (i < arms.length - 1 || otherwise.length > 0) gen.emit(ja(done));
    gen.asm.bind(next);
  });
  emitActions(gen, otherwise);
  gen.filled = outside!;
  gen.asm.bind(done);
}

/** For its effects only. */
function discard(gen: Gen, node: Node): void {
  if (isScalar(node.type) || node.type.kind === "none") return evaluate(gen, node);
  gen.frame.scope(() => void locate(gen, node));
}

function assign(gen: Gen, { local, value }: Action & { op: "assign" }): void {
  const to = gen.locals.get(local)!;
  const { type } = local;
  if (value === undefined) return gen.zero(to, storageSize(type));
  if (isScalar(type)) {
    evaluate(gen, value);
    return gen.save(to);
  }
  if (!mentions(value, local)) return place(gen, value, to, type);
  // Through a copy: the right side reads the variable.
  gen.frame.scope(() => {
    const copy = gen.frame.block(Math.max(8, storageSize(type)));
    place(gen, value, copy, type);
    gen.move(copy, to, storageSize(type));
  });
}

/** `@m[k] op= e`: e first, then the map. */
function change(gen: Gen, action: Action & { op: "change" }): void {
  const { map, key, operator, value, signed } = action;
  gen.frame.scope(() => {
    const right = gen.frame.slot();
    changeMap(gen, map, key, action, () => {
      evaluate(gen, value);
      gen.save(right);
    }, () => {
      gen.load(R1, right);
      emitArithmetic(gen, operator, R1, signed, action);
    });
  });
}

/** The flag decides; the record only wakes. Nothing after it in the clause runs. */
function exit(gen: Gen, action: Action & { op: "exit" }): void {
  if (action.code === undefined) gen.emit(mov64(R0, imm(0)));
  else evaluate(gen, action.code);
  gen.emit(
    loadMapValue(R2, gen.site.control, 0),
    store(4, R2, CONTROL.exitCode, R0),
    storeImm(4, R2, CONTROL.exit, 1),
  );
  emitExit(gen, action);
  gen.emit(ja(gen.exits.leave));
}

/** Stores the result of a `test:` probe in the control block, where the runner reads it. */
function returnValue(gen: Gen, value: Node): void {
  evaluate(gen, value);
  gen.emit(loadMapValue(R2, gen.site.control, 0), store(4, R2, CONTROL.result, R0));
}

/** The kernel's trace pipe. */
function debugf(gen: Gen, { format, values }: Action & { op: "debugf" }): void {
  gen.frame.scope(() => {
    const type = string(format.length + 1);
    const text = gen.frame.block(type.size);
    const span = { start: 0, end: 0 };
    place(gen, { op: "text", value: format, type, span }, text);
    const slots = values.map((value) => {
      const slot = gen.frame.slot();
      if (isScalar(value.type)) evaluate(gen, value);
      else gen.address(R0, locate(gen, value));
      gen.save(slot);
      return slot;
    });
    slots.forEach((slot, i) => gen.load([R3, R4, R5][i] as 3 | 4 | 5, slot));
    gen.address(R1, text);
    gen.emit(mov64(R2, imm(format.length + 1)), callHelper(BPF_FUNC.trace_printk));
  });
}

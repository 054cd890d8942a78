// Pure: no I/O, no FFI.
// Loops, and long unroll(). A body is a function that the kernel calls for each round (bpf_loop, Linux 5.17;
// bpf_for_each_map_elem, 5.13), so that no loop is unrolled by the verifier and none is endless.
//
//   caller's stack: context, CPU block          → R6, R7 of the body
//   scratch memory: outcome, how the loop ended → R9; `return` and exit() end what is around it too

import { add64, imm, mov64, sub64 } from "../../core/asm/alu.ts";
import type { Label } from "../../core/asm/instruction.ts";
import { callHelper, exit, ja, jeq, jge, jle, jlt, jne, jsge } from "../../core/asm/jump.ts";
import { load, loadFunction, loadMap } from "../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3, R4, R6, R7, R9, type Register } from "../../core/asm/register.ts";
import type { Action } from "../model/ir.ts";
import type { AggregationType } from "../model/aggregations.ts";
import { elementOffsets, type TupleType } from "../model/types.ts";
import { FAULT, MOST_NESTED_ROUNDS, MOST_ROUNDS } from "../model/plan.ts";
import { emitActions } from "./actions.ts";
import { emitAggregateRead } from "./aggregate.ts";
import { emitCondition } from "./condition.ts";
import { emitFault } from "./records.ts";
import type { Place } from "./frame.ts";
import { type Exits, type Gen, shifted } from "./emitter.ts";
import { evaluate } from "./scalar.ts";

/** How a loop ended. */
const ENDED = { normally: 0, leave: 1, return: 2 } as const;

/** Labels that the body of a loop can jump to. */
interface Body {
  /** Holds the address of the caller's block when the body begins. */
  readonly block: Register;
  /** Emits the body; `continue` and `break` are where the exits say. */
  emit(): void;
}

/** Emits `while (condition) { … }`, as a function that is called for each round. */
export function emitWhile(gen: Gen, action: Action & { op: "while" }): void {
  callBody(gen, {
    block: R2,
    emit() {
      emitCondition(gen, action.condition, gen.exits.break!);
      emitActions(gen, action.body);
    },
  }, (start, block) => {
    const ended = gen.asm.label("ended");
    gen.emit(mov64(R1, imm(MOST_ROUNDS)), loadFunction(R2, start));
    gen.address(R3, block);
    gen.emit(mov64(R4, imm(0)), callHelper(BPF_FUNC.loop));
    gen.emit(jlt(R0, imm(MOST_ROUNDS), ended));
    gen.frame.scope(() => emitFault(gen, action, FAULT.rounds));
    gen.emit(mov64(R0, imm(MOST_ROUNDS)));
    gen.asm.bind(ended);
  });
}

/** Emits `for ($i : from..to) { … }`, as a function that is called for each number. */
export function emitRange(gen: Gen, action: Action & { op: "range" }): void {
  gen.frame.scope(() => {
    const from = gen.frame.block(8);
    const local = gen.locals.get(action.local)!;
    evaluate(gen, action.from);
    gen.save(from);
    evaluate(gen, action.to);
    const some = gen.asm.label("some");
    const done = gen.asm.label("done");
    gen.load(R1, from);
    gen.emit(sub64(R0, R1), jsge(R0, imm(0), some), ja(done));
    gen.asm.bind(some);
    const rounds = gen.frame.slot();
    const few = gen.asm.label("few");
    gen.emit(jle(R0, imm(MOST_ROUNDS), few));
    emitFault(gen, action, FAULT.rounds);
    gen.emit(mov64(R0, imm(MOST_ROUNDS)));
    gen.asm.bind(few);
    gen.save(rounds);
    callBody(gen, {
      block: R2,
      emit() {
        // The variable is the loop's own: what the body does to it does not last.
        gen.load(R0, from);
        gen.save(local);
        gen.emit(mov64(R2, R0));
        gen.emit(sub64(R2, imm(-1)));
        gen.save(from, 8, R2);
        emitActions(gen, action.body);
      },
    }, (start, block) => {
      gen.load(R1, rounds);
      gen.emit(loadFunction(R2, start));
      gen.address(R3, block);
      gen.emit(mov64(R4, imm(0)), callHelper(BPF_FUNC.loop));
    });
    gen.asm.bind(done);
  });
}

/** Emits `for ($kv : @map) { … }`, as a function that is called for each entry. */
export function emitEach(gen: Gen, action: Action & { op: "each" }): void {
  const { map } = action;
  const { type } = gen.map(map);
  const reference = gen.mapReference(map);
  const local = gen.locals.get(action.local)!;
  const pair = action.local.type as TupleType;
  const [, valueAt] = elementOffsets(pair);
  callBody(gen, {
    block: R4,
    emit() {
      // R2 is the key's address, R3 the value's.
      gen.frame.scope(() => {
        const value = gen.frame.stackSlot();
        gen.save(value, 8, R3);
        gen.emit(mov64(R3, R2));
        gen.copy(local, valueAt);
        if (type.value.kind === "aggregation") {
          emitAggregateRead(gen, map, type.value as AggregationType, local);
          gen.save(shifted(local, valueAt));
        } else {
          gen.load(R3, value);
          gen.copy(shifted(local, valueAt), gen.map(map).layout.valueSize);
        }
      });
      emitActions(gen, action.body);
    },
  }, (start, block) => {
    gen.emit(loadMap(R1, reference), loadFunction(R2, start));
    gen.address(R3, block);
    gen.emit(mov64(R4, imm(0)), callHelper(BPF_FUNC.for_each_map_elem));
  });
}

/** Emits the call here, and the body as a function later. */
function callBody(gen: Gen, body: Body, call: (start: Label, block: Place) => void): void {
  const { frame } = gen;
  const release = frame.mark();
  const start = gen.asm.label("body");
  const block = frame.stackBlock(16);
  const outcome = frame.block(8);
  const ended = frame.block(8);
  const nested = gen.rounds !== undefined;
  const rounds = gen.rounds ?? frame.block(8);
  if (!nested) gen.saveConstant(rounds, 0);
  gen.save(block, 8, R6);
  gen.save(shifted(block, 8), 8, R7);
  gen.save(outcome, 8, R9);
  gen.saveConstant(ended, ENDED.normally);
  call(start, block);
  gen.load(R9, outcome);
  if (nested) countRounds(gen, rounds, ended);
  gen.load(R0, ended);
  const around = gen.exits;
  gen.emit(
    jeq(R0, imm(ENDED.leave), around.leave),
    jeq(R0, imm(ENDED.return), around.return ?? around.leave),
  );
  // The body's memory lies behind what is taken here, on a stack of its own.
  const take = frame.mark();
  release();
  const { clause, locals, at } = gen;
  gen.deferred.push(() => {
    const restore = frame.mark();
    const { packing } = gen;
    gen.packing = false;
    gen.rounds = rounds;
    gen.at = at;
    take();
    frame.newStack();
    [gen.clause, gen.locals] = [clause, locals];
    emitBody(gen, body, start, { outcome, ended });
    gen.packing = packing;
    gen.rounds = undefined;
    restore();
  });
}

/**
 * After a loop inside a loop, with the number of rounds in R0: ends the loop around if all these loops
 * have had too many rounds.
 */
function countRounds(gen: Gen, rounds: Place, ended: Place): void {
  const { at, exits } = gen;
  const left = gen.asm.label("left");
  gen.load(R2, rounds);
  gen.emit(mov64(R3, R2), add64(R2, R0), add64(R2, imm(1)));
  gen.save(rounds, 8, R2);
  gen.rarely((many) => jge(R2, imm(MOST_NESTED_ROUNDS), many), () => {
    gen.load(R0, ended);
    gen.emit(
      jne(R0, imm(ENDED.normally), left),
      jge(R3, imm(MOST_NESTED_ROUNDS), exits.break!),
    );
    emitFault(gen, at, FAULT.nestedRounds);
    gen.emit(ja(exits.break!));
    gen.asm.bind(left);
  });
}

function emitBody(
  gen: Gen,
  body: Body,
  start: Label,
  { outcome, ended }: { outcome: Place; ended: Place },
): void {
  const label = (name: string) => gen.asm.label(name);
  const exits: Exits = {
    leave: label("leave"),
    return: label("return"),
    break: label("break"),
    continue: label("continue"),
  };
  const outer = { exits: gen.exits, kept: gen.kept, filled: gen.filled };
  gen.exits = exits;
  // The body asks again for what the caller keeps: not every way to the body has filled a slot.
  gen.kept = new Map();
  gen.filled = new Set();
  gen.asm.bind(start);
  gen.emit(load(8, R6, body.block, 0), load(8, R7, body.block, 8));
  gen.load(R9, outcome);
  body.emit();
  const finish = (at: Label, how: number, result: number) => {
    gen.asm.bind(at);
    if (how !== ENDED.normally) gen.saveConstant(ended, how);
    gen.save(outcome, 8, R9);
    gen.emit(mov64(R0, imm(result)), exit());
  };
  finish(exits.continue!, ENDED.normally, 0);
  finish(exits.break!, ENDED.normally, 1);
  finish(exits.leave, ENDED.leave, 1);
  finish(exits.return!, ENDED.return, 1);
  ({ exits: gen.exits, kept: gen.kept, filled: gen.filled } = outer);
}

/** Emits up to `rounds` rounds of generated code: a long unroll(), or strstr() and its like. */
export function emitRounds(
  gen: Gen,
  rounds: number,
  emit: (exits: { next: Label; end: Label }) => void,
): void {
  callBody(gen, {
    block: R2,
    emit: () => emit({ next: gen.exits.continue!, end: gen.exits.break! }),
  }, (start, block) => {
    gen.emit(mov64(R1, imm(rounds)), loadFunction(R2, start));
    gen.address(R3, block);
    gen.emit(mov64(R4, imm(0)), callHelper(BPF_FUNC.loop));
  });
}

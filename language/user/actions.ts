// Pure: no I/O, no FFI.
// Statements.

import { CONTROL } from "../../core/contract/blocks.ts";
import type { Action, Node } from "../model/ir.ts";
import { elementOffsets, isScalar, storageSize, type TupleType } from "../model/types.ts";
import { FAULT, MOST_NESTED_ROUNDS, MOST_ROUNDS } from "../model/plan.ts";
import { aggregated } from "./aggregate.ts";
import {
  type Build,
  type Effect,
  FLOW,
  type Flow,
  Jump,
  JUMPS,
  mapOf,
  refuse,
  type Step,
} from "./builder.ts";
import { change, eachEntry, store } from "./maps.ts";
import { copyBytes, locate, place } from "./memory.ts";
import { entry, exit, fault, record, whole } from "./records.ts";
import { cellOf, condition, evaluate, variableOf } from "./scalar.ts";

/** Statements one after the other. */
export function sequence(b: Build, body: readonly Action[]): Step {
  const steps = body.map((action) => statement(b, action));
  if (steps.length === 1) return steps[0];
  return () => {
    for (const step of steps) {
      const flow = step();
      if (flow !== FLOW.next) return flow;
    }
    return FLOW.next;
  };
}

/** Statements inside an expression: whatever leaves them leaves the expression. */
export function runBlock(b: Build, body: readonly Action[]): Effect {
  const step = sequence(b, body);
  return () => {
    const flow = step();
    if (flow !== FLOW.next) throw JUMPS[flow];
  };
}

/** How a statement ends, also if it is left from inside an expression. */
function caught(step: Step): Flow {
  try {
    return step();
  } catch (error) {
    if (error instanceof Jump) return error.flow;
    throw error;
  }
}

/** A function of the script: `return` leads to its end. */
export function runInline(b: Build, node: Node & { op: "inline" }): Effect {
  const step = sequence(b, node.body);
  const reset = node.type.kind === "none" ? () => {} : zero(b, node.result);
  return () => {
    reset();
    const flow = caught(step);
    if (flow !== FLOW.next && flow !== FLOW.return) throw JUMPS[flow];
  };
}

/** Makes a variable zero. */
export function zero(b: Build, local: (Node & { op: "local" })["local"]): Effect {
  const variable = variableOf(b, local);
  if ("cell" in variable) {
    return () => {
      variable.cell.value = 0n;
    };
  }
  const end = variable.at + storageSize(local.type);
  return () => void b.scratch.memory.bytes.fill(0, variable.at, end);
}

function effect(run: Effect): Step {
  return () => {
    run();
    return FLOW.next;
  };
}

function statement(b: Build, action: Action): Step {
  switch (action.op) {
    case "evaluate": {
      const { value } = action;
      if (!isScalar(value.type) && value.type.kind !== "none") return effect(locate(b, value).fill);
      const evaluated = evaluate(b, value);
      return effect(() => void evaluated());
    }
    case "assign":
      return effect(assign(b, action));
    case "store":
      return store(b, action);
    case "change":
      return change(b, action);
    case "aggregated":
      return aggregated(b, action);
    case "if": {
      const arms = action.arms.map(({ condition: tried, then }) => ({
        holds: condition(b, tried),
        run: sequence(b, then),
      }));
      const otherwise = sequence(b, action.otherwise);
      if (arms.length === 1) {
        const [{ holds, run }] = arms;
        return () => holds() ? run() : otherwise();
      }
      return () => (arms.find(({ holds }) => holds())?.run ?? otherwise)();
    }
    case "while":
      return whileLoop(b, action);
    case "range":
      return rangeLoop(b, action);
    case "each":
      return eachLoop(b, action);
    case "repeat": {
      const body = sequence(b, action.body);
      return () => {
        for (let i = 0; i < action.count; i++) {
          const flow = body();
          if (flow !== FLOW.next) return flow;
        }
        return FLOW.next;
      };
    }
    case "break":
      return () => FLOW.break;
    case "continue":
      return () => FLOW.continue;
    case "return":
      return returning(b, action);
    case "record":
      return record(b, action);
    case "whole":
      return whole(b, action);
    case "entry":
      return entry(b, action);
    case "exit":
      return exit(b, action);
    case "debugf":
      return refuse(action, "debugf() writes to the kernel's trace pipe");
  }
}

function assign(b: Build, { local, value }: Action & { op: "assign" }): Effect {
  if (value === undefined) return zero(b, local);
  if (isScalar(local.type)) {
    const cell = cellOf(b, local);
    const evaluated = evaluate(b, value);
    return () => {
      cell.value = evaluated();
    };
  }
  // Through a copy: the right side may read the variable.
  const { at } = variableOf(b, local) as { at: number };
  const size = storageSize(local.type);
  const copy = b.scratch.take(size);
  const fill = place(b, value, copy, local.type);
  const { scratch } = b;
  return () => {
    fill();
    copyBytes(scratch.memory, copy, scratch.memory, at, size);
  };
}

/** How a loop ends after a round; undefined if the loop goes on. */
function afterRound(flow: Flow): Flow | undefined {
  if (flow === FLOW.next || flow === FLOW.continue) return undefined;
  return flow === FLOW.break ? FLOW.next : flow;
}

/**
 * Counts the rounds of loops inside a loop; such a loop ends the one around if all these loops have had
 * too many rounds.
 *
 * @param run Runs the loop, and tells the rounds that the loop has had.
 */
function counted(
  b: Build,
  action: Action,
  run: (had: (rounds: number) => void) => Flow,
): Step {
  const { state } = b;
  const tooMany = fault(b, action, FAULT.nestedRounds);
  let rounds = 0;
  const had = (now: number) => rounds = now;
  return () => {
    if (state.loops++ === 0) state.rounds = 0;
    rounds = 0;
    try {
      const flow = run(had);
      if (state.loops === 1 || flow !== FLOW.next) return flow;
    } finally {
      state.loops--;
    }
    const before = state.rounds;
    state.rounds += rounds + 1;
    if (state.rounds < MOST_NESTED_ROUNDS) return FLOW.next;
    if (before < MOST_NESTED_ROUNDS) tooMany();
    return FLOW.break;
  };
}

function whileLoop(b: Build, action: Action & { op: "while" }): Step {
  const holds = condition(b, action.condition);
  const body = sequence(b, action.body);
  const tooLong = fault(b, action, FAULT.rounds);
  const round = () => holds() ? body() : FLOW.break;
  return counted(b, action, (had) => {
    for (let i = 0; i < MOST_ROUNDS; i++) {
      had(i + 1);
      const end = afterRound(caught(round));
      if (end !== undefined) return end;
    }
    tooLong();
    return FLOW.next;
  });
}

function rangeLoop(b: Build, action: Action & { op: "range" }): Step {
  const cell = cellOf(b, action.local);
  const [from, to] = [evaluate(b, action.from), evaluate(b, action.to)];
  const body = sequence(b, action.body);
  const tooLong = fault(b, action, FAULT.rounds);
  return counted(b, action, (had) => {
    const start = from();
    let rounds = BigInt.asIntN(64, to() - start);
    if (rounds > MOST_ROUNDS) {
      tooLong();
      rounds = BigInt(MOST_ROUNDS);
    }
    for (let i = 0n; i < rounds; i++) {
      // The variable is the loop's own: what the body does to it does not last.
      cell.value = BigInt.asIntN(64, start + i);
      had(Number(i) + 1);
      const end = afterRound(caught(body));
      if (end !== undefined) return end;
    }
    return FLOW.next;
  });
}

function eachLoop(b: Build, action: Action & { op: "each" }): Step {
  const { at } = variableOf(b, action.local) as { at: number };
  const [, valueAt] = elementOffsets(action.local.type as TupleType);
  const entries = eachEntry(b, mapOf(b, action.map), at, valueAt);
  const body = sequence(b, action.body);
  return counted(b, action, (had) => {
    let rounds = 0;
    for (const _ of entries) {
      had(++rounds);
      const end = afterRound(caught(body));
      if (end !== undefined) return end;
    }
    return FLOW.next;
  });
}

/** A probe's value is kept where the runner looks; a function's has been assigned. */
function returning(b: Build, { value }: Action & { op: "return" }): Step {
  if (value === undefined) return () => FLOW.return;
  const evaluated = evaluate(b, value);
  const { state } = b;
  return () => {
    state.site.control[CONTROL.result / 4] = Number(BigInt.asIntN(32, evaluated()));
    return FLOW.leave;
  };
}

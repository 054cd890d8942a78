// Pure: no I/O, no FFI.
// Clauses to actions: all clauses of a probe, in source order, make one BPF function.

import { Assembler } from "../../core/asm/assembler.ts";
import { imm, mov64 } from "../../core/asm/alu.ts";
import { exit } from "../../core/asm/jump.ts";
import { store } from "../../core/asm/load_store.ts";
import { R1, R2, R3, R6, R7, R9 } from "../../core/asm/register.ts";
import { CPU_BLOCK } from "../../core/contract/blocks.ts";
import type { ActionSite, KernelAction } from "../../core/contract/kernel_action.ts";
import type { Location } from "../../core/contract/context.ts";
import { OUTCOME } from "../../core/contract/outcome.ts";
import { RingOutput } from "../../core/kernel_plane/ring_output.ts";
import { storageSize } from "../model/types.ts";
import type { CheckedClause } from "../check/checked_program.ts";
import { emitActions } from "./actions.ts";
import { keptBytes } from "./builtins.ts";
import { emitCondition } from "./condition.ts";
import { Frame, placed } from "./frame.ts";
import { Gen, type GenShared, type References } from "./emitter.ts";
import { emitOutcome, raiseOutcome } from "./scalar.ts";
import { type Uses, usesOf } from "./uses.ts";

/** Some clauses as code whose references are still open. */
export interface ClauseCode {
  /** The clauses, in the order they run. */
  readonly clauses: readonly CheckedClause[];
  /** What all actions of the script share. */
  readonly shared: GenShared;
  /** What each clause uses. */
  readonly uses: readonly Uses[];
  /** Memory that the code needs. */
  readonly needed: Frame["needed"];
}

/**
 * Looks over some clauses. Their code is emitted once, to nowhere: after that, the memory that the code
 * needs is known, and everything that `shared` collects.
 */
export function clauseCode(clauses: readonly CheckedClause[], shared: GenShared): ClauseCode {
  const uses = clauses.map(usesOf);
  const code = { clauses, shared, uses, needed: { scratch: 0, small: 0 } };
  const map = { fd: -1 };
  const maps = new Map([...shared.maps.keys()].map((name) => [name, map]));
  const needed = emitAction(nowhere(), code, { maps, zeros: map, stacks: map });
  return { ...code, needed };
}

/** One action of some clauses. */
export function clauseAction(code: ClauseCode, references: References): KernelAction {
  return {
    scratchBytes: code.needed.scratch,
    readsContext: code.uses.some((one) => one.context),
    emit: (site) => void emitAction(site, code, references),
  };
}

function nowhere(): ActionSite {
  const map = { fd: -1 };
  const anywhere: Location = { path: [0], size: 8 };
  return {
    asm: new Assembler({ measures: true }),
    layout: { id: "nowhere", locations: new Proxy({}, { get: () => anywhere }) },
    skipFrames: 0,
    ring: new RingOutput(map, map, 1 << 16),
    control: map,
    scratch: 0,
  };
}

function emitAction(
  site: ActionSite,
  { clauses, shared, uses, needed }: ClauseCode,
  references: References,
): Frame["needed"] {
  const { asm } = site;
  const depth = Math.max(...uses.map((one) => one.depth));
  const frame = new Frame(site.scratch, needed.small, depth);
  const gen = new Gen(site, frame, shared, references);
  gen.rolled = new Set(uses.flatMap(({ rolled }) => [...rolled]));
  asm.emit(mov64(R6, R1), mov64(R7, R2), mov64(R9, imm(0)));
  asm.emit(store(8, R7, CPU_BLOCK.pbn, R3));
  clauses.forEach((clause, i) =>
    placed(
      clause.clause.attachPoints[0].span,
      () => frame.scope(() => emitClause(gen, clause, uses[i])),
    )
  );
  emitOutcome(gen);
  asm.emit(exit());
  // Bodies of loops may have loops themselves.
  for (const emit of gen.deferred) emit();
  return frame.needed;
}

function emitClause(gen: Gen, checked: CheckedClause, uses: Uses): void {
  const { predicate, body, locals } = checked;
  gen.clause = checked;
  gen.exits = { leave: gen.asm.label("leave") };
  gen.locals = new Map();
  gen.kept = new Map();
  gen.filled = new Set();
  for (const [key, count] of uses.counts) {
    if (count > 1) gen.kept.set(key, gen.frame.block(keptBytes(key)));
  }
  for (const local of locals) {
    const size = Math.max(8, storageSize(local.type));
    const at = gen.frame.block(size);
    gen.locals.set(local, at);
    // A branch that does not assign leaves zero, not another event's value.
    gen.zero(at, size);
  }
  if (predicate !== undefined) emitCondition(gen, predicate, gen.exits.leave);
  raiseOutcome(gen, OUTCOME.aggregated);
  emitActions(gen, body);
  gen.asm.bind(gen.exits.leave);
}

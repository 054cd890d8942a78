// Pure: no I/O, no FFI.
// Clauses to actions: all clauses of a probe, in source order, make one function of an event.

import { OUTCOME } from "../../core/contract/outcome.ts";
import type { UserAction } from "../../core/contract/user_action.ts";
import type { Local } from "../model/ir.ts";
import { isScalar, storageSize } from "../model/types.ts";
import type { CheckedClause } from "../check/checked_program.ts";
import { runBlock, zero } from "./actions.ts";
import { type Build, type Effect, Jump, type Shared, type Variable } from "./builder.ts";
import { condition } from "./scalar.ts";

/** One action of some clauses. */
export function clauseAction(clauses: readonly CheckedClause[], shared: Shared): UserAction {
  const runs = clauses.map((clause) => clauseEffect(clause, shared));
  const { state } = shared;
  return (event, pbn, site) => {
    state.event = event;
    state.pbn = pbn;
    state.site = site;
    state.outcome = OUTCOME.filtered;
    for (const run of runs) {
      try {
        run();
      } catch (error) {
        if (!(error instanceof Jump)) throw error;
      }
    }
    return state.outcome;
  };
}

function clauseEffect({ predicate, body, locals }: CheckedClause, shared: Shared): Effect {
  const variables = new Map<Local, Variable>();
  for (const local of locals) variables.set(local, variable(shared, local));
  const b: Build = { ...shared, variables };
  // A branch that does not assign leaves zero, not another event's value.
  const resets = locals.map((local) => zero(b, local));
  const holds = predicate === undefined ? () => true : condition(b, predicate);
  const run = runBlock(b, body);
  const { state } = shared;
  return () => {
    for (const reset of resets) reset();
    if (!holds()) return;
    if (state.outcome === OUTCOME.filtered) state.outcome = OUTCOME.aggregated;
    run();
  };
}

function variable({ scratch }: Shared, { type }: Local): Variable {
  return isScalar(type) ? { cell: { value: 0n } } : { at: scratch.take(storageSize(type)) };
}

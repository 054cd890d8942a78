// The kernel plane's backend: a checked script to actions that emit BPF.

import type { KernelAction } from "../../core/contract/kernel_action.ts";
import { possibleCpuCount } from "../../core/sys/cpu.ts";
import { FrameError } from "./frame.ts";
import type { References } from "./emitter.ts";
import { clauseAction, type ClauseCode, clauseCode } from "./clauses.ts";
import { type PlanList, Plans } from "../model/plan.ts";
import { STACK_BYTES } from "./stacks.ts";
import type { Script } from "../compile.ts";
import { Diagnostics, ScriptError } from "../syntax/diagnostics.ts";
import { visitBlock } from "../syntax/walk.ts";
import type { CheckedClause } from "../check/checked_program.ts";

/** A probe with what it does. */
export interface ProbeAction {
  /** Full name of the probe. */
  readonly name: string;
  /** Number of the probe, which events carry. */
  readonly pbn: number;
  /** Action of all the probe's clauses; probes with the same clauses share one action. */
  readonly action: KernelAction;
  /** True if the action can write records that are text. */
  readonly prints: boolean;
}

/** A script as code whose references are still open. */
export interface Generated {
  /** Longest value of a map, in bytes: as many zeros are wanted. */
  readonly zeroBytes: number;
  /** True if the code records or reads stacks. */
  readonly usesStacks: boolean;
  /** What records lead to. */
  readonly plans: PlanList;
  /** The code with its references: an action for each probe, in the order in which they first appear. */
  actions(references: References): ProbeAction[];
}

/**
 * Makes code of a script.
 *
 * @throws {ScriptError} A clause is too large for the kernel.
 */
export function generate(script: Script): Generated {
  checkMapCount(script);
  const plans = new Plans();
  let usesStacks = false;
  const shared = {
    maps: script.maps,
    cpus: possibleCpuCount(),
    config: script.config,
    warnings: script.reportsFailures,
    plans,
    useStacks: () => {
      usesStacks = true;
    },
  };
  const lists = new Set(script.probes.map(({ clauses }) => clauses));
  const made = new Map<readonly CheckedClause[], ClauseCode>();
  const { source } = script;
  const failed = new Diagnostics(source.budget);
  try {
    failed.guard(() => {
      for (const clauses of lists) made.set(clauses, clauseCode(clauses, shared));
    });
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    failed.error("too-large", error.message, error.span ?? { start: 0, end: source.text.length });
  }
  if (failed.failed) throw new ScriptError(failed.list, source);
  const values = [...script.maps.values()].map(({ layout }) => layout.valueSize);
  return {
    zeroBytes: Math.max(LEAST_ZEROS, usesStacks ? STACK_BYTES : 0, ...values),
    usesStacks,
    plans,
    actions(references) {
      const actions = new Map(
        [...made].map(([clauses, code]) => [clauses, clauseAction(code, references)]),
      );
      return script.probes.map(({ name, pbn, clauses }) => ({
        name,
        pbn,
        action: actions.get(clauses)!,
        prints: made.get(clauses)!.uses.some((one) => one.prints),
      }));
    },
  };
}

/** Zeros for elements that lie past the end of an array. */
const LEAST_ZEROS = 4096;

/** Most maps that the kernel lets one program use, and those that every program has. */
const MAX_USED_MAPS = 64;
const OWN_MAPS = 6;

/** A program that uses more maps than the kernel allows would be refused without a place. */
function checkMapCount({ maps, program, source }: Script): void {
  if (maps.size <= MAX_USED_MAPS - OWN_MAPS) return;
  const diagnostics = new Diagnostics();
  for (const { clause } of program.clauses) {
    const used = new Set<string>();
    visitBlock(clause.body, (expr) => {
      if (expr.kind === "map") used.add(expr.name);
    });
    if (used.size <= MAX_USED_MAPS - OWN_MAPS) continue;
    diagnostics.error(
      "too-many-maps",
      `This clause uses ${used.size} maps; the kernel allows ${MAX_USED_MAPS} in one program, ` +
        `${OWN_MAPS} of which are the tracer's`,
      clause.attachPoints[0].span,
    );
  }
  if (diagnostics.failed) throw new ScriptError(diagnostics.list, source);
}

// The kernel plane's backend: a checked script to actions that emit BPF.

import type { MapReference } from "../../core/asm/instruction.ts";
import type { KernelAction } from "../../core/contract/kernel_action.ts";
import { possibleCpuCount } from "../../core/sys/cpu.ts";
import { FrameError } from "./frame.ts";
import type { GenMap } from "./emitter.ts";
import { clauseAction } from "./clauses.ts";
import { STACK_BYTES } from "./stacks.ts";
import type { Compiled, Script } from "../compile.ts";
import { Diagnostics, ScriptError } from "../syntax/diagnostics.ts";
import { visitBlock } from "../syntax/walk.ts";
import type { CheckedClause } from "../check/check.ts";

/** What programs refer to, made before they are loaded. */
export interface Bindings {
  /** By name. */
  readonly maps: ReadonlyMap<string, MapReference>;
  /** Zeros. */
  readonly zeros: MapReference;
  /** Stacks by their hash. */
  readonly stacks?: MapReference;
  /** The -c child. */
  readonly childPid?: number;
}

/** A probe with what it does. */
export interface ProbeAction {
  /** Full name. */
  readonly name: string;
  /** Number. */
  readonly pbn: number;
  /** All its clauses. Probes with the same clauses share one. */
  readonly action: KernelAction;
}

/** A script as code that is not yet in the kernel. */
export interface Generated {
  /** In the order in which the probes first appear. */
  readonly actions: readonly ProbeAction[];
  /** Longest value of a map, in bytes: as many zeros are wanted. */
  readonly zeroBytes: number;
  /** True if it records stacks. */
  readonly usesStacks: boolean;
  /** Gives what programs refer to; to be called before they are loaded. */
  bind(bindings: Bindings): void;
}

/**
 * Makes code of a script.
 *
 * @throws {ScriptError} A clause is too large for the kernel.
 */
export function generate(script: Script): Generated {
  const compiled = script as Compiled;
  checkMapCount(compiled);
  let bound: Bindings | undefined;
  const reference = (find: (bindings: Bindings) => MapReference | undefined): MapReference => ({
    get fd() {
      return find(bound!)!.fd;
    },
  });
  const maps = new Map<string, GenMap>();
  for (const [name, { type, layout }] of compiled.maps) {
    maps.set(name, { type, layout, map: reference((one) => one.maps.get(name)) });
  }
  let usesStacks = false;
  const shared = {
    maps,
    zeros: reference(({ zeros }) => zeros),
    stacks: reference(({ stacks }) => stacks),
    cpus: possibleCpuCount(),
    childPid: () => bound?.childPid ?? 0,
    config: compiled.config,
    warnings: compiled.reportsFailures,
    plans: compiled.plans,
    useStacks: () => {
      usesStacks = true;
    },
  };
  const made = new Map<readonly CheckedClause[], KernelAction>();
  const actionOf = (clauses: readonly CheckedClause[]) => {
    let action = made.get(clauses);
    if (action === undefined) made.set(clauses, action = clauseAction(clauses, shared));
    return action;
  };
  let actions: ProbeAction[];
  try {
    actions = compiled.probes.map(({ name, pbn, clauses }) => ({
      name,
      pbn,
      action: actionOf(clauses),
    }));
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    const failed = new Diagnostics();
    const { source } = compiled;
    failed.error("too-large", error.message, { start: 0, end: source.text.length });
    throw new ScriptError(failed.list, source);
  }
  const values = [...maps.values()].map(({ layout }) => layout.valueSize);
  return {
    actions,
    zeroBytes: Math.max(LEAST_ZEROS, usesStacks ? STACK_BYTES : 0, ...values),
    usesStacks,
    bind(bindings) {
      bound = bindings;
    },
  };
}

/** Zeros for elements that lie past the end of an array. */
const LEAST_ZEROS = 4096;

/** Most maps that the kernel lets one program use, and those that every program has. */
const MAX_USED_MAPS = 64;
const OWN_MAPS = 6;

/** A program that uses more maps than the kernel allows would be refused without a place. */
function checkMapCount({ maps, program, source }: Compiled): void {
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

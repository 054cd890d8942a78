// The user plane's backend: a checked script to functions of events, and its maps in this process.

import { kernelPlaneNeeds } from "../../core/bpf/load_failure.ts";
import { OUTCOME } from "../../core/contract/outcome.ts";
import type { UserAction } from "../../core/contract/user_action.ts";
import { bootTimeNs, monotonicTimeNs, taiTimeNs } from "../../core/sys/clock.ts";
import { pidNamespace } from "../../core/sys/namespace.ts";
import type { Script } from "../compile.ts";
import { Diagnostics, ScriptError } from "../syntax/diagnostics.ts";
import type { LoadOptions } from "../model/loaded_script.ts";
import type { CheckedClause } from "../check/checked_program.ts";
import {
  NotOnThisPlane,
  Scratch,
  type ScriptMapEntry,
  type Shared,
  type System,
} from "./builder.ts";
import { type Clock, type PlanList, Plans } from "../model/plan.ts";
import { mostStacks } from "../model/map_layout.ts";
import { clauseAction } from "./clauses.ts";
import { Records } from "./records.ts";
import { Stacks } from "./stacks.ts";
import { UserMap } from "./user_map.ts";

const CLOCKS: Readonly<Record<Clock, () => bigint>> = {
  boot: bootTimeNs,
  monotonic: monotonicTimeNs,
  tai: taiTimeNs,
  sw_tai: taiTimeNs,
};

const SYSTEM: System = {
  clock: (clock) => CLOCKS[clock](),
  get isInitialNamespace() {
    return pidNamespace() === undefined;
  },
  node: nodeOf,
};

/** NUMA node of a CPU. sysfs-devices-system-cpu */
function nodeOf(cpu: number): number {
  try {
    for (const { name } of Deno.readDirSync(`/sys/devices/system/cpu/cpu${cpu}`)) {
      if (/^node\d+$/.test(name)) return Number(name.slice(4));
    }
  } catch {
    // No sysfs.
  }
  return 0;
}

/** A script as functions. */
export interface Interpreted {
  /** Actions by the names of probes; probes with the same clauses share one action. */
  readonly actions: ReadonlyMap<string, UserAction>;
  /** Maps of the script, by name. */
  readonly maps: ReadonlyMap<string, UserMap>;
  /** Plans that tell what to do with each record. */
  readonly plans: PlanList;
  /** Records that the actions write. */
  readonly records: Records;
  /** Stacks that the actions record. */
  readonly stacks: Stacks;
}

/**
 * Makes a script's maps and functions.
 *
 * @throws {ScriptError} The script asks for something that only the kernel plane has.
 */
export function interpret(script: Script, options: LoadOptions = {}): Interpreted {
  const maps = new Map<string, ScriptMapEntry>();
  for (const [name, { type, layout }] of script.maps) {
    maps.set(name, { type, layout, map: new UserMap(layout) });
  }
  const plans = new Plans();
  const records = new Records(bootTimeNs);
  const stacks = new Stacks(mostStacks(script.config.maxMapKeys));
  const actionOf = interpreter(script, {
    // Each call of an action sets it.
    state: {
      event: undefined!,
      pbn: 0,
      site: undefined!,
      outcome: OUTCOME.filtered,
      loops: 0,
      rounds: 0,
    },
    scratch: new Scratch(),
    maps,
    plans,
    records,
    stacks,
    config: script.config,
    reportsFailures: script.reportsFailures,
    childPid: options.childPid ?? 0,
    onUserStack: options.onUserStack,
    system: SYSTEM,
  });
  return {
    actions: new Map(script.probes.map(({ name, clauses }) => [name, actionOf(clauses)])),
    maps: new Map([...maps].map(([name, { map }]) => [name, map])),
    plans,
    records,
    stacks,
  };
}

/** Makes each list of clauses a function, once. */
function interpreter({ source }: Script, shared: Shared) {
  const made = new Map<readonly CheckedClause[], UserAction>();
  return (clauses: readonly CheckedClause[]): UserAction => {
    let action = made.get(clauses);
    if (action === undefined) {
      const failed = new Diagnostics(source.budget);
      try {
        action = failed.guard(() => clauseAction(clauses, shared));
      } catch (error) {
        if (!(error instanceof NotOnThisPlane)) throw error;
        failed.error(
          "plane",
          `${error.message}; the kernel plane needs ${kernelPlaneNeeds()}`,
          error.span,
        );
      }
      if (action === undefined) throw new ScriptError(failed.list, source);
      made.set(clauses, action);
    }
    return action;
  };
}

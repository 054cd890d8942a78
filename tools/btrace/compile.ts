// Scripts to something that can be run: front end, maps, actions.

import type { Device } from "../../core/device.ts";
import type { MapReference } from "../../core/asm/instruction.ts";
import { FrameError } from "./codegen/frame.ts";
import type { GenMap, GenShared } from "./codegen/gen.ts";
import { type MapLayout, mapLayout } from "./codegen/map_layout.ts";
import { actionsOf, type ProbeAction } from "./codegen/program.ts";
import { type Diagnostic, Diagnostics, ScriptError, type Source } from "./lang/diagnostics.ts";
import type { MapType } from "./lang/types.ts";
import type { Plan } from "./output/plan.ts";
import type { ProbeLookup } from "./passes/expand.ts";
import { analyze } from "./passes/pipeline.ts";

/** Settings of a script, with bpftrace's names and defaults. */
export interface Config {
  /** Most bytes of a string, its NUL included. Default 1024. */
  readonly maxStrlen?: number;
  /** Most keys of a map. Default 4096. */
  readonly maxMapKeys?: number;
}

/** A map of a script. */
export interface CompiledMap {
  /** Keys and value. */
  readonly type: MapType;
  /** Shape of the BPF map. */
  readonly layout: MapLayout;
  /** Most keys. */
  readonly entries: number;
}

/** A script without errors. It holds nothing of the kernel's and can be run more than once. */
export interface Script {
  /** What it was made from. */
  readonly source: Source;
  /** Warnings. */
  readonly warnings: readonly Diagnostic[];
}

/** What run.ts needs of a script. */
export interface Compiled extends Script {
  /** Maps by name, sorted. */
  readonly maps: ReadonlyMap<string, CompiledMap>;
  /** Probes with their actions, in the order in which they first appear. */
  readonly actions: readonly ProbeAction[];
  /** What records lead to, by their id. Complete when all programs have been emitted. */
  readonly plans: readonly Plan[];
  /** Longest value of a map, in bytes: as many zeros are wanted. */
  readonly zeroBytes: number;
  /** Name of a probe by its number. */
  probeName(pbn: number): string;
  /** Gives the maps that programs refer to; to be called before they are loaded. */
  bind(maps: ReadonlyMap<string, MapReference>, zeros: MapReference): void;
}

/** The registry as the front end sees it. */
function lookupIn(device: Device): ProbeLookup {
  return {
    providers: device.registry.providers,
    match: (pattern) => device.match(pattern),
  };
}

/**
 * Compiles a script.
 *
 * @param device Where its probes are.
 * @throws {ScriptError} It has errors: all that were found, with places.
 */
export function compile(source: Source, device: Device, config: Config = {}): Script {
  const { maxStrlen = 1024, maxMapKeys = 4096 } = config;
  const { program, diagnostics } = analyze(source, lookupIn(device), { maxStrlen });
  const maps = new Map<string, CompiledMap>();
  for (const [name, type] of program.maps) {
    maps.set(name, { type, layout: mapLayout(type, maxMapKeys), entries: maxMapKeys });
  }
  let bound: ReadonlyMap<string, MapReference> = new Map();
  let zeros: MapReference | undefined;
  const genMaps = new Map<string, GenMap>();
  for (const [name, { type, layout }] of maps) {
    const map = {
      get fd() {
        return bound.get(name)!.fd;
      },
    };
    genMaps.set(name, { type, layout, map });
  }
  const names = new Map<number, string>();
  const numbers = new Map<string, number>();
  for (const { probes } of program.clauses) {
    for (const { name, pbn } of probes) {
      names.set(pbn, name);
      numbers.set(name, pbn);
    }
  }
  const plans: Plan[] = [];
  const planIds = new Map<object, number>();
  const shared: GenShared = {
    maps: genMaps,
    zeros: {
      get fd() {
        return zeros!.fd;
      },
    },
    plan(key, make) {
      let id = planIds.get(key);
      if (id === undefined) planIds.set(key, id = plans.push(make()) - 1);
      return id;
    },
    probeNumber: (name) => numbers.get(name) ?? -1,
  };
  let actions: ProbeAction[];
  try {
    actions = actionsOf(program, shared);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    const failed = new Diagnostics();
    failed.error("too-large", error.message, { start: 0, end: source.text.length });
    throw new ScriptError(failed.list, source);
  }
  const values = [...maps.values()].map(({ layout }) => layout.valueSize);
  const compiled: Compiled = {
    source,
    warnings: diagnostics.list,
    maps,
    actions,
    plans,
    zeroBytes: Math.max(8, ...values),
    probeName: (pbn) => names.get(pbn) ?? `${pbn}`,
    bind(boundMaps, boundZeros) {
      bound = boundMaps;
      zeros = boundZeros;
    },
  };
  return compiled;
}

// Scripts to something that can be run: front end, maps, actions.

import type { Device } from "../../core/device.ts";
import type { MapReference } from "../../core/asm/instruction.ts";
import { BTF_KIND, kernelBtf } from "../../core/btf/mod.ts";
import { kernelSymbols } from "../../core/symbols/mod.ts";
import { possibleCpuCount } from "../../core/sys/cpu.ts";
import { tracefsMissing } from "../../core/tracefs/mod.ts";
import { FrameError } from "./codegen/frame.ts";
import type { GenMap, GenShared } from "./codegen/gen.ts";
import { type MapLayout, mapLayout } from "./codegen/map_layout.ts";
import { actionsOf, type ProbeAction } from "./codegen/program.ts";
import { BtfTypes } from "./ctypes/btf_types.ts";
import type { Header } from "./ctypes/preprocess.ts";
import type { Program } from "./lang/ast.ts";
import { type Diagnostic, Diagnostics, ScriptError, Source } from "./lang/diagnostics.ts";
import type { MapType } from "./lang/types.ts";
import { visitBlock } from "./lang/walk.ts";
import type { Plan } from "./output/plan.ts";
import { cgroupId, signalNumber } from "./output/system.ts";
import type { CheckedProgram } from "./passes/check.ts";
import type { Config } from "./passes/config.ts";
import type { Environment, NamedParams } from "./passes/context.ts";
import type { ProbeLookup } from "./passes/expand.ts";
import { analyze } from "./passes/pipeline.ts";

export type { Config };

/** A script as it is handed in. */
export interface SourceText {
  /** "stdin" for -e and -, else the file's name: imports are looked for beside it. */
  readonly name: string;
  /** The text. */
  readonly text: string;
}

/** How to compile. */
export interface CompileOptions {
  /** Settings; a script's config block and `variables` go before them. */
  readonly config?: Partial<Config>;
  /** Settings by the environment: keys in lower case without BPFTRACE_. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Positional parameters: $1, $2, … */
  readonly params?: readonly string[];
  /** Named parameters: what getopt() finds. */
  readonly named?: NamedParams;
  /** Allows system(), signal() and the like. */
  readonly unsafe?: boolean;
  /** Folders of headers. */
  readonly includeFolders?: readonly string[];
  /** Headers to include before the script. */
  readonly includes?: readonly string[];
  /** Reports failed reads and lookups at run time. */
  readonly warnings?: boolean;
  /** Only probes whose names match; BEGIN and END always do. */
  readonly probeFilter?: RegExp;
  /** Kinds of btrace's own probes that are known beside BEGIN and END. */
  readonly special?: readonly string[];
}

/** A map of a script. */
export interface CompiledMap {
  /** Keys and value. */
  readonly type: MapType;
  /** Shape of the BPF map. */
  readonly layout: MapLayout;
}

/** A script without errors. It holds nothing of the kernel's and can be run more than once. */
export interface Script {
  /** What it was made from. */
  readonly source: Source;
  /** Warnings. */
  readonly warnings: readonly Diagnostic[];
}

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

/** What run.ts needs of a script. */
export interface Compiled extends Script {
  /** Its syntax. */
  readonly parsed: Program;
  /** Its meaning. */
  readonly program: CheckedProgram;
  /** Settings. */
  readonly config: Config;
  /** Maps by name, sorted. */
  readonly maps: ReadonlyMap<string, CompiledMap>;
  /** Probes with their actions, in the order in which they first appear. */
  readonly actions: readonly ProbeAction[];
  /** What records lead to, by their id. Complete when all programs have been emitted. */
  readonly plans: readonly Plan[];
  /** Texts that printing needs. */
  readonly texts: readonly string[];
  /** Longest value of a map, in bytes: as many zeros are wanted. */
  readonly zeroBytes: number;
  /** True if it records stacks. */
  readonly usesStacks: boolean;
  /** Name of a probe by its number. */
  probeName(pbn: number): string;
  /** Gives what programs refer to; to be called before they are loaded. */
  bind(bindings: Bindings): void;
}

/** The registry as the front end sees it. */
function lookupIn(device: Device, filter: RegExp | undefined): ProbeLookup {
  return {
    providers: device.registry.providers,
    match(pattern) {
      const found = device.match(pattern);
      // Not "no such event": nobody can tell.
      const missing = found.length === 0 && pattern.startsWith("tracepoint:")
        ? tracefsMissing()
        : undefined;
      if (missing !== undefined) throw missing;
      return found.filter(({ name }) => filter === undefined || filter.test(name));
    },
  };
}

/** Most maps that the kernel lets one program use, and those that every program has. */
const MAX_USED_MAPS = 64;
const OWN_MAPS = 6;

/** A program that uses more maps than the kernel allows would be refused without a place. */
function checkMapCount({ maps, clauses }: CheckedProgram, source: Source): void {
  if (maps.size <= MAX_USED_MAPS - OWN_MAPS) return;
  const diagnostics = new Diagnostics();
  for (const { clause } of clauses) {
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

/** The kernel's types, shared by all scripts of a process. */
const kernelTypes = new BtfTypes(kernelBtf);

function systemEnvironment(): Environment {
  return {
    get cpus() {
      return possibleCpuCount();
    },
    kernelAddress: (name) => kernelSymbols().address(name),
    cgroupId,
    kfunc: (name) => (kernelBtf()?.find(BTF_KIND.FUNC, name) ?? 0) !== 0,
    signal: signalNumber,
  };
}

/** Reads a header: its own folder first, then those given, then the system's. */
function headerFinder(folders: readonly string[], base: string) {
  return (name: string): Header | undefined => {
    for (
      const folder of [
        base,
        ...folders,
        "/usr/include",
        `/usr/include/${Deno.build.arch}-linux-gnu`,
      ]
    ) {
      const text = readText(name.startsWith("/") ? name : `${folder}/${name}`);
      if (text !== undefined) return { name, text };
    }
    return undefined;
  };
}

function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    if (error instanceof Deno.errors.IsADirectory) return undefined;
    throw error;
  }
}

/**
 * Compiles a script.
 *
 * @param device Where its probes are.
 * @throws {ScriptError} It has errors: all that were found, with places.
 */
export function compile(
  text: SourceText,
  device: Device,
  options: CompileOptions = {},
): Script {
  const source = new Source(text.name, text.text);
  const folder = /^(.*)\/[^/]*$/.exec(source.name)?.[1] ?? ".";
  const { parsed, program, config, diagnostics } = analyze(
    source,
    lookupIn(device, options.probeFilter),
    {
      types: kernelTypes,
      config: options.config ?? {},
      variables: options.variables ?? {},
      params: options.params ?? [],
      named: options.named ?? { given: new Map(), known: new Map() },
      findHeader: headerFinder(options.includeFolders ?? [], folder),
      includes: options.includes ?? [],
      readImport: (path) => readText(path.startsWith("/") ? path : `${folder}/${path}`),
      environment: systemEnvironment(),
      unsafe: options.unsafe ?? false,
      special: options.special ?? ["self"],
    },
  );
  const maps = new Map<string, CompiledMap>();
  for (const [name, type] of program.maps) {
    maps.set(name, { type, layout: mapLayout(type, config.maxMapKeys) });
  }
  let bound: Bindings | undefined;
  const reference = (find: (bindings: Bindings) => MapReference | undefined): MapReference => ({
    get fd() {
      return find(bound!)!.fd;
    },
  });
  const genMaps = new Map<string, GenMap>();
  for (const [name, { type, layout }] of maps) {
    genMaps.set(name, { type, layout, map: reference((one) => one.maps.get(name)) });
  }
  const names = new Map<number, string>();
  for (const { probes } of program.clauses) {
    for (const { name, pbn } of probes) names.set(pbn, name);
  }
  const plans: Plan[] = [];
  const planIds = new Map<object, number>();
  const texts: string[] = [];
  let usesStacks = false;
  const shared: GenShared = {
    maps: genMaps,
    zeros: reference(({ zeros }) => zeros),
    stacks: reference(({ stacks }) => stacks),
    cpus: possibleCpuCount(),
    childPid: () => bound?.childPid ?? 0,
    config,
    warnings: options.warnings ?? false,
    plan(key, make) {
      let id = planIds.get(key);
      if (id === undefined) planIds.set(key, id = plans.push(make()) - 1);
      return id;
    },
    intern(text) {
      const known = texts.indexOf(text);
      return known >= 0 ? known : texts.push(text) - 1;
    },
    useStacks: () => usesStacks = true,
  };
  checkMapCount(program, source);
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
    parsed,
    program,
    config,
    maps,
    actions,
    plans,
    texts,
    zeroBytes: Math.max(8, ...values),
    usesStacks,
    probeName: (pbn) => names.get(pbn) ?? `${pbn}`,
    bind(bindings) {
      bound = bindings;
    },
  };
  return compiled;
}

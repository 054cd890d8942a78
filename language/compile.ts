// Scripts to something that can be run on either plane: the front end, and what both planes share.

import type { Device } from "../core/device/device.ts";
import { BTF_KIND, kernelBtf } from "../core/btf/mod.ts";
import { kernelSymbols } from "../core/symbols/mod.ts";
import { possibleCpuCount } from "../core/sys/cpu.ts";
import { tracefsMissing } from "../core/tracefs/mod.ts";
import type { PlaneName } from "../core/contract/provider.ts";
import { BtfTypes } from "./ctypes/btf_types.ts";
import type { Header } from "./ctypes/preprocess.ts";
import type { Program } from "./syntax/ast.ts";
import { type Diagnostic, Source } from "./syntax/diagnostics.ts";
import type { MapType } from "./model/types.ts";
import { type MapLayout, mapLayout } from "./model/map_layout.ts";
import { Plans } from "./model/plan.ts";
import { cgroupId, signalNumber } from "./output/system.ts";
import type { CheckedClause, CheckedProgram } from "./check/check.ts";
import type { Config } from "./check/config.ts";
import type { Environment, NamedParams } from "./check/context.ts";
import type { ProbeLookup } from "./check/expand.ts";
import { analyze } from "./check/pipeline.ts";

export type { Config };

/** A script as it is handed in. */
export interface SourceText {
  /** "stdin" for -e and -, else the file's name: imports are looked for beside it. */
  readonly name: string;
  /** The text. */
  readonly text: string;
}

/** Debug information of a program by its path, as `programs()` of ./programs.ts finds it; opaque. */
export type ProgramLookup = (path: string) => object | undefined;

/** How to compile. */
export interface CompileOptions {
  /** Where it is to run. Default "kernel". */
  readonly plane?: PlaneName;
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
  /** For uaddr(): a variable or function of the process that is traced. */
  readonly userAddress?: (name: string) => { address: bigint; size: number } | undefined;
  /** Programs and libraries of the process that is traced: where probes of files without a file are. */
  readonly targetFiles?: () => readonly string[];
  /** Finds debug information of programs: `programs()` of ./programs.ts. Without it none is read. */
  readonly programs?: ProgramLookup;
  /** Only probes whose names match; BEGIN and END always do. */
  readonly probeFilter?: RegExp;
  /** Kinds of btrace's own probes that are known beside BEGIN and END. */
  readonly special?: readonly string[];
}

/** A map of a script. */
export interface CompiledMap {
  /** Keys and value. */
  readonly type: MapType;
  /** Shape of the BPF map; on the user plane sizes and number of entries count. */
  readonly layout: MapLayout;
}

/** A script without errors. It holds nothing of the kernel's and can be run more than once. */
export interface Script {
  /** Where it runs. */
  readonly plane: PlaneName;
  /** What it was made from. */
  readonly source: Source;
  /** Warnings. */
  readonly warnings: readonly Diagnostic[];
}

/** What the backends and the runner need of a script. */
export interface Compiled extends Script {
  /** Its syntax. */
  readonly parsed: Program;
  /** Its meaning. */
  readonly program: CheckedProgram;
  /** Settings. */
  readonly config: Config;
  /** Maps by name, sorted. */
  readonly maps: ReadonlyMap<string, CompiledMap>;
  /** Probes with their clauses, in the order in which they first appear. */
  readonly probes: readonly CompiledProbe[];
  /** Reports failed reads and lookups. */
  readonly reportsFailures: boolean;
  /** What records lead to. Complete when all code has been made. */
  readonly plans: Plans;
  /** Name of a probe by its number. */
  probeName(pbn: number): string;
}

/** A probe of a script. */
export interface CompiledProbe {
  /** Full name. */
  readonly name: string;
  /** Number. */
  readonly pbn: number;
  /** What it does, in source order; the same array for probes that do the same. */
  readonly clauses: readonly CheckedClause[];
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

/** The kernel's types, shared by all scripts of a process. */
const kernelTypes = new BtfTypes(kernelBtf);

function systemEnvironment(
  plane: PlaneName,
  { userAddress, programs }: CompileOptions,
): Environment {
  return {
    userAddress,
    program: programs as Environment["program"],
    kernelMemory: plane === "kernel",
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
  const { plane = "kernel" } = options;
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
      environment: systemEnvironment(plane, options),
      unsafe: options.unsafe ?? false,
      special: options.special ?? ["self"],
      targetFiles: options.targetFiles,
    },
  );
  const maps = new Map<string, CompiledMap>();
  for (const [name, type] of program.maps) {
    maps.set(name, { type, layout: mapLayout(type, config.maxMapKeys) });
  }
  const probes = probesOf(program);
  const names = new Map(probes.map(({ name, pbn }) => [pbn, name]));
  const compiled: Compiled = {
    plane,
    source,
    warnings: diagnostics.list,
    parsed,
    program,
    config,
    maps,
    probes,
    reportsFailures: options.warnings ?? false,
    plans: new Plans(),
    probeName: (pbn) => names.get(pbn) ?? `${pbn}`,
  };
  return compiled;
}

/** All clauses of a probe are one action. */
function probesOf(program: CheckedProgram): CompiledProbe[] {
  const found = new Map<string, { pbn: number; clauses: CheckedClause[] }>();
  for (const clause of program.clauses) {
    for (const { name, pbn } of clause.probes) {
      const known = found.get(name);
      if (known !== undefined) known.clauses.push(clause);
      else found.set(name, { pbn, clauses: [clause] });
    }
  }
  const number = new Map(program.clauses.map((clause, i) => [clause, i]));
  const lists = new Map<string, CheckedClause[]>();
  return [...found].map(([name, { pbn, clauses }]) => {
    const key = clauses.map((clause) => number.get(clause)).join();
    const shared = lists.get(key) ?? clauses;
    lists.set(key, shared);
    return { name, pbn, clauses: shared };
  });
}

// Compiles scripts for either plane: the front end, and the parts that both planes share.

import type { Device } from "../core/device/device.ts";
import { BTF_KIND, kernelBtf } from "../core/btf/mod.ts";
import { kernelSymbols } from "../core/symbols/kallsyms.ts";
import { readIfThere } from "../core/sys/input_file.ts";
import { knownCpuCount } from "../core/sys/cpu.ts";
import { tracefsMissing } from "../core/tracefs/mod.ts";
import type { PlaneName } from "../core/contract/provider.ts";
import { BtfTypes } from "./ctypes/btf_types.ts";
import { cPart, symbols } from "./lazy_parts.ts";
import type { Program } from "./syntax/ast.ts";
import type { ScriptValues } from "./syntax/script_value.ts";
import { type Diagnostic, Source } from "./syntax/diagnostics.ts";
import { type CompiledMap, mapLayout } from "./model/map_layout.ts";
import { cgroupId, codeName, codesNamed, signalNumber } from "./output/system.ts";
import type { CheckedClause, CheckedProgram, NamedParameter } from "./check/checked_program.ts";
import type { Config } from "./check/config.ts";
import type { Environment } from "./check/context.ts";
import type { ProbeLookup, TargetFiles } from "./check/expand.ts";
import { analyze, type CTools } from "./check/pipeline.ts";

export type { Config };

/** Text and name of a script to compile. */
export interface SourceText {
  /** "stdin" for -e and -, else the file's name: imports are looked for beside it. */
  readonly name: string;
  /** Text of the script. */
  readonly text: string;
  /**
   * Values of places in the text, as `start()` makes them.
   *
   * @internal
   */
  readonly values?: ScriptValues;
}

/** Debug information of a program by its path, as `programs()` of ./programs.ts finds it; opaque. */
export type ProgramLookup = (path: string) => object | undefined;

/** True if a script uses arguments, types or source lines that only a program's debug information knows. */
export function asksPrograms(text: string): boolean {
  return /\b(u|ur|uprobe|uretprobe):/.test(text) &&
    /\b(args|retval|struct|union|enum|class|sizeof|offsetof)\b|\*\s*\)|@[^\s:]+:\d/.test(text);
}

/** How a script is compiled. */
export interface CompileOptions {
  /** Plane that the script is to run on. Default "kernel". */
  readonly plane?: PlaneName;
  /** Defaults of settings; `variables` and the script's config block override them. */
  readonly config?: Partial<Config>;
  /** Settings by the environment: keys in lower case without BPFTRACE_. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Positional parameters: $1, $2, … */
  readonly params?: readonly string[];
  /** Named parameters that getopt() finds: text by name, true without a value. */
  readonly named?: ReadonlyMap<string, string | true>;
  /** Allows system(), signal() and the like. */
  readonly unsafe?: boolean;
  /** Folders to look for headers in. */
  readonly includeFolders?: readonly string[];
  /** Headers to include before the script. */
  readonly includes?: readonly string[];
  /** Folder with the source of the kernel, for its headers. Default: what /lib/modules has. */
  readonly kernelSource?: string;
  /** Folder with what a build of the kernel has generated, if not in the source's folder. */
  readonly kernelBuild?: string;
  /** Reports failed reads and lookups at run time. */
  readonly warnings?: boolean;
  /** Finds a variable or function of the traced process, for uaddr(). */
  readonly userAddress?: (name: string) => { address: bigint; size: number } | undefined;
  /** Files of the traced process: those of probes such as `uprobe::f` that name no file, and where the others are. */
  readonly target?: TargetFiles;
  /** Finds debug information of programs: `programs()` of ./programs.ts. Without it none is read. */
  readonly programs?: ProgramLookup;
  /** Keeps only probes whose names match; BEGIN and END are always kept. */
  readonly probeFilter?: RegExp;
  /** Kinds of btrace's own probes that are known beside BEGIN and END. */
  readonly special?: readonly string[];
}

/** A script without errors. A script holds no resources of the kernel and can be run more than once. */
export interface Script {
  /** Plane that the script was compiled for. */
  readonly plane: PlaneName;
  /** Text of the script and of all its imports. */
  readonly source: Source;
  /** Warnings that the compiler found. */
  readonly warnings: readonly Diagnostic[];
  /** Named parameters that the script asks for with getopt(), by name. */
  readonly parameters: ReadonlyMap<string, NamedParameter>;
  /**
   * The syntax tree of the script before the check.
   *
   * @internal
   */
  readonly parsed: Program;
  /**
   * The typed tree that the backends read.
   *
   * @internal
   */
  readonly program: CheckedProgram;
  /**
   * Settings of the script, the environment and the caller.
   *
   * @internal
   */
  readonly config: Config;
  /**
   * Maps by name, sorted by name.
   *
   * @internal
   */
  readonly maps: ReadonlyMap<string, CompiledMap>;
  /**
   * Probes with their clauses, in the order in which they first appear.
   *
   * @internal
   */
  readonly probes: readonly CompiledProbe[];
  /**
   * True if the script reports failed reads and lookups while it runs.
   *
   * @internal
   */
  readonly reportsFailures: boolean;
}

/** A probe of a script, with everything that the script does when the probe fires. */
export interface CompiledProbe {
  /** Full name of the probe. */
  readonly name: string;
  /** Number of the probe. */
  readonly pbn: number;
  /** Clauses in source order; probes with the same clauses share one array. */
  readonly clauses: readonly CheckedClause[];
}

/** The registry as the front end sees it. */
function lookupIn(device: Device, filter: RegExp | undefined): ProbeLookup {
  return {
    providers: device.registry.providers,
    explain: (name) => device.registry.explain(name),
    *names(pattern) {
      for (const { name } of device.probes(pattern)) yield name;
    },
    isLeftOut: (pattern) =>
      filter !== undefined && device.match(pattern).some(({ name }) => !filter.test(name)),
    match(pattern) {
      const found = device.match(pattern);
      // Without tracefs nobody can tell whether the event exists.
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
    programAddress: (path, name) => symbols.get().openBinary(path)?.find(name),
    program: programs as Environment["program"],
    kernelMemory: plane === "kernel",
    get cpus() {
      return knownCpuCount();
    },
    kernelAddress: (name) => kernelSymbols().address(name),
    cgroupId,
    kfunc: (name) => (kernelBtf()?.find(BTF_KIND.FUNC, name) ?? 0) !== 0,
    signal: signalNumber,
    codeName,
    codesNamed,
  };
}

/** Most bytes of an imported script and of a header. */
const MAX_FILE = 16 << 20;

function readText(path: string): string | undefined {
  return readIfThere(path, MAX_FILE);
}

function cTools(
  script: string,
  { includeFolders = [], kernelSource, kernelBuild }: CompileOptions,
): CTools {
  const { HeaderFiles, ...rest } = cPart.get();
  const architecture = Deno.build.arch;
  const headers = new HeaderFiles({
    script,
    given: includeFolders,
    kernelSource,
    kernelBuild,
    kernelRelease: Deno.osRelease(),
    architecture,
    read: readText,
  });
  return { ...rest, headers, architecture };
}

/**
 * Compiles a script for one plane; no program is loaded or attached.
 *
 * @param device Device whose probes the script may name.
 * @throws {ScriptError} The script has errors; the exception holds all, with their places.
 */
export function compile(
  text: SourceText,
  device: Device,
  options: CompileOptions = {},
): Script {
  const { plane = "kernel" } = options;
  const source = new Source(text.name, text.text, text.values);
  const folder = /^(.*)\/[^/]*$/.exec(source.name)?.[1] ?? ".";
  const { parsed, program, config, diagnostics } = analyze(
    source,
    lookupIn(device, options.probeFilter),
    {
      types: kernelTypes,
      config: options.config ?? {},
      variables: options.variables ?? {},
      params: options.params ?? [],
      named: options.named ?? new Map(),
      c: () => cTools(folder, options),
      includes: options.includes ?? [],
      readImport: (path) => readText(path.startsWith("/") ? path : `${folder}/${path}`),
      environment: systemEnvironment(plane, options),
      unsafe: options.unsafe ?? false,
      special: options.special ?? ["self"],
      target: options.target,
    },
  );
  const maps = new Map<string, CompiledMap>();
  for (const [name, type] of program.maps) {
    maps.set(name, { type, layout: mapLayout(type, config.maxMapKeys) });
  }
  return {
    plane,
    source,
    warnings: diagnostics.list,
    parameters: program.parameters,
    parsed,
    program,
    config,
    maps,
    probes: probesOf(program),
    reportsFailures: options.warnings ?? false,
  };
}

/** Gathers the clauses of each probe; probes with the same clauses share one list. */
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

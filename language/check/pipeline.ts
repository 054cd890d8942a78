// Pure: no I/O, no FFI.
// The passes of the front end, in their order.

import { chain, type TypeScope } from "../ctypes/scope.ts";
import { CError } from "../ctypes/c_token.ts";
import type { Definitions, HeaderSource, parseDefinitions } from "../ctypes/definitions.ts";
import type { Architecture } from "../ctypes/predefined.ts";
import type { cMacroExpansion } from "../ctypes/script_macros.ts";
import type { Clause, Program } from "../syntax/ast.ts";
import { Diagnostics, ScriptError, type Source } from "../syntax/diagnostics.ts";
import { parse } from "../syntax/parser.ts";
import { check } from "./check.ts";
import type { CheckedProgram } from "./checked_program.ts";
import { type Config, configure } from "./config.ts";
import type { Environment, Shared } from "./context.ts";
import { expand, type ProbeLookup, type TargetFiles } from "./expand.ts";
import { expandMacros } from "./macros.ts";
import { mapProgram } from "../syntax/walk.ts";
import { append } from "./nodes.ts";
import { substituteParams } from "./params.ts";

/** A script that has passed the front end. */
export interface Analyzed {
  /** The script as it was written, with the scripts that it imports. */
  readonly parsed: Program;
  /** The script with all types known, ready for code generation. */
  readonly program: CheckedProgram;
  /** Settings that the script runs with. */
  readonly config: Config;
  /** Warnings about the script, in order. */
  readonly diagnostics: Diagnostics;
}

/** Parts of the compiler that only a script with a C part needs. */
export interface CTools {
  /** Parser of C definitions. */
  readonly parseDefinitions: typeof parseDefinitions;
  /** Maker of the expansion of C macros in the script. */
  readonly cMacroExpansion: typeof cMacroExpansion;
  /** Finds the header files that the C part includes. */
  readonly headers: HeaderSource;
  /** Machine that decides what macros are predefined. */
  readonly architecture: Architecture;
}

/** What a script is compiled against. */
export interface AnalyzeOptions {
  /** C types of the kernel. */
  readonly types: TypeScope;
  /** Defaults that differ from bpftrace's. */
  readonly config: Partial<Config>;
  /** Settings by the environment, in lower case. */
  readonly variables: Readonly<Record<string, string>>;
  /** Positional parameters of the command line: $1 and on. */
  readonly params: readonly string[];
  /** Named parameters that the command line gives: text by name. */
  readonly named: ReadonlyMap<string, string | true>;
  /** Called if the script has a C part. */
  readonly c: () => CTools;
  /** Text to put before the script's definitions: --include. */
  readonly includes: readonly string[];
  /** Reads what `import "path"` names. */
  readonly readImport: (path: string) => string | undefined;
  /** What the running system says: addresses, CPUs, signals. */
  readonly environment: Environment;
  /** True if system() and the like are allowed (--unsafe). */
  readonly unsafe: boolean;
  /** Probe types of this way of running. */
  readonly special: readonly string[];
  /** Files of the process that is traced. */
  readonly target?: TargetFiles;
}

/**
 * parse → import → configure → definitions → parameters → macros → expand → check.
 *
 * @throws {ScriptError} The script has errors: all that were found.
 * @throws {PartMissing} The script has a C part and the modules for C are not loaded.
 */
export function analyze(source: Source, lookup: ProbeLookup, options: AnalyzeOptions): Analyzed {
  const diagnostics = new Diagnostics(source.budget);
  const parsed = resolveImports(parse(source), source, options, diagnostics);
  const config = configure(parsed.config, options.variables, options.config, diagnostics);
  const result: { checked?: CheckedProgram } = {};
  diagnostics.guard(() =>
    reportingC(diagnostics, () => {
      const own = definitions(parsed, source, options, diagnostics);
      const types = own === undefined ? options.types : chain(own, options.types);
      const defined = own === undefined
        ? parsed
        : withCMacros(parsed, options.c().cMacroExpansion(own, source, diagnostics));
      const program = expandMacros(
        substituteParams(defined, options.params),
        diagnostics,
        source.budget,
      );
      const scopes = { types, ownTypes: own };
      const { budget } = source;
      result.checked = checkProgram(
        program,
        { ...scopes, budget },
        config,
        lookup,
        options,
        diagnostics,
      );
    })
  );
  if (diagnostics.failed) throw new ScriptError(diagnostics.list, source);
  return { parsed, program: result.checked!, config, diagnostics };
}

/** Makes diagnostics of errors in C text, which may show when a name is looked up. */
function reportingC(diagnostics: Diagnostics, step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof CError)) throw error;
    diagnostics.error("definitions", error.message, error.span ?? { start: 0, end: 0 });
  }
}

function checkProgram(
  program: Program,
  scopes: Pick<Shared, "types" | "ownTypes" | "budget">,
  config: Config,
  lookup: ProbeLookup,
  options: AnalyzeOptions,
  diagnostics: Diagnostics,
): CheckedProgram {
  const clauses = expand(program, lookup, diagnostics, {
    missing: config.missingProbes,
    maxProbes: config.maxProbes,
    params: options.params,
    special: options.special,
    target: options.target,
    unsafe: options.unsafe,
  });
  return check(program, clauses, diagnostics, {
    ...scopes,
    config,
    environment: options.environment,
    named: options.named,
    unsafe: options.unsafe,
  });
}

/** Macros that compilers have before they read anything; a script may use them without a C part. */
const COMPILER_MACRO = /\b__\w+__\b/;

/** The script's own types, which go before the kernel's; undefined if the script has no C part. */
function definitions(
  { definitions: texts }: Program,
  source: Source,
  { includes, types, c }: AnalyzeOptions,
  diagnostics: Diagnostics,
): Definitions | undefined {
  if (texts.length + includes.length === 0 && !COMPILER_MACRO.test(source.text)) return undefined;
  const { parseDefinitions, headers, architecture } = c();
  const own = parseDefinitions({
    includes,
    texts,
    headers,
    below: types,
    architecture,
    budget: source.budget,
  });
  for (const { message, span } of own.warnings) {
    diagnostics.warning("definitions", message, span ?? { start: 0, end: 0 });
  }
  return own;
}

/** A program in which names of C macros are replaced; parameters of macros hide C macros. */
function withCMacros(program: Program, expand: ReturnType<typeof cMacroExpansion>): Program {
  const names = program.macros.map(({ name }) => name);
  const others = new Set(names);
  const macros = program.macros.map((macro) => {
    const hidden = new Set([...names, ...macro.params]);
    const only = { ...program, maps: [], functions: [], clauses: [], macros: [macro] };
    return mapProgram(only, (expr) => expand(expr, hidden)).macros[0];
  });
  return { ...mapProgram({ ...program, macros: [] }, (expr) => expand(expr, others)), macros };
}

/** What bpftrace's standard library brings is part of this language. */
const BUILT_IN = /^stdlib(\/\w+)?$/;

/** The text of another script; undefined, with an error, if the script cannot be read. */
function readImport(
  { path, span }: Program["imports"][number],
  options: AnalyzeOptions,
  diagnostics: Diagnostics,
): string | undefined {
  let reason = "No such file or directory";
  try {
    const text = options.readImport(path);
    if (text !== undefined) return text;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    reason = error.message;
  }
  diagnostics.error("import", `failed to import '${path}': ${reason}`, span);
  return undefined;
}

/**
 * Adds what other scripts declare. Each is read once; its clauses go before those of scripts that import
 * it, so that its BEGIN has run.
 */
function resolveImports(
  program: Program,
  source: Source,
  options: AnalyzeOptions,
  diagnostics: Diagnostics,
): Program {
  const seen = new Set([source.name.slice(source.name.lastIndexOf("/") + 1)]);
  const merged = {
    definitions: [...program.definitions],
    config: [...program.config],
    imports: [...program.imports],
    maps: [...program.maps],
    macros: [...program.macros],
    functions: [...program.functions],
    clauses: [] as Clause[],
  };
  const add = (one: Program["imports"][number]) => {
    if (seen.has(one.path) || BUILT_IN.test(one.path)) return;
    seen.add(one.path);
    if (/\.bpf\.[co]$/.test(one.path)) {
      diagnostics.error("import", `cannot import ${one.path}: only scripts and headers`, one.span);
      return;
    }
    if (one.path.endsWith(".h")) {
      merged.definitions.push({ text: `#include "${one.path}"\n`, span: one.span });
      return;
    }
    const text = readImport(one, options, diagnostics);
    if (text === undefined) return;
    const imported = parse(source.append(one.path, text));
    append(merged.definitions, imported.definitions);
    append(merged.maps, imported.maps);
    append(merged.macros, imported.macros);
    append(merged.functions, imported.functions);
    imported.imports.forEach(add);
    append(merged.clauses, imported.clauses);
  };
  program.imports.forEach(add);
  append(merged.clauses, program.clauses);
  return merged;
}

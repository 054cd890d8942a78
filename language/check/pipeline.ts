// Pure: no I/O, no FFI.
// The passes of the front end, in their order.

import { chain, type TypeScope } from "../ctypes/scope.ts";
import { parseDefinitions } from "../ctypes/definitions.ts";
import { CError, type FindHeader } from "../ctypes/preprocess.ts";
import type { Program } from "../syntax/ast.ts";
import { Diagnostics, ScriptError, type Source } from "../syntax/diagnostics.ts";
import { parse } from "../syntax/parser.ts";
import { check } from "./check.ts";
import type { CheckedProgram } from "./checked_program.ts";
import { type Config, configure, reportUnstable } from "./config.ts";
import type { Environment } from "./context.ts";
import { expand, type ProbeLookup } from "./expand.ts";
import { expandMacros } from "./macros.ts";
import { substituteParams } from "./params.ts";

/** A script that has passed the front end. */
export interface Analyzed {
  /** The script as it was written, with the scripts that it imports. */
  readonly parsed: Program;
  /** Ready for code generation. */
  readonly program: CheckedProgram;
  /** Settings. */
  readonly config: Config;
  /** Warnings. */
  readonly diagnostics: Diagnostics;
}

/** What a script is compiled against. */
export interface AnalyzeOptions {
  /** The kernel's types. */
  readonly types: TypeScope;
  /** Defaults that differ from bpftrace's. */
  readonly config: Partial<Config>;
  /** Settings by the environment, in lower case. */
  readonly variables: Readonly<Record<string, string>>;
  /** Positional parameters. */
  readonly params: readonly string[];
  /** Named parameters that the command line gives: text by name. */
  readonly named: ReadonlyMap<string, string>;
  /** Finds a header by the name that the script includes. */
  readonly findHeader: FindHeader;
  /** Text to put before the script's definitions: --include. */
  readonly includes: readonly string[];
  /** Reads what `import "path"` names. */
  readonly readImport: (path: string) => string | undefined;
  /** What the running system says: addresses, CPUs, signals. */
  readonly environment: Environment;
  /** --unsafe */
  readonly unsafe: boolean;
  /** Probe types of this way of running. */
  readonly special: readonly string[];
  /** Files of the process that is traced. */
  readonly targetFiles?: () => readonly string[];
}

/**
 * parse → import → configure → parameters → macros → definitions → expand → check.
 *
 * @throws {ScriptError} The script has errors: all that were found.
 */
export function analyze(source: Source, lookup: ProbeLookup, options: AnalyzeOptions): Analyzed {
  const diagnostics = new Diagnostics();
  const parsed = resolveImports(parse(source), source, options, diagnostics);
  const config = configure(parsed.config, options.variables, options.config, diagnostics);
  for (const { span } of parsed.imports) {
    reportUnstable(config.unstableImport, "import", span, diagnostics);
  }
  const program = expandMacros(substituteParams(parsed, options.params), diagnostics);
  const types = definitions(program, options, diagnostics);
  const clauses = expand(program, lookup, diagnostics, {
    missing: config.missingProbes,
    maxProbes: config.maxProbes,
    params: options.params,
    special: options.special,
    targetFiles: options.targetFiles,
    unsafe: options.unsafe,
  });
  const checked = check(program, clauses, diagnostics, {
    types,
    config,
    environment: options.environment,
    named: options.named,
    unsafe: options.unsafe,
  });
  if (diagnostics.failed) throw new ScriptError(diagnostics.list, source);
  return { parsed, program: checked, config, diagnostics };
}

/** The script's own types before the kernel's. */
function definitions(
  program: Program,
  options: AnalyzeOptions,
  diagnostics: Diagnostics,
): TypeScope {
  const texts = options.includes.map((name) => ({
    text: `#include "${name}"\n`,
    span: { start: 0, end: 0 },
  }));
  if (program.definitions.length + texts.length === 0) return options.types;
  try {
    const before = texts.map(({ text }) => text).join("");
    const own = parseDefinitions(before, program.definitions, options.findHeader, options.types);
    return chain(own, options.types);
  } catch (error) {
    if (!(error instanceof CError)) throw error;
    diagnostics.error("definitions", error.message, error.span ?? { start: 0, end: 0 });
    return options.types;
  }
}

/** Adds what other scripts declare. Each is read once. */
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
    clauses: [...program.clauses],
  };
  const pending = [...program.imports];
  for (let one = pending.shift(); one !== undefined; one = pending.shift()) {
    if (seen.has(one.path)) continue;
    seen.add(one.path);
    if (/\.bpf\.[co]$/.test(one.path)) {
      diagnostics.error("import", `cannot import ${one.path}: only scripts and headers`, one.span);
      continue;
    }
    if (one.path.endsWith(".h")) {
      merged.definitions.push({ text: `#include "${one.path}"\n`, span: one.span });
      continue;
    }
    const text = options.readImport(one.path);
    if (text === undefined) {
      diagnostics.error(
        "import",
        `failed to import '${one.path}': No such file or directory`,
        one.span,
      );
      continue;
    }
    const imported = parse(source.append(one.path, text), true);
    merged.definitions.push(...imported.definitions);
    merged.maps.push(...imported.maps);
    merged.macros.push(...imported.macros);
    merged.functions.push(...imported.functions);
    merged.clauses.push(...imported.clauses);
    pending.push(...imported.imports);
  }
  return merged;
}

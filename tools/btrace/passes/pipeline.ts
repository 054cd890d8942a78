// Pure: no I/O, no FFI.
// The passes in order.

import { Diagnostics, ScriptError, type Source } from "../lang/diagnostics.ts";
import { parse } from "../lang/parser.ts";
import { check, type CheckedProgram, type CheckOptions } from "./check.ts";
import { expand, type ProbeLookup } from "./expand.ts";
import { fold } from "./fold.ts";

/** What the front end makes of a script. */
export interface Analyzed {
  /** Ready for code generation. */
  readonly program: CheckedProgram;
  /** Warnings. */
  readonly diagnostics: Diagnostics;
}

/**
 * parse → fold → expand → check.
 *
 * @throws {ScriptError} The script has errors: all that were found.
 */
export function analyze(source: Source, lookup: ProbeLookup, options: CheckOptions): Analyzed {
  const diagnostics = new Diagnostics();
  const program = fold(parse(source), diagnostics);
  const clauses = expand(program, lookup, diagnostics);
  const checked = check(clauses, diagnostics, options);
  if (diagnostics.failed) throw new ScriptError(diagnostics.list, source);
  return { program: checked, diagnostics };
}

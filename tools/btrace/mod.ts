/**
 * The script language as a library: compile a script, run it, get its output as bytes.
 *
 * @example
 * ```ts ignore
 * import { compile, run } from "./mod.ts";
 * import { openDevice } from "../../core/mod.ts";
 * import { allProviders } from "../../providers/mod.ts";
 *
 * const device = openDevice({ providers: allProviders() });
 * const script = compile({ name: "stdin", text: 'BEGIN { printf("hello\n"); }' }, device);
 * await run(script, device, {
 *   stdout: (bytes) => Deno.stdout.writeSync(bytes),
 *   stderr: (bytes) => Deno.stderr.writeSync(bytes),
 * });
 * ```
 *
 * @module
 */

export {
  compile,
  type CompileOptions,
  type Config,
  type Script,
  type SourceText,
} from "./compile.ts";
export type { StackMode } from "./lang/types.ts";
export type { Reaction } from "./passes/config.ts";
export type { NamedParams } from "./passes/context.ts";
export {
  type Diagnostic,
  formatDiagnostic,
  ScriptError,
  type Source,
  type Span,
} from "./lang/diagnostics.ts";
export type { Sink } from "./output/out.ts";
export type { LoadOptions } from "./loaded.ts";
export { run, type RunOptions, type RunResult } from "./run.ts";
export type { RunnerOptions } from "./runner.ts";

/**
 * The script language as a library: compile a script, run it, get its output as bytes.
 *
 * @example
 * ```ts ignore
 * import { compile, run } from "./mod.ts";
 * import { openDevice } from "../core/mod.ts";
 * import { allProviders } from "../providers/mod.ts";
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

import "./preload.ts";

export type { TargetFiles } from "./check/expand.ts";
export {
  compile,
  type CompileOptions,
  type Config,
  type ProgramLookup,
  type Script,
  type SourceText,
} from "./compile.ts";
export type { StackMode } from "./model/types.ts";
export type { Reaction } from "./check/config.ts";
export type { NamedParameter } from "./check/checked_program.ts";
export {
  type Diagnostic,
  formatDiagnostic,
  ScriptError,
  type Source,
  type Span,
} from "./syntax/diagnostics.ts";
export type { Sink } from "./output/output_buffer.ts";
export type { LoadOptions } from "./model/loaded_script.ts";
export { run, type RunOptions, type RunResult } from "./run.ts";
export type { OutputFormat } from "./output/printers.ts";
export type { RunnerOptions } from "./output/runner.ts";
export { start, type StartOptions, type StartTag, Trace } from "./start.ts";
export type { ScriptValue } from "./syntax/script_value.ts";
export type { MapEntry, TraceRecord } from "./output/record_printer.ts";
export { type MapKey, type MapRow, TraceMap, TraceMaps } from "./trace_maps.ts";
export type {
  Frame,
  HistogramBucket,
  HistogramValue,
  Integer,
  SeriesValue,
  StatsValue,
  Value,
} from "./output/values.ts";

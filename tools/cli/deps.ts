// The only door of the tools to packages from npm. A package that few runs need is loaded when a run
// first wants that package: its name is no literal of an import, so that Deno does not fetch the package
// before a tool runs.

// @ts-types="./types/parse_args.d.ts"
export { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";

const PPROF = "npm:pprof-format@2.3.2" as string;

/** What is used of pprof-format: classes of the messages of profile.proto. */
export interface Pprof {
  /** A table of texts. */
  readonly StringTable: new () => { dedup(text: string): number };
  /** The messages. */
  readonly Profile: new (fields: Record<string, unknown>) => { encode(): Uint8Array };
  readonly ValueType: new (fields: Record<string, unknown>) => object;
  readonly Sample: new (fields: Record<string, unknown>) => object;
  readonly Label: new (fields: Record<string, unknown>) => object;
  readonly Mapping: new (fields: Record<string, unknown>) => object;
  readonly Location: new (fields: Record<string, unknown>) => object;
  readonly Line: new (fields: Record<string, unknown>) => object;
  readonly Function: new (fields: Record<string, unknown>) => object;
}

/** The writer of pprof files. */
export async function loadPprof(): Promise<Pprof> {
  return await import(PPROF) as Pprof;
}

// The only door of the tools to packages from npm. A package that few runs need is loaded when a run
// first wants that package: its name is no literal of an import, so that Deno does not fetch the package
// before a tool runs.

// @ts-types="./types/parse_args.d.ts"
export { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";

const PPROF = "npm:pprof-format@2.3.2" as string;

/** The part of the package pprof-format that the tools use: classes of the messages of profile.proto. */
export interface Pprof {
  /** The table of texts, which messages refer to by index. */
  readonly StringTable: new () => { dedup(text: string): number };
  /** The message of a whole profile, which encodes itself as bytes. */
  readonly Profile: new (fields: Record<string, unknown>) => { encode(): Uint8Array };
  /** The meaning and the unit of a sample's value. */
  readonly ValueType: new (fields: Record<string, unknown>) => object;
  /** Values of one stack, with its locations and labels. */
  readonly Sample: new (fields: Record<string, unknown>) => object;
  /** A key with a value that a sample carries. */
  readonly Label: new (fields: Record<string, unknown>) => object;
  /** A file that is mapped into the process's memory. */
  readonly Mapping: new (fields: Record<string, unknown>) => object;
  /** An address in a stack, with its lines. */
  readonly Location: new (fields: Record<string, unknown>) => object;
  /** A line of source within a function. */
  readonly Line: new (fields: Record<string, unknown>) => object;
  /** A function by its name and its file. */
  readonly Function: new (fields: Record<string, unknown>) => object;
}

/** Loads the package that writes pprof files. */
export async function loadPprof(): Promise<Pprof> {
  return await import(PPROF) as Pprof;
}

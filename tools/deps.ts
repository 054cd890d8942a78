// The only door to packages from npm for tools. What few runs need is fetched and loaded when it is
// first wanted: its name is no literal of an import, so that Deno does not fetch it before a tool runs.

// @ts-types="./types/parse_args.d.ts"
export { parseArgs } from "npm:deno-std@1.4.0/cli/parse_args.js";

const PACKAGES = {
  demangle: "npm:gecko-profiler-demangle@0.4.0",
  xz: "npm:xz-decompress@0.2.3",
  pprof: "npm:pprof-format@2.3.2",
} as const;

/** Readable names of C++ and Rust functions; other names stay as they are. */
export async function loadDemangler(): Promise<(name: string) => string> {
  const { demangle_any } = await import(PACKAGES.demangle) as {
    demangle_any(name: string): string;
  };
  return demangle_any;
}

/** A stream that unpacks xz. */
export async function loadXz(): Promise<
  (packed: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>
> {
  const { default: { XzReadableStream } } = await import(PACKAGES.xz) as {
    default: {
      XzReadableStream: new (packed: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>;
    };
  };
  return (packed) => new XzReadableStream(packed);
}

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
  return await import(PACKAGES.pprof) as Pprof;
}

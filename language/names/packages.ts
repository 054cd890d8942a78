// The only door of the language to packages from npm: what makes names of user code readable. A package is
// loaded when a run first wants it: its name is no literal of an import, so that Deno does not fetch the
// package before a script runs.

const PACKAGES = {
  demangle: "npm:gecko-profiler-demangle@0.4.0",
  xz: "npm:xz-decompress@0.2.3",
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

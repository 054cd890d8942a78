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

/** Message to the worker; the result goes to memory that both threads share. */
export interface UnxzRequest {
  /** Data in the format of xz. */
  readonly packed: Uint8Array<ArrayBuffer>;
  /** Two words: 1 when the worker has finished; number of unpacked bytes, or -1 for a failure. */
  readonly state: Int32Array;
  /** Shared memory that the worker writes unpacked bytes to. */
  readonly result: Uint8Array;
}

/**
 * URL of a module that unpacks xz in a worker; the thread that asked waits for the result. The URL has the
 * module's text, so that a bundle has it inside.
 */
export function unxzWorker(): string {
  return `data:text/javascript,${
    encodeURIComponent(`(${serve})(${JSON.stringify(PACKAGES.xz)});`)
  }`;
}

/** A stream that unpacks xz, of the package. */
interface XzPackage {
  readonly default: {
    readonly XzReadableStream: new (
      packed: ReadableStream<Uint8Array>,
    ) => ReadableStream<Uint8Array>;
  };
}

/** Answers requests. The worker gets the text of this function alone, which must name nothing from outside. */
function serve(xz: string): void {
  self.addEventListener("message", async (event) => {
    const { packed, state, result } = (event as MessageEvent<UnxzRequest>).data;
    let length = -1;
    try {
      const { default: { XzReadableStream } } = await import(xz) as XzPackage;
      let unpacked = 0;
      // A file that would unpack to more than there is room for is given up as soon as it does.
      for await (const part of new XzReadableStream(new Blob([packed]).stream())) {
        if (unpacked + part.length > result.length) throw new RangeError("larger than the room");
        result.set(part, unpacked);
        unpacked += part.length;
      }
      length = unpacked;
    } catch {
      // The data are damaged, or the package is missing: the caller has fewer names then.
    }
    Atomics.store(state, 1, length);
    Atomics.store(state, 0, 1);
    Atomics.notify(state, 0);
  });
}

// Loads the library behind the tracepoints of TypeScript programs (providers/static): its functions
// do nothing, so that tracers can stop in them. A loaded library stays for the life of the process.

/** Type of a parameter of a probe's function, in Deno's notation. */
export type ProbeParameter = "buffer" | "i32" | "u32" | "i64" | "u64";

/** The contents of a loaded library of probes. */
export interface ProbeLibrary {
  /**
   * A word for each probe, in the order of the functions. Tracers raise the low half of a word
   * while they trace its probe. [K]: the kernel writes the words on behalf of tracers.
   */
  readonly words: Uint32Array;
  /** The function of each probe, which does nothing: tracers put their breakpoints there. */
  readonly functions: readonly ((...args: unknown[]) => void)[];
}

/**
 * Loads a library of probes.
 *
 * @param path Path of the library; tracers look for it there as long as this process lives.
 * @param wordsFunction Name of the function that returns the address of the words.
 * @param functions Names and parameters of the probes' functions.
 * @returns The words and the functions of the probes.
 * @throws {Error} The library cannot be loaded: FFI is not permitted, or the file system forbids
 * execution.
 */
export function openProbeLibrary(
  path: string,
  wordsFunction: string,
  functions: readonly { readonly name: string; readonly parameters: readonly ProbeParameter[] }[],
): ProbeLibrary {
  const symbols: Deno.ForeignLibraryInterface = {
    [wordsFunction]: { parameters: [], result: "pointer" },
    ...Object.fromEntries(
      functions.map(({ name, parameters }) => [name, { parameters, result: "void" } as const]),
    ),
  };
  const library = Deno.dlopen(path, symbols).symbols as Record<
    string,
    (...args: unknown[]) => unknown
  >;
  const address = library[wordsFunction]() as Deno.PointerObject;
  return {
    words: new Uint32Array(Deno.UnsafePointerView.getArrayBuffer(address, functions.length * 4)),
    functions: functions.map(({ name }) => library[name] as (...args: unknown[]) => void),
  };
}

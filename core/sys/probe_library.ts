// A library of probes, loaded into this process for as long as it lives.

/** Parameters that a probe's function takes. */
export type ProbeParameter = "buffer" | "i32" | "u32" | "i64" | "u64";

/** What a library of probes has. */
export interface ProbeLibrary {
  /** A word for each probe; the low half is raised by tracers while they look. [K] */
  readonly words: Uint32Array;
  /** The functions, which do nothing: tracers stop there. */
  readonly functions: readonly ((...args: unknown[]) => void)[];
}

/**
 * Loads a library.
 *
 * @param path To be found by tracers as long as this process lives.
 * @param wordsFunction Function that returns the address of the words.
 * @throws {Error} It cannot be loaded: no permission for FFI, or a file system without execution.
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

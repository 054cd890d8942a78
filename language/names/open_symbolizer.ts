// The symbolizer of tools: with names of C++ and Rust made readable, and packed symbols unpacked.

import { type SymbolHelpers, Symbolizer } from "../../core/symbols/mod.ts";
import { loadDemangler, type UnxzRequest, unxzWorker } from "./packages.ts";

/** Most bytes that are unpacked: 64 MiB; symbols of a large program take 16 MiB. */
const MOST_UNPACKED = 1 << 26;
/** Longest wait for the worker in milliseconds; the worker may have to fetch the package. */
const PATIENCE_MS = 20_000;

/**
 * Makes a symbolizer that unpacks symbols and, by default, demangles names of C++ and Rust.
 *
 * @param options `demangle`: false leaves names as they are in files.
 */
export async function openSymbolizer(options: { demangle?: boolean } = {}): Promise<Symbolizer> {
  const helpers: SymbolHelpers = { unxz };
  if (options.demangle === false) return new Symbolizer(helpers);
  try {
    return new Symbolizer({ ...helpers, demangle: mangledOnly(await loadDemangler()) });
  } catch {
    return new Symbolizer(helpers); // no network, nothing cached: names stay as they are
  }
}

/** Calls `demangle` only for mangled names: names of C stay as they are. */
function mangledOnly(demangle: (name: string) => string): (name: string) => string {
  return (name) => {
    if (!/^_?_[ZR]/.test(name) || name.length > LONGEST_NAME) return name;
    const readable = demangle(name);
    // The demangler returns an unknown name without its leading underscore.
    if (/^_+/.test(name) && name.replace(/^_+/, "") === readable.replace(/^_+/, "")) return name;
    return readable.length > LONGEST_NAME ? `${readable.slice(0, LONGEST_NAME)}…` : readable;
  };
}

/** Most characters of a name: parts of a mangled name can repeat other parts without end. */
const LONGEST_NAME = 4096;

/**
 * Unpacks xz in a worker and waits for the worker: the library is asynchronous, the printer that needs the
 * names is not.
 *
 * @returns Undefined for damaged data, without the package, or after too long a wait.
 */
function unxz(packed: Uint8Array): Uint8Array | undefined {
  const worker = new Worker(unxzWorker(), { type: "module" });
  try {
    const state = new Int32Array(new SharedArrayBuffer(8));
    const result = new Uint8Array(new SharedArrayBuffer(MOST_UNPACKED));
    worker.postMessage({ packed: packed.slice(), state, result } satisfies UnxzRequest);
    if (Atomics.wait(state, 0, 0, PATIENCE_MS) === "timed-out" || state[1] < 0) return undefined;
    return result.slice(0, state[1]);
  } finally {
    worker.terminate();
  }
}

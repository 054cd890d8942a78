// The symbolizer of tools: with names of C++ and Rust made readable, and packed symbols unpacked.

import { type SymbolHelpers, Symbolizer } from "../../core/symbols/mod.ts";
import { loadDemangler } from "./packages.ts";
import type { UnxzRequest } from "./unxz_worker.ts";

/** Symbols of a large program are 16 MiB. */
const MOST_UNPACKED = 1 << 26;
/** A start of the worker may have to fetch the package. */
const PATIENCE_MS = 20_000;

/**
 * Makes a symbolizer.
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

/** C's names need not go through it. */
function mangledOnly(demangle: (name: string) => string): (name: string) => string {
  return (name) => {
    if (!/^_?_[ZR]/.test(name) || name.length > LONGEST_NAME) return name;
    const readable = demangle(name);
    // What it does not understand it gives back without an underscore.
    if (/^_+/.test(name) && name.replace(/^_+/, "") === readable.replace(/^_+/, "")) return name;
    return readable.length > LONGEST_NAME ? `${readable.slice(0, LONGEST_NAME)}…` : readable;
  };
}

/** Names can refer to parts of themselves again and again. */
const LONGEST_NAME = 4096;

/** The library unpacks in steps of promises; addresses are named while something is printed. */
function unxz(packed: Uint8Array): Uint8Array | undefined {
  const worker = new Worker(new URL("./unxz_worker.ts", import.meta.url), { type: "module" });
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

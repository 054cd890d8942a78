/**
 * Names for addresses. Addresses of the kernel are named by /proc/kallsyms; addresses of processes
 * by their files, debug files, the vdso, and the maps that runtimes write of generated code.
 *
 * @example
 * ```ts
 * import { Symbolizer } from "./mod.ts";
 *
 * using symbolizer = new Symbolizer();
 * const environ = symbolizer.address(Deno.pid, "environ")!;
 * console.log(symbolizer.user(Deno.pid, environ.address).module);
 * ```
 *
 * @module
 */

export { Binary, openBinary } from "./binary.ts";
export { ElfFile, type ReadAt, type Segment, type SymbolKind } from "./elf.ts";
export { allExecutableFiles, executableFiles } from "./mapped_files.ts";
export { type SeenFiles, seenFiles } from "./seen_files.ts";
export { type StaticProbe, staticProbes } from "./static_probes.ts";
export { type FoundLine, type LineFinder, lineFinder, setLineFinder } from "./line_finder.ts";
export { KernelSymbols, kernelSymbols } from "./kallsyms.ts";
export { mappedPath, type Mapping, parseMaps } from "./mappings.ts";
export { type SymbolHelpers, Symbolizer, type UserFrame } from "./symbolizer.ts";
export { type ResolvedSymbol, type SymbolSource, SymbolTable } from "./symbol_table.ts";

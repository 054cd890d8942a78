/**
 * Names for addresses: kernel symbols.
 *
 * @example
 * ```ts
 * import { KernelSymbols } from "./mod.ts";
 *
 * const symbols = new KernelSymbols("ffff1000 T vfs_read\nffff2000 t vfs_write\n");
 * console.log(symbols.resolve(0xffff1010n)); // { name: "vfs_read", offset: 16 }
 * ```
 *
 * @module
 */

export { KernelSymbols, kernelSymbols, type ResolvedSymbol } from "./kallsyms.ts";

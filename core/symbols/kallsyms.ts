// Names of kernel addresses from /proc/kallsyms, which is read when the first address is named.

import { addressNumber, type ResolvedSymbol, SymbolTable, textAt } from "./symbol_table.ts";

/**
 * Size in bytes that no function exceeds: an address further from a symbol belongs to no function.
 */
const MAX_FUNCTION = 1 << 20;

const NEWLINE = 10;
const SPACE = 32;
const TAB = 9;
/** Bytes that mark symbols of code in /proc/kallsyms: t, T, w, W. */
const CODE = new Set([0x74, 0x54, 0x77, 0x57]);

/** The kernel's functions, sorted by address. */
export class KernelSymbols {
  readonly #bytes: Uint8Array;
  /** For each function, where its name starts in the bytes, and its address. */
  readonly #lines: Uint32Array;
  readonly #addresses: Float64Array;
  readonly #table: SymbolTable;

  /**
   * Reads and sorts the functions.
   *
   * @param bytes Contents of /proc/kallsyms; kept for the names.
   */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const lines: number[] = [];
    const addresses: number[] = [];
    for (let at = 0; at < bytes.length;) {
      // A line reads "ffffffff81000000 T name"; the address has as many digits as the architecture
      // needs.
      let address = 0;
      let low = at;
      while (bytes[low] !== SPACE && low < bytes.length) low++;
      if (CODE.has(bytes[low + 1])) {
        address = addressAt(bytes, at, low);
        if (address !== 0) {
          lines.push(low + 3);
          addresses.push(address);
        }
      }
      at = bytes.indexOf(NEWLINE, low);
      if (at < 0) break;
      at++;
    }
    this.#lines = Uint32Array.from(lines);
    this.#addresses = Float64Array.from(addresses);
    this.#table = new SymbolTable({
      count: lines.length,
      start: (index) => this.#addresses[index],
      size: () => 0,
      name: (index) => this.#name(index),
    });
  }

  /**
   * Finds the function that an address lies in.
   *
   * @returns undefined for an address below the first function, far behind the last, or if the
   * kernel hides addresses (all are zero without CAP_SYSLOG).
   */
  resolve(address: bigint): ResolvedSymbol | undefined {
    const found = this.#table.resolve(addressNumber(address));
    // Behind the last function of the kernel, or of a module, nothing has a name.
    return found === undefined || found.offset > MAX_FUNCTION ? undefined : found;
  }

  /**
   * Finds the address of a function by its name; undefined if there is none or the address is
   * hidden.
   */
  address(name: string): bigint | undefined {
    const wanted = new TextEncoder().encode(name);
    for (let i = 0; i < this.#lines.length; i++) {
      const at = this.#lines[i];
      const end = this.#bytes[at + wanted.length];
      if (end !== NEWLINE && end !== TAB && end !== undefined) continue;
      if (wanted.every((byte, j) => this.#bytes[at + j] === byte)) {
        return BigInt.asUintN(64, BigInt(this.#addresses[i]));
      }
    }
    return undefined;
  }

  /** Name of a function, without the module that may follow it. */
  #name(index: number): string {
    const line = textAt(this.#bytes, this.#lines[index], NEWLINE);
    const tab = line.indexOf("\t");
    return tab < 0 ? line : line.slice(0, tab);
  }
}

/** Reads a hexadecimal address to the number that {@linkcode addressNumber} makes of it. */
function addressAt(bytes: Uint8Array, from: number, to: number): number {
  let high = 0;
  let low = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    const digit = byte <= 0x39 ? byte - 0x30 : (byte | 32) - 0x57;
    if (to - at > 8) high = high << 4 | digit;
    else low = low * 16 + digit;
  }
  return high * 0x1_0000_0000 + low;
}

let cached: KernelSymbols | undefined;

/**
 * Returns the running kernel's functions; the first call reads them.
 *
 * @throws {Deno.errors.NotFound} /proc is not mounted.
 */
export function kernelSymbols(): KernelSymbols {
  return cached ??= new KernelSymbols(Deno.readFileSync("/proc/kallsyms"));
}

// Kernel symbols: /proc/kallsyms. Reading it costs ~200 ms, so only what prints addresses does.

/** A symbol and the distance from its start. */
export interface ResolvedSymbol {
  /** Name. */
  readonly name: string;
  /** Bytes past its start. */
  readonly offset: number;
}

/** Larger than any function: an address further from a symbol lies outside. */
const MAX_FUNCTION = 1n << 20n;

/** Text symbols by address. */
export class KernelSymbols {
  readonly #addresses: BigUint64Array;
  readonly #names: readonly string[];

  /**
   * Sorts the symbols.
   *
   * @param text Contents of /proc/kallsyms.
   */
  constructor(text: string) {
    const rows: [bigint, string][] = [];
    for (const [, address, name] of text.matchAll(/^([0-9a-f]+) [tTwW] (\S+)/gm)) {
      rows.push([BigInt(`0x${address}`), name]);
    }
    rows.sort((a, b) => a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);
    this.#addresses = BigUint64Array.from(rows, (row) => row[0]);
    this.#names = rows.map((row) => row[1]);
  }

  /**
   * The symbol that an address lies in; undefined below the first one and where the kernel hides
   * addresses (all are zero without CAP_SYSLOG).
   */
  resolve(address: bigint): ResolvedSymbol | undefined {
    let low = 0;
    let high = this.#addresses.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#addresses[middle] <= address) low = middle + 1;
      else high = middle;
    }
    const start = this.#addresses[low - 1];
    // Beyond the last function of the kernel or of a module nothing has a name.
    if (low === 0 || start === 0n || address - start > MAX_FUNCTION) return undefined;
    return { name: this.#names[low - 1], offset: Number(address - start) };
  }

  /** Address of a symbol by name. */
  address(name: string): bigint | undefined {
    const at = this.#names.indexOf(name);
    return at < 0 || this.#addresses[at] === 0n ? undefined : this.#addresses[at];
  }
}

let cached: KernelSymbols | undefined;

/** The running kernel's symbols, read once. */
export function kernelSymbols(): KernelSymbols {
  return cached ??= new KernelSymbols(Deno.readTextFileSync("/proc/kallsyms"));
}

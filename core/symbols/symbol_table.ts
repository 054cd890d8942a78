// Pure: no I/O, no FFI.
// Symbols by address, for the kernel, for files and for generated code alike. A symbol takes 20 bytes
// and no object; names are made into strings when they are asked for.

/** A symbol and the distance from its start. */
export interface ResolvedSymbol {
  /** Name. */
  readonly name: string;
  /** Bytes past its start. */
  readonly offset: number;
}

/** How many symbols that start before an address may end before it, when one around them does not. */
const MOST_NESTED = 16;

/**
 * An address as a number that is exact: below 2^53, or, of the kernel, above 2^64 - 2^53 as a negative
 * one. Others, which nothing is mapped at, lose bits.
 */
export function addressNumber(address: bigint): number {
  return Number(BigInt.asIntN(64, address));
}

/** Where symbols come from, in any order. */
export interface SymbolSource {
  /** How many there are. */
  readonly count: number;
  /** Where one starts. */
  start(index: number): number;
  /** Its bytes; 0 up to the next one. */
  size(index: number): number;
  /** Its name. */
  name(index: number): string;
  /** Which of two at one address is shown: positive if `b` is. Default: the later one. */
  better?(a: number, b: number): number;
}

/** Symbols, sorted. */
export class SymbolTable {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #indexes: Uint32Array;
  readonly #source: SymbolSource;
  readonly #names = new Map<number, string>();
  readonly #rename: (name: string) => string;

  /**
   * Sorts symbols.
   *
   * @param source Kept, for its names.
   * @param rename Makes what is shown of a name.
   */
  constructor(source: SymbolSource, rename: (name: string) => string = (name) => name) {
    const { count } = source;
    this.#source = source;
    this.#rename = rename;
    const all = new Float64Array(count);
    for (let i = 0; i < count; i++) all[i] = source.start(i);
    const order = new Uint32Array(count);
    let sorted = true;
    for (let i = 0; i < count; i++) {
      order[i] = i;
      sorted &&= i === 0 || all[i - 1] < all[i] ||
        (all[i - 1] === all[i] && source.better === undefined);
    }
    // The kernel's mostly are, and sorting would take half the time.
    if (!sorted) order.sort((a, b) => all[a] - all[b] || (source.better?.(a, b) ?? a - b));
    // Of those at one address the last is kept.
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (i + 1 < count && all[order[i]] === all[order[i + 1]]) continue;
      order[kept++] = order[i];
    }
    this.#indexes = order.slice(0, kept);
    this.#starts = new Float64Array(kept);
    this.#ends = new Float64Array(kept);
    for (let i = 0; i < kept; i++) this.#starts[i] = all[this.#indexes[i]];
    for (let i = 0; i < kept; i++) {
      const size = source.size(this.#indexes[i]);
      this.#ends[i] = size > 0
        ? this.#starts[i] + size
        : i + 1 < kept
        ? this.#starts[i + 1]
        : Infinity;
    }
  }

  /** How many symbols there are. */
  get size(): number {
    return this.#starts.length;
  }

  /** The symbol that an address lies in. */
  resolve(address: number): ResolvedSymbol | undefined {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle] <= address) low = middle + 1;
      else high = middle;
    }
    for (let i = low - 1; i >= 0 && i >= low - MOST_NESTED; i--) {
      if (address < this.#ends[i]) {
        return { name: this.#name(this.#indexes[i]), offset: address - this.#starts[i] };
      }
    }
    return undefined;
  }

  #name(index: number): string {
    let name = this.#names.get(index);
    if (name === undefined) {
      this.#names.set(index, name = this.#rename(this.#source.name(index)));
    }
    return name;
  }
}

/** The text up to a NUL or another end, one character a byte. */
export function textAt(bytes: Uint8Array, from: number, end = 0): string {
  let to = from;
  while (to < bytes.length && bytes[to] !== end) to++;
  return decoder.decode(bytes.subarray(from, to));
}

const decoder = new TextDecoder();

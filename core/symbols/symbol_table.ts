// Pure: no I/O, no FFI.
// A table of symbols sorted by address; used alike for the kernel, for files and for generated
// code. A symbol takes 20 bytes and no object; a name becomes a string when somebody asks for it.

/** The symbol that an address lies in, and the distance from its start. */
export interface ResolvedSymbol {
  /** Name of the symbol, demangled if the table does that. */
  readonly name: string;
  /** Distance in bytes from the symbol's start. */
  readonly offset: number;
}

/** Number of symbols before an address that are searched for one that covers the address. */
const MOST_NESTED = 16;

/**
 * Converts an address to a number that is exact for addresses in use: below 2^53, or, for the
 * kernel's addresses above 2^64 - 2^53, negative. Other addresses lose bits, but nothing is mapped
 * there.
 */
export function addressNumber(address: bigint): number {
  return Number(BigInt.asIntN(64, address));
}

/** A source of symbols, in any order; each symbol is known by its index. */
export interface SymbolSource {
  /** Number of symbols in the source. */
  readonly count: number;
  /** Address at which a symbol starts. */
  start(index: number): number;
  /** Size of a symbol in bytes; 0 if it reaches to the next symbol. */
  size(index: number): number;
  /** Name of a symbol, before any renaming. */
  name(index: number): string;
  /**
   * Chooses between two symbols at one address: positive if `a` is shown. Default: the later one.
   */
  better?(a: number, b: number): number;
}

/** Symbols sorted by address, one for each address. */
export class SymbolTable {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #indexes: Uint32Array;
  readonly #source: SymbolSource;
  readonly #names = new Map<number, string>();
  readonly #rename: (name: string) => string;

  /**
   * Sorts the symbols of a source.
   *
   * @param source The source; kept for its names.
   * @param rename Changes a name before it is shown, e.g. demangles it.
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
      sorted &&= i === 0 || all[i - 1] <= all[i];
    }
    // The kernel's symbols are mostly sorted already, and sorting would take half of the
    // constructor's time.
    if (!sorted) order.sort((a, b) => all[a] - all[b] || a - b);
    // Of several symbols at one address the best is kept, by default the last.
    let kept = 0;
    for (let i = 0; i < count;) {
      let best = order[i++];
      for (; i < count && all[order[i]] === all[best]; i++) {
        if ((source.better?.(best, order[i]) ?? -1) < 0) best = order[i];
      }
      order[kept++] = best;
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

  /** Number of symbols in the table. */
  get size(): number {
    return this.#starts.length;
  }

  /**
   * Finds the symbol that an address lies in.
   *
   * @param address Address as {@linkcode addressNumber} makes it.
   * @returns undefined if no symbol covers the address.
   */
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

  /** The shown name of a symbol, made once. */
  #name(index: number): string {
    let name = this.#names.get(index);
    if (name === undefined) {
      this.#names.set(index, name = this.#rename(this.#source.name(index)));
    }
    return name;
  }
}

/** Most bytes of a name: names of C++ have some thousands at most. */
const MOST_NAME = 1 << 14;

/**
 * Decodes UTF-8 text up to a NUL or another end. Text that is longer than any name is cut: many names of
 * a damaged file may be one long text.
 *
 * @param bytes Bytes with the text in them.
 * @param from Offset of the text.
 * @param end Byte that ends the text; the end of the bytes ends it, too.
 */
export function textAt(bytes: Uint8Array, from: number, end = 0): string {
  return decoder.decode(bytes.subarray(from, endOf(bytes, from, end)));
}

/** Where text ends that starts at `from`. */
export function endOf(bytes: Uint8Array, from: number, end = 0): number {
  const most = Math.min(bytes.length, from + MOST_NAME);
  let to = from;
  while (to < most && bytes[to] !== end) to++;
  return to;
}

const decoder = new TextDecoder();

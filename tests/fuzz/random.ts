// Pure: no I/O, no FFI.
// Random numbers from a seed: the same on every machine.

/** A generator of random numbers. */
export class Random {
  #state: number;

  /** @param seed Any number; the same seed gives the same numbers. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let x = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    x = (x + Math.imul(x ^ x >>> 7, 61 | x)) ^ x;
    return Math.floor((x ^ x >>> 14) / 2 ** 32 * limit + limit / 2) % limit;
  }

  /** A whole number from 1 to `limit`, small numbers far more often than large ones. */
  small(limit: number): number {
    return 1 + Math.floor(2 ** (this.below(1001) / 1000 * Math.log2(limit))) % limit;
  }

  /** True once in `n` times. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }

  /** One element of a list. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
}

// Pure: no I/O, no FFI.
// What came of one firing: the word that every action returns, on both planes.

/** What came of one firing; the program counts it. */
export const OUTCOME = {
  /** The filter or predicate said no, or no enabled probe was meant. */
  filtered: 0,
  /** The action ran and wrote nothing to the ring. */
  aggregated: 1,
  /** The action ran and wrote to the ring. */
  recorded: 2,
  /** The action ran and at least one record found no room. */
  dropped: 3,
} as const;

/** One of {@linkcode OUTCOME}'s values. */
export type Outcome = typeof OUTCOME[keyof typeof OUTCOME];

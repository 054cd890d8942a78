// Pure: no I/O, no FFI.
// The outcome of one firing: the number that every action returns, on both planes.

/** The outcome of one firing; the program counts it. */
export const OUTCOME = {
  /** A filter or predicate did not pass the event, or the event is of no enabled probe. */
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

// Pure: no I/O, no FFI.
// What a session counts.

/** Counters of a session since it was opened; summed over all CPUs. */
export interface SessionStats {
  /** Events handed to the reader. */
  readonly read: bigint;
  /** Events lost because no room was left. */
  readonly dropped: bigint;
  /** Clock ticks that came too late to be delivered. */
  readonly skippedTicks: bigint;
  /** Events that were not recorded because their CPU was recording another event. */
  readonly recursed: bigint;
  /** Firings: recorded + aggregated + dropped + filtered + recursed. */
  readonly fired: bigint;
  /** Firings that wrote to the ring. */
  readonly recorded: bigint;
  /** Firings that only updated maps. */
  readonly aggregated: bigint;
  /** Firings that a filter, a predicate or the selection passed over. */
  readonly filtered: bigint;
  /** Records that found no room; more than `dropped` where one event writes several. */
  readonly lostRecords: bigint;
  /** Map updates that failed because the map was full. */
  readonly failedUpdates: bigint;
  /** Map updates that failed for another reason, mostly because the kernel had no memory at hand. */
  readonly refusedUpdates: bigint;
  /**
   * System calls by the ABI of 32-bit programs, of any process, while probes of `syscall:` were enabled: these
   * do not see them. Of 64-bit programs' calls by that ABI (`int $0x80`) the kernel plane counts those whose
   * number is an enabled probe's.
   */
  readonly foreignCalls: bigint;
  /** Firings that the kernel skipped because the program was running on that CPU already. */
  readonly recursionMisses: bigint;
}

/** The counters of a session that has not recorded. */
export const NO_STATS: SessionStats = {
  read: 0n,
  dropped: 0n,
  skippedTicks: 0n,
  recursed: 0n,
  fired: 0n,
  recorded: 0n,
  aggregated: 0n,
  filtered: 0n,
  lostRecords: 0n,
  failedUpdates: 0n,
  refusedUpdates: 0n,
  foreignCalls: 0n,
  recursionMisses: 0n,
};

/** Adds up the counters of two recordings. */
export function addStats(a: SessionStats, b: SessionStats): SessionStats {
  const keys = Object.keys(NO_STATS) as (keyof SessionStats)[];
  return Object.fromEntries(keys.map((key) => [key, a[key] + b[key]])) as unknown as SessionStats;
}

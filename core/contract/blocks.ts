// Pure: no I/O, no FFI.
// Layout of the memory that BPF programs and this process share: one table for both sides.
//
// In the comments [K] is written by programs in the kernel and read here with Atomics, [S] is written by
// the session.

/**
 * The CPU block: one for each possible CPU, in 64-bit words. Programs write the block of the CPU on which
 * they run. Counters only grow. [K]
 */
export const CPU_BLOCK = {
  /** dt(4)'s dc_inevt: 1 while a program of the session runs on this CPU. */
  inEvent: 0,
  /** Firings, counted by the first instructions. */
  fired: 8,
  /** Four counters, indexed by OUTCOME: filtered, aggregated, recorded, dropped. */
  outcomes: 16,
  /** Firings that found `inEvent` set. */
  recursed: 48,
  /** Records that found no room in the ring. */
  lost: 56,
  /** Map updates that failed because the map was full. */
  failedUpdates: 64,
  /** Number of the firing probe, across a tail call. */
  pbn: 72,
  /** Clock ticks that could not be delivered. */
  skippedTicks: 80,
  /** Map updates that failed for another reason, mostly because the kernel had no memory at hand. */
  refusedUpdates: 88,
  /** System calls by the ABI of 32-bit programs, which probes that name a call do not see. */
  foreignCalls: 96,
  /** First byte of the scratch memory that actions share. */
  scratch: 128,
} as const;

/** The control block: one per session, 32-bit words. */
export const CONTROL = {
  /**
   * [S] How a program wakes the reader: {@linkcode DOORBELL}. A program that rings sets it to
   * `silent`, so one wait costs one wakeup, whatever the load.
   */
  doorbell: 0,
  /** [K] Set by exit(): never depends on room in the ring. */
  exit: 4,
  /** [K] The script's exit code. */
  exitCode: 8,
  /** [S] CLOCK_BOOTTIME at start, 64 bits. */
  startTime: 16,
  /** [K] Value of the script's last `return`. */
  result: 24,
  /** [K] Child processes that are not followed because the map of descendants was full. */
  unfollowed: 28,
  /** Bytes of the block. */
  size: 64,
} as const;

/** Values of {@linkcode CONTROL.doorbell}. */
export const DOORBELL = {
  /** The reader is awake or was called: do not wake it. */
  silent: 0,
  /** The reader sleeps until something happens. */
  first: 1,
  /** The reader looks again soon; wake it earlier when an eighth of the ring is full. */
  watermark: 2,
} as const;

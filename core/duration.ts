// Pure: no I/O, no FFI.
// The units of time that the command lines and the language accept.

/** Nanoseconds in each unit that may follow the number of a duration, such as "ms" in "250ms". */
export const DURATION_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
};

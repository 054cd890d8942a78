// The kernel's clocks in nanoseconds.

import { libc } from "./libc.ts";

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;
const CLOCK_TAI = 11;

function nanoseconds(clock: number): bigint {
  const timespec = new BigInt64Array(2);
  libc().clock_gettime(clock, timespec);
  return timespec[0] * 1_000_000_000n + timespec[1];
}

/** CLOCK_BOOTTIME: the clock of `nsecs` and of every event. */
export function bootTimeNs(): bigint {
  return nanoseconds(CLOCK_BOOTTIME);
}

/** CLOCK_MONOTONIC. */
export function monotonicTimeNs(): bigint {
  return nanoseconds(CLOCK_MONOTONIC);
}

/** CLOCK_TAI: wall clock without leap seconds. */
export function taiTimeNs(): bigint {
  return nanoseconds(CLOCK_TAI);
}

/** CLOCK_REALTIME: wall clock since 1970. */
export function wallTimeNs(): bigint {
  return nanoseconds(CLOCK_REALTIME);
}

// Reads the kernel's clocks; clock_gettime(2). All times are in nanoseconds.

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

/**
 * Time since boot in nanoseconds, suspended time included (CLOCK_BOOTTIME): the clock of `nsecs`
 * and of every event.
 */
export function bootTimeNs(): bigint {
  return nanoseconds(CLOCK_BOOTTIME);
}

/** Time since boot in nanoseconds, suspended time left out (CLOCK_MONOTONIC). */
export function monotonicTimeNs(): bigint {
  return nanoseconds(CLOCK_MONOTONIC);
}

/**
 * International atomic time in nanoseconds since 1970 (CLOCK_TAI): a wall clock without leap
 * seconds.
 */
export function taiTimeNs(): bigint {
  return nanoseconds(CLOCK_TAI);
}

/** Wall clock time in nanoseconds since 1970 (CLOCK_REALTIME). */
export function wallTimeNs(): bigint {
  return nanoseconds(CLOCK_REALTIME);
}

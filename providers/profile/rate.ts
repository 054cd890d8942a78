// Pure: no I/O, no FFI.
// Rates of clock probes: "hz:99", "ms:250", "1000000" (ns), "1s".

import { DURATION_NS } from "../../core/duration.ts";
import { DtError } from "../../core/errors.ts";

const SECOND_NS = DURATION_NS.s;
/** UINT32_MAX seconds, dt(4)'s limit. */
const MAX_NS = 0xffff_ffffn * SECOND_NS;
/** What a kernel timer can be asked for. */
const MIN_NS = 1_000n;

/** A rate that was parsed. */
export interface Rate {
  /** Nanoseconds between two ticks. */
  readonly periodNs: bigint;
  /** The name's part after the provider, as probes print it: "ms:250". */
  readonly normal: string;
}

/**
 * Parses what stands after "interval:" or "profile:".
 *
 * @param text "UNIT:COUNT" with unit hz, us, ms or s; or one number of ns with an optional suffix.
 * @returns undefined if it does not have that form.
 * @throws {DtError} EINVAL zero, shorter than 1 us or longer than UINT32_MAX seconds.
 */
export function parseRate(text: string): Rate | undefined {
  const two = /^(hz|us|ms|s):(\d+)$/.exec(text);
  const one = /^(\d+)(ns|us|ms|s|m|h|d)?$/.exec(text);
  if (two === null && one === null) return undefined;
  const count = BigInt((two?.[2] ?? one?.[1])!);
  const bad = (reason: string) =>
    new DtError("EINVAL", `Cannot tick at ${text}: ${reason}`, { operation: "enable" });
  if (count === 0n) throw bad("the rate is zero");
  const periodNs = two === null
    ? count * DURATION_NS[one![2] ?? "ns"]
    : two[1] === "hz"
    ? SECOND_NS / count
    : count * DURATION_NS[two[1]];
  if (periodNs < MIN_NS) throw bad("shorter than 1 microsecond");
  if (periodNs > MAX_NS) throw bad("longer than 4294967295 seconds");
  return { periodNs, normal: two === null ? `us:${periodNs / 1_000n}` : text };
}

// Pure: no I/O, no FFI.
// The events that perf counts: enum perf_sw_ids and enum perf_hw_id of include/uapi/linux/perf_event.h, under the
// names of bpftrace, with its counts.

import { DtError } from "../../core/errors.ts";

/** An event that the kernel or the CPU counts. */
export interface CountedEvent {
  /** Value of `config` in perf_event_attr. */
  readonly config: bigint;
  /** Events between two firings, unless the probe gives a number. */
  readonly every: bigint;
  /** True if the event happens in the kernel, where a sampler of user code does not see it. */
  readonly inKernel?: boolean;
  /** True for a clock: the count is in nanoseconds. */
  readonly clock?: boolean;
}

/** Kinds of counters: also the providers' names. */
export type CounterKind = "software" | "hardware";

/** By name, aliases after the names they stand for. */
export const EVENTS: Readonly<Record<CounterKind, ReadonlyMap<string, CountedEvent>>> = {
  software: table([
    ["alignment-faults", { config: 7n, every: 1n }],
    ["bpf-output", { config: 10n, every: 1n, inKernel: true }],
    ["context-switches cs", { config: 3n, every: 1000n, inKernel: true }],
    ["cpu-clock cpu", { config: 0n, every: 1_000_000n, clock: true }],
    ["cpu-migrations", { config: 4n, every: 1n, inKernel: true }],
    ["dummy", { config: 9n, every: 1n, inKernel: true }],
    ["emulation-faults", { config: 8n, every: 1n }],
    ["major-faults", { config: 6n, every: 1n }],
    ["minor-faults", { config: 5n, every: 100n }],
    ["page-faults faults", { config: 2n, every: 100n }],
    ["task-clock", { config: 1n, every: 1_000_000n }],
  ]),
  hardware: table([
    ["backend-stalls", { config: 8n, every: 1_000_000n }],
    ["branch-instructions branches", { config: 4n, every: 100_000n }],
    ["branch-misses", { config: 5n, every: 100_000n }],
    ["bus-cycles", { config: 6n, every: 100_000n }],
    ["cache-misses", { config: 3n, every: 1_000_000n }],
    ["cache-references", { config: 2n, every: 1_000_000n }],
    ["cpu-cycles cycles", { config: 0n, every: 1_000_000n }],
    ["frontend-stalls", { config: 7n, every: 1_000_000n }],
    ["instructions", { config: 1n, every: 1_000_000n }],
    ["ref-cycles", { config: 9n, every: 1_000_000n }],
  ]),
};

function table(rows: readonly [names: string, event: CountedEvent][]) {
  return new Map(rows.flatMap(([names, event]) => names.split(" ").map((name) => [name, event])));
}

/** A counter with its count. */
export interface Counter {
  /** Event that the counter counts. */
  readonly event: CountedEvent;
  /** Events between two firings. */
  readonly every: bigint;
}

/**
 * Parses what stands after "software:" or "hardware:".
 *
 * @param text "EVENT", "EVENT:" or "EVENT:COUNT"; the count may be written as 1e6.
 * @returns undefined if there is no such event.
 * @throws {DtError} EINVAL the count is zero or too large.
 */
export function parseCounter(kind: CounterKind, text: string): Counter | undefined {
  const [name, count = "", ...rest] = text.split(":");
  const event = EVENTS[kind].get(name);
  if (event === undefined || rest.length > 0) return undefined;
  if (count === "") return { event, every: event.every };
  const parts = /^(\d+)(?:e(\d{1,2}))?$/.exec(count);
  if (parts === null) return undefined;
  const every = BigInt(parts[1]) * 10n ** BigInt(parts[2] ?? 0);
  if (every === 0n || every >= 1n << 63n) {
    throw new DtError("EINVAL", `Cannot count ${text}: expected a count from 1 to 2^63 - 1`, {
      operation: "enable",
    });
  }
  return { event, every };
}

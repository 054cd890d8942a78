// Pure: no I/O, no FFI.
// Names that the language knows: values and functions, with their types.

import { INT64, type ScalarType, string, type StringType, UINT32, UINT64 } from "./types.ts";

/** Values that do not depend on the probe. */
export const BUILTINS: Readonly<Record<string, ScalarType | StringType>> = {
  pid: UINT32,
  tid: UINT32,
  uid: UINT64,
  gid: UINT64,
  cpu: UINT64,
  nsecs: UINT64,
  elapsed: UINT64,
  comm: string(16),
};

/** Names of arg0 … arg9. */
export const ARGUMENT_NAME = /^arg([0-9])$/;
/** Type of argN. */
export const ARGUMENT_TYPE = INT64;

/** Functions that aggregate; they only stand on the right of `@map =`. */
export const AGGREGATIONS = ["count", "sum", "min", "max", "avg", "hist", "lhist"] as const;

/** How many arguments a function takes. */
export const FUNCTIONS: Readonly<Record<string, readonly [minimum: number, maximum: number]>> = {
  printf: [1, 129],
  print: [1, 3],
  str: [1, 2],
  exit: [0, 1],
  clear: [1, 1],
  zero: [1, 1],
  delete: [1, 2],
  count: [0, 0],
  sum: [1, 1],
  min: [1, 1],
  max: [1, 1],
  avg: [1, 1],
  hist: [1, 1],
  lhist: [4, 4],
};

/** Every name, for "did you mean". */
export const NAMES: readonly string[] = [
  ...Object.keys(BUILTINS),
  "probe",
  "args",
  "retval",
  ...Object.keys(FUNCTIONS),
];

/** The nearest of `candidates` within two edits, if any. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = 3;
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, change));
    }
    row = next;
  }
  return row[b.length];
}

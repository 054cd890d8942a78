// Pure: no I/O, no FFI.
// Names that the language knows.

import { PROBE, string, type Type, UINT32, UINT64 } from "./types.ts";

/** Values that are one step of a program: no arguments, the same in every probe. */
export const BUILTINS: Readonly<Record<string, Type>> = {
  pid: UINT32,
  tid: UINT32,
  uid: UINT64,
  gid: UINT64,
  username: { kind: "coded", as: "username" },
  cpu: UINT64,
  numaid: UINT32,
  cpid: UINT64,
  nsecs: UINT64,
  elapsed: UINT64,
  jiffies: UINT64,
  rand: UINT32,
  cgroup: UINT64,
  comm: string(16),
  probe: PROBE,
};

/** Names of arg0 … arg9. */
export const ARGUMENT_NAME = /^arg([0-9])$/;

/** Functions that aggregate; they only stand on the right of `@map =`. */
export const AGGREGATIONS: readonly string[] = [
  "count",
  "sum",
  "min",
  "max",
  "avg",
  "stats",
  "hist",
  "lhist",
  "tseries",
];

/** How many arguments a function takes. */
export const FUNCTIONS: Readonly<Record<string, readonly [minimum: number, maximum: number]>> = {
  printf: [1, 129],
  print: [1, 3],
  errorf: [1, 129],
  warnf: [1, 129],
  debugf: [1, 4],
  fail: [1, 129],
  assert: [1, 2],
  static_assert: [1, 2],
  exit: [0, 1],
  cat: [1, 129],
  system: [1, 129],
  join: [1, 2],
  time: [0, 1],
  strftime: [2, 2],
  str: [1, 2],
  buf: [1, 2],
  path: [1, 2],
  ksym: [1, 1],
  usym: [1, 1],
  kaddr: [1, 1],
  uaddr: [1, 1],
  percpu_kaddr: [1, 2],
  kptr: [1, 1],
  uptr: [1, 1],
  reg: [1, 1],
  kstack: [0, 2],
  ustack: [0, 2],
  dw_ustack: [0, 2],
  ntop: [1, 2],
  pton: [1, 1],
  macaddr: [1, 1],
  cgroupid: [1, 1],
  cgroup_path: [1, 2],
  bswap: [1, 1],
  strncmp: [3, 3],
  strlen: [1, 1],
  strcap: [1, 1],
  strstr: [2, 2],
  strcontains: [2, 2],
  str_concat: [2, 2],
  strerror: [1, 1],
  signal_name: [1, 1],
  syscall_name: [1, 1],
  memcmp: [3, 3],
  signal: [1, 1],
  signal_thread: [1, 1],
  override: [1, 1],
  write_user: [3, 3],
  skboutput: [4, 4],
  socket_cookie: [1, 1],
  unwatch: [1, 1],
  len: [1, 1],
  has_key: [1, 2],
  find: [3, 3],
  delete: [1, 2],
  clear: [1, 1],
  zero: [1, 1],
  sizeof: [1, 1],
  offsetof: [2, 2],
  typeof: [1, 1],
  typeinfo: [1, 1],
  container_of: [3, 3],
  is_ptr: [1, 1],
  is_array: [1, 1],
  is_str: [1, 1],
  is_integer: [1, 1],
  is_unsigned_integer: [1, 1],
  is_literal: [1, 1],
  is_err: [1, 1],
  kfunc_exist: [1, 1],
  kfunc_allowed: [1, 1],
  getopt: [1, 3],
  nsecs: [0, 1],
  pid: [0, 1],
  tid: [0, 1],
  comm: [0, 1],
  count: [0, 0],
  sum: [1, 1],
  min: [1, 1],
  max: [1, 1],
  avg: [1, 1],
  stats: [1, 1],
  hist: [1, 2],
  lhist: [4, 4],
  tseries: [3, 4],
};

/** Every name, for "did you mean". */
export const NAMES: readonly string[] = [
  ...Object.keys(BUILTINS),
  ...["args", "retval", "ctx", "curtask", "pcomm", "ppid", "ncpus", "func", "probetype"],
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

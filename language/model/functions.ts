// Pure: no I/O, no FFI.
// The table of functions: their names, and how many arguments each takes. What the arguments mean stands
// in check/functions; the functions that aggregate have a table of their own (aggregations.ts).

/** Least and greatest number of arguments that a function takes. */
export type Arity = readonly [minimum: number, maximum: number];

/** Every function by its name. */
export const FUNCTIONS = {
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
} as const satisfies Readonly<Record<string, Arity>>;

/** Name of a function that does not aggregate. */
export type FunctionName = keyof typeof FUNCTIONS;

/** True for the name of a function that does not aggregate. */
export function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}

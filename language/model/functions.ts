// Pure: no I/O, no FFI.
// The table of functions: their names, how many arguments each takes, and the operands of those that are
// code of their own in each backend. All other functions are made of other nodes by the checker
// (check/functions). The functions that aggregate have a table of their own (aggregations.ts).

import type { Span } from "../syntax/diagnostics.ts";
import type { Node } from "./ir.ts";
import type { Clock } from "./plan.ts";
import type { StringType, Type } from "./types.ts";

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
  // What follows the length is not looked at.
  str: [1, 6],
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

/** A node whose value is text in memory. */
export type TextNode = Node & { readonly type: StringType };

/** Bytes of an argument. */
interface Bytes {
  /** A value that the bytes are read from, or the address that they are at. */
  readonly value: Node;
  readonly isAddress: boolean;
}

/** Calls whose value fits a register, with their operands. */
export interface RegisterCalls {
  /** 0 if the first `count` bytes are equal, or all up to the NUL. */
  strncmp: { readonly left: TextNode; readonly right: TextNode; readonly count: number };
  /** Where the needle begins, or -1. */
  strstr: { readonly haystack: TextNode; readonly needle: TextNode };
  /** Bytes of a text, without its NUL. */
  strlen: { readonly text: TextNode };
  /** The difference of the first bytes that differ; 0 if none do. */
  memcmp: { readonly left: Node; readonly right: Node; readonly count: number };
  /** Frames of a stack. */
  stack_len: { readonly stack: Node };
  /** Time of a clock in ns. */
  nsecs: { readonly clock: Clock };
  /** Sends a signal to the process of the event. */
  signal: { readonly signal: Node };
  /** Sends a signal to the thread of the event. */
  signal_thread: { readonly signal: Node };
  /** Whether `count` bytes were written to the address `to`. */
  write_user: Bytes & { readonly to: Node; readonly count: number };
  /** The lowest `size` bytes in the other order. */
  bswap: { readonly value: Node; readonly size: 1 | 2 | 4 | 8 };
}

/** Calls whose value is made in memory, with their operands. */
export interface MemoryCalls {
  /** Text at an address. */
  str: { readonly address: Node; readonly length?: Node };
  /** At most `length` bytes, NUL included, of text in memory. */
  str_limit: { readonly text: TextNode; readonly length: Node };
  /** Two texts, one behind the other. */
  str_concat: { readonly left: TextNode; readonly right: TextNode };
  /** Bytes at an address. */
  buf: { readonly address: Node; readonly size: Node };
  /** At most `count` bytes of a value in memory. */
  buf_memory: { readonly value: Node; readonly count: number; readonly length?: Node };
  /** The stack of this event, of the type's kind and length. */
  stack: Record<never, never>;
  /** An address of user memory, printed as a symbol. */
  usym: { readonly address: Node };
  /** An IP address: a number, or `count` bytes. */
  ntop: Bytes & { readonly family: Node; readonly count?: number };
  /** A MAC address of 6 bytes. */
  macaddr: Bytes;
  /** A time of a clock, printed by a format as strftime(3) has it. */
  strftime: { readonly time: Node; readonly clock: Clock; readonly format: string };
  /** The id of a cgroup, and which part of its path is wanted. */
  cgroup_path: { readonly id: Node; readonly filter: string };
}

/** A call whose value fits a register, as a node without type and place. */
export type RegisterCall<Name extends keyof RegisterCalls = keyof RegisterCalls> = {
  [One in Name]: { readonly op: "call"; readonly name: One } & RegisterCalls[One];
}[Name];

/** A call whose value is made in memory, as a node without type and place. */
export type MemoryCall<Name extends keyof MemoryCalls = keyof MemoryCalls> = {
  [One in Name]: { readonly op: "memory_call"; readonly name: One } & MemoryCalls[One];
}[Name];

/** What every node has beside its operands. */
interface Typed {
  readonly type: Type;
  readonly span: Span;
}

/** The node of a call whose value fits a register. */
export type RegisterCallNode<Name extends keyof RegisterCalls = keyof RegisterCalls> =
  & RegisterCall<Name>
  & Typed;
/** The node of a call whose value is made in memory. */
export type MemoryCallNode<Name extends keyof MemoryCalls = keyof MemoryCalls> =
  & MemoryCall<Name>
  & Typed;

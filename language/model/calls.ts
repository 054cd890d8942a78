// Pure: no I/O, no FFI.
// Calls: functions of the language that are code of their own in each backend, with what each needs. All
// other functions are made of other nodes by the checker.

import type { Span } from "../syntax/diagnostics.ts";
import type { Node } from "./ir.ts";
import type { Clock } from "./plan.ts";
import type { StringType, Type } from "./types.ts";

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
  strlen: { readonly text: TextNode };
  /** The first byte that differs decides: 1 or -1; 0 if none does. */
  memcmp: { readonly left: Node; readonly right: Node; readonly count: number };
  /** Frames of a stack. */
  stack_len: { readonly stack: Node };
  nsecs: { readonly clock: Clock };
  signal: { readonly signal: Node };
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
  str_concat: { readonly left: TextNode; readonly right: TextNode };
  /** Bytes at an address. */
  buf: { readonly address: Node; readonly size: Node };
  /** At most `count` bytes of a value in memory. */
  buf_memory: { readonly value: Node; readonly count: number; readonly length?: Node };
  /** The stack of this event, of the type's kind and length. */
  stack: Record<never, never>;
  usym: { readonly address: Node };
  /** An IP address: a number, or `count` bytes. */
  ntop: Bytes & { readonly family: Node; readonly count?: number };
  macaddr: Bytes;
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

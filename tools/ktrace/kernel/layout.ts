// Pure: no I/O, no FFI.
// What the programs and the reader share: the map of processes, records in the ring, scratch memory.

import { HEADER } from "../../../core/contract/event_layout.ts";

/** Value of the map of recorded processes, whose key is a process id; 32-bit words. */
export const TRACED = {
  /** Points, INHERIT and ROOT. */
  points: 0,
  /** Records lost since the last one that was written. */
  lost: 4,
  /** Number of the file that its records go to. */
  file: 8,
  bytes: 12,
} as const;

/** Processes that can be recorded at one time. */
export const TRACED_ENTRIES = 32768;

/** A record in the ring, behind the header, whose `kind` is {@linkcode KIND} and whose `id` is the file's number. */
export const RECORD = {
  pid: HEADER.bytes,
  tid: HEADER.bytes + 4,
  /** u64: CLOCK_BOOTTIME when the thread was made. */
  start: HEADER.bytes + 8,
  /** char[16] */
  comm: HEADER.bytes + 16,
  /** u32: records of the process that were lost before this one. */
  lost: HEADER.bytes + 32,
  /** u32: type of record, or one of {@linkcode EVENT}. */
  type: HEADER.bytes + 36,
  /** 64-bit words, then bytes. */
  payload: HEADER.bytes + 40,
} as const;

/** Kind of all records. */
export const KIND = 1;

/** Types of entries in the ring that are not records but inform the reader. */
export const EVENT = {
  /** Payload: child's process id, its start. */
  fork: 64,
  /** A program that gains rights is executed. */
  setId: 65,
} as const;

/** 64-bit words in the payload of a system call: number, six arguments. */
export const CALL_WORDS = 7;
/** 64-bit words in the payload of a call's return: number, result; then the arguments if seccomp may have refused. */
export const RETURN_WORDS = 2;

/**
 * Payload of what was captured: two words that say what it is, then the bytes. `info`: descriptor of data;
 * number of the structure's name. `info2`: data went out; bytes of an element.
 */
export const CAPTURED = {
  info: RECORD.payload,
  info2: RECORD.payload + 4,
  data: RECORD.payload + 8,
} as const;

/** Description of a capture for the program: 8 bytes, see captures.ts. */
export const OPERATION = {
  /** u8 */
  how: 0,
  /** u8 */
  argument: 1,
  /** u8 */
  length: 2,
  /** u8: 1 only if the call did not fail; 2 data that went out. */
  flags: 3,
  /** u16 */
  bytes: 4,
  /** u8: number of the structure's name. */
  name: 6,
  /** u8: type of record. */
  type: 7,
  size: 8,
} as const;

/** Bits of {@linkcode OPERATION.flags}. */
export const FLAG = { onSuccess: 1, isWrite: 2 } as const;

/** Numbers of system calls that are looked up. */
export const MOST_CALLS = 512;

/** The word behind arguments and result: process and thread, which a function's own frame has not. */
export const SCRATCH_IDS = 7;

/** Scratch memory of the actions, on each CPU. */
export const SCRATCH = {
  /** Six arguments, the result, {@linkcode SCRATCH_IDS}. */
  words: 0,
  /** What was read of a structure of the process: a vector's element, or the rest of a mmsghdr. */
  read: 64,
  /** Where gathering is: see {@linkcode GATHER}. */
  gather: 112,
  /** A record that is being made. */
  record: 160,
} as const;

/** Words that tell how far the data of vectors are gathered. */
export const GATHER = {
  /** Address of the next element. */
  element: 0,
  /** Elements that are left of the vector. */
  elements: 8,
  /** Bytes that are left of the message. */
  rest: 16,
  /** Bytes that are in the record. */
  have: 24,
  /** Address of the next mmsghdr. */
  message: 32,
  /** How many mmsghdr are left. */
  messages: 40,
} as const;

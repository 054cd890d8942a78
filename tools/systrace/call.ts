// A system call put together from the records of its entry, of what was captured, and of its return.

import { type Capture, HOW } from "../ktrace/captures.ts";
import { KTR } from "../ktrace/formats/types.ts";
import type { KtrRecord, RecordBody, RecordHeader } from "../ktrace/formats/record.ts";

/** Memory that a record tells of: a path, data, a structure, an array of structures. */
export type CapturedBody = RecordBody & { kind: "namei" | "genio" | "struct" | "structArray" };
/** A record of memory. */
export type Captured = RecordHeader & CapturedBody;

/** A system call that has begun. */
export interface Call {
  /** Number with its ABI, as records have it. */
  readonly code: number;
  /** Kernel's name of the call, as the tables have it; undefined for a number that no call has. */
  readonly name?: string;
  /** Arguments as registers hold them; undefined for a call whose entry was not seen. */
  readonly args?: readonly bigint[];
  /** CLOCK_REALTIME of the entry, or of the return where the entry was not seen; nanoseconds. */
  readonly timeNs: bigint;
  /** Captured memory, in the order of the records. */
  readonly captured: Captured[];
  /** Arguments of the program that the call executes. */
  program?: Uint8Array;
  /** Number of variables in that program's environment. */
  variables?: number;
  /** True if the call was shown as one that has not returned yet. */
  isShown: boolean;
}

/** The return of a call. */
export type Return = KtrRecord & { kind: "sysret" };

/** Captured memory by the index of the argument that points there: what was given, what was filled. */
export type Memory = ReadonlyMap<number, readonly Captured[]>;

/**
 * Finds out which argument each captured record belongs to: records come in the order of the call's table,
 * and of those that could not be read there is none.
 */
export function memoryOf(call: Call, captures: readonly Capture[]): Memory {
  const found = new Map<number, Captured[]>();
  let at = 0;
  for (const record of call.captured) {
    while (at < captures.length && !isOf(record, captures[at], call.args)) at++;
    if (at === captures.length) break;
    const { argument } = captures[at++];
    const list = found.get(argument);
    if (list === undefined) found.set(argument, [record]);
    else list.push(record);
  }
  return found;
}

function isOf(record: Captured, capture: Capture, args: readonly bigint[] | undefined): boolean {
  if (args?.[capture.argument] === 0n) return false;
  switch (record.kind) {
    case "namei":
      return capture.type === KTR.namei;
    case "genio":
      return capture.type === KTR.genio;
    case "struct":
      return capture.type === KTR.struct && capture.name === record.name;
    case "structArray":
      return capture.how === HOW.array && capture.name === record.name;
  }
}

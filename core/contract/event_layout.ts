// Pure: no I/O, no FFI.
// The standard event: where its parts stand. The kernel plane's programs and the user plane write it by
// this table, device/event.ts decodes it.

import { type CType, parseCType } from "../c_type.ts";
import { DtError } from "../errors.ts";
import type { CaptureKind, CaptureRequest, State } from "./capture.ts";
import type { Probe } from "./probe.ts";

/** Header of every record in a ring. */
export const HEADER = {
  /** u32: {@linkcode KIND_EVENT}, or a kind of the session's owner. */
  kind: 0,
  /** u32: CPU on which the event happened. */
  cpu: 4,
  /** u32: number of the probe; in records of other kinds a number that the owner of the session chose. */
  id: 8,
  /** u32: bytes of the record, header included. */
  size: 12,
  /** u64: CLOCK_BOOTTIME, ns. */
  time: 16,
  /** Bytes of the header. */
  bytes: 24,
} as const;

/** The standard event. Other kinds belong to the session's owner. */
export const KIND_EVENT = 0;

/** Fixed part of the standard event, after the header. */
export const EVENT = {
  /** u32: process id of the event. */
  pid: 24,
  /** u32: thread id of the event. */
  tid: 28,
  /** u32: which optional parts follow, bits of {@linkcode STATE_BIT}. */
  states: 32,
  /** End of the fixed part. */
  bytes: 40,
} as const;

/** Bits of `states`, with dt(4)'s values. */
export const STATE_BIT: Readonly<Record<State, number>> = {
  comm: 1,
  ustack: 2,
  kstack: 4,
  args: 8,
};

/** Bytes of a thread name, NUL included. */
export const COMM_BYTES = 16;
/** Arguments that an event holds; the result takes the place of the first. */
export const MAX_ARGUMENTS = 10;
/** Most frames of a stack: perf_event_max_stack of the kernel. */
export const MAX_STACK_FRAMES = 127;
/** Bytes of a captured string where the request does not say. */
export const DEFAULT_STRING_BYTES = 256;

const STACK_BYTES = 8 + MAX_STACK_FRAMES * 8;

/** Place of one captured argument: an s64 length (negative errno: it could not be read), then bytes. */
export interface CaptureSlot {
  /** Name of the argument. */
  readonly name: string;
  /** How the argument is copied: as an integer, as text or as bytes. */
  readonly kind: CaptureKind;
  /** Offset of the length. */
  readonly at: number;
  /** Bytes that the copied data may take. */
  readonly bytes: number;
}

/** A captured argument with its place in the context and its C type. */
export interface CaptureSource {
  /** Where in the event the argument is copied to. */
  readonly slot: CaptureSlot;
  /** Location that holds the argument, as {@linkcode ArgumentSpec.at} names it. */
  readonly at: string;
  /** C type, which tells the argument's width. */
  readonly type: CType;
  /** Location that holds the address behind the data; absent if the event has no such address. */
  readonly end?: string;
}

/** Where the optional parts of an event stand. */
export interface EventLayout {
  /** Bits of {@linkcode STATE_BIT}. */
  readonly states: number;
  /** Offset of each part that is recorded. */
  readonly at: Readonly<Partial<Record<State, number>>>;
  /** Slots of the captured arguments. */
  readonly captures: readonly CaptureSlot[];
  /** Bytes of the whole event. */
  readonly size: number;
}

/** Bytes of each optional part of an event. */
export const PART_BYTES: Readonly<Record<State, number>> = {
  comm: COMM_BYTES,
  args: MAX_ARGUMENTS * 8,
  kstack: STACK_BYTES,
  ustack: STACK_BYTES,
};
const PART_ORDER: readonly State[] = ["comm", "args", "kstack", "ustack"];

function captureBytes(kind: CaptureKind): number {
  if (kind === "int") return 8;
  if (kind === "string") return DEFAULT_STRING_BYTES;
  return "string" in kind ? kind.string : kind.bytes;
}

/**
 * Lays out the events of one enabling.
 *
 * @throws {DtError} EINVAL a capture of no bytes or of more than 64 KiB.
 */
export function eventLayout(states: readonly State[], capture: CaptureRequest = {}): EventLayout {
  let size: number = EVENT.bytes;
  let bits = 0;
  const at: Partial<Record<State, number>> = {};
  for (const state of PART_ORDER) {
    if (!states.includes(state)) continue;
    bits |= STATE_BIT[state];
    at[state] = size;
    size += PART_BYTES[state];
  }
  const captures = Object.entries(capture).map(([name, kind]): CaptureSlot => {
    const bytes = captureBytes(kind);
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > 65536) {
      throw new DtError("EINVAL", `Cannot capture ${bytes} bytes of ${name}: 1 to 65536`, {
        operation: "enable",
      });
    }
    const slot = { name, kind, at: size, bytes };
    size += 8 + (bytes + 7 & ~7);
    return slot;
  });
  return { states: bits, at, captures, size };
}

/**
 * Finds the arguments that an enabling captures.
 *
 * @throws {DtError} EINVAL the probe has no argument of that name.
 */
export function captureSources(layout: EventLayout, probe: Probe): CaptureSource[] {
  const argument = (name: string) => {
    const found = probe.args.find((one) => one.name === name);
    if (found !== undefined) return found;
    const names = probe.args.map((one) => one.name).join(", ") || "none";
    throw new DtError("EINVAL", `Cannot capture ${name}: ${probe.name} has: ${names}`, {
      operation: "enable",
      probe: probe.name,
    });
  };
  return layout.captures.map((slot) => {
    const { at, type } = argument(slot.name);
    const upTo = typeof slot.kind === "object" && "upTo" in slot.kind ? slot.kind.upTo : undefined;
    return {
      slot,
      at,
      type: parseCType(type),
      ...(upTo === undefined ? {} : { end: argument(upTo).at }),
    };
  });
}

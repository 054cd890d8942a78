// Pure: no I/O, no FFI.
// The standard event: its bytes, written by the recorder's BPF code or by the user plane, and read
// here. One table for both.

import { type CType, parseCType } from "./c_type.ts";
import { DtError } from "./errors.ts";
import type { CaptureKind, CaptureRequest, State } from "./provider.ts";
import type { Probe } from "./probe.ts";

/** Header of every record in a ring. */
export const HEADER = {
  /** u32: {@linkcode KIND_EVENT}, or a kind of the session's owner. */
  kind: 0,
  /** u32 */
  cpu: 4,
  /** u32: number of the probe; other kinds: what the owner says. */
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
  /** u32 */
  pid: 24,
  /** u32 */
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
/** Frames of a stack. */
export const MAX_STACK_FRAMES = 127;
/** Bytes of a captured string where the request does not say. */
export const DEFAULT_STRING_BYTES = 256;

const STACK_BYTES = 8 + MAX_STACK_FRAMES * 8;

/** Place of one captured argument: an s64 length (negative errno: it could not be read), then bytes. */
export interface CaptureSlot {
  /** Name of the argument. */
  readonly name: string;
  /** How it is copied. */
  readonly kind: CaptureKind;
  /** Offset of the length. */
  readonly at: number;
  /** Room for bytes. */
  readonly bytes: number;
}

/** A captured argument with its place in the context and its C type. */
export interface CaptureSource {
  /** Where it goes. */
  readonly slot: CaptureSlot;
  /** Which location holds it, as {@linkcode ArgumentSpec.at}. */
  readonly at: string;
  /** How wide it is. */
  readonly type: CType;
  /** The location that holds the address where it ends, if one does. */
  readonly end?: string;
}

/** Where the optional parts of an event stand. */
export interface EventLayout {
  /** Bits of {@linkcode STATE_BIT}. */
  readonly states: number;
  /** Offset of each part that is recorded. */
  readonly at: Readonly<Partial<Record<State, number>>>;
  /** Captured arguments. */
  readonly captures: readonly CaptureSlot[];
  /** Bytes of the whole event. */
  readonly size: number;
}

const PART_BYTES: Readonly<Record<State, number>> = {
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

/** What a captured argument becomes; null if its memory could not be read. */
export type CapturedValue<K extends CaptureKind> = K extends "int" ? bigint
  : K extends "string" | { readonly string: number } ? string | null
  : Uint8Array | null;

/** Captured arguments by name. */
export type Captured<C extends CaptureRequest> = { readonly [N in keyof C]: CapturedValue<C[N]> };

/** A decoded standard event. */
export interface DtEvent<C extends CaptureRequest = CaptureRequest> {
  /** Number of the probe. */
  readonly pbn: number;
  /** Full name of the probe. */
  readonly probe: string;
  /** CPU it fired on. */
  readonly cpu: number;
  /** Process. */
  readonly pid: number;
  /** Thread. */
  readonly tid: number;
  /** CLOCK_BOOTTIME. */
  readonly timestampNs: bigint;
  /** Thread name, with state "comm". */
  readonly comm?: string;
  /** arg0…arg9 or, for a probe with a result, that alone; with state "args". */
  readonly args?: readonly bigint[];
  /** Return addresses, leaf first; with state "kstack". */
  readonly kstack?: readonly bigint[];
  /** Return addresses, leaf first; with state "ustack". */
  readonly ustack?: readonly bigint[];
  /** Captured arguments by name. */
  readonly captured: Captured<C>;
}

const text = new TextDecoder();

function cText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return text.decode(end < 0 ? bytes.slice() : bytes.slice(0, end));
}

function stack(view: DataView, at: number): bigint[] {
  const bytes = Number(view.getBigInt64(at, true));
  const frames: bigint[] = [];
  for (let i = 0; i < bytes; i += 8) {
    const frame = view.getBigUint64(at + 8 + i, true);
    if (frame !== 0n) frames.push(frame);
  }
  return frames;
}

function capturedValue(view: DataView, slot: CaptureSlot): bigint | string | Uint8Array | null {
  const length = Number(view.getBigInt64(slot.at, true));
  if (slot.kind === "int") return view.getBigInt64(slot.at + 8, true);
  if (length < 0) return null;
  const bytes = new Uint8Array(
    view.buffer,
    view.byteOffset + slot.at + 8,
    Math.min(length, slot.bytes),
  );
  return slot.kind === "string" || "string" in slot.kind ? cText(bytes) : bytes.slice();
}

/**
 * Decodes one event.
 *
 * @param view Its bytes.
 * @param layout Of the enabling that made it.
 * @param probe The probe that it names.
 */
export function decodeEvent(view: DataView, layout: EventLayout, probe: Probe): DtEvent {
  const { at } = layout;
  const bytes = (offset: number, length: number) =>
    new Uint8Array(view.buffer, view.byteOffset + offset, length);
  const words = probe.retval === undefined
    ? 1 + Math.max(-1, ...probe.args.map(({ at }) => Number(/^arg(\d)$/.exec(at)?.[1] ?? -1)))
    : 1;
  return {
    pbn: probe.pbn,
    probe: probe.name,
    cpu: view.getUint32(HEADER.cpu, true),
    pid: view.getUint32(EVENT.pid, true),
    tid: view.getUint32(EVENT.tid, true),
    timestampNs: view.getBigUint64(HEADER.time, true),
    ...(at.comm !== undefined && { comm: cText(bytes(at.comm, COMM_BYTES)) }),
    ...(at.args !== undefined && {
      args: Array.from({ length: words }, (_, i) => view.getBigInt64(at.args! + i * 8, true)),
    }),
    ...(at.kstack !== undefined && { kstack: stack(view, at.kstack) }),
    ...(at.ustack !== undefined && { ustack: stack(view, at.ustack) }),
    captured: Object.fromEntries(
      layout.captures.map((slot) => [slot.name, capturedValue(view, slot)]),
    ) as Captured<CaptureRequest>,
  };
}

// Pure: no I/O, no FFI.
// Decodes standard events.

import type { CaptureKind, CaptureRequest } from "../contract/capture.ts";
import {
  type CaptureSlot,
  COMM_BYTES,
  EVENT,
  type EventLayout,
  HEADER,
} from "../contract/event_layout.ts";
import type { Probe } from "../contract/probe.ts";

/** Type of a captured argument's value, which is null if the memory could not be read. */
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
  /** CPU on which the probe fired. */
  readonly cpu: number;
  /** Id of the process. */
  readonly pid: number;
  /** Id of the thread. */
  readonly tid: number;
  /** Time of the event by CLOCK_BOOTTIME, in ns. */
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
 * Decodes one event of a session.
 *
 * @param view Bytes of the event.
 * @param layout Layout of the events of this enabling.
 * @param probe The probe whose number the event has.
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

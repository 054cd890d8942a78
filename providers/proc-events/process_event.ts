// The events as a monitor hands them out, made of those of a session.

import type { DtEvent } from "../../core/device/event.ts";
import type { CaptureRequest } from "../../core/contract/capture.ts";
import type { Session } from "../../core/device/session.ts";
import { EVENT_NAMES, type EventName, PREFIX } from "./events.ts";

/** A birth, an execution or a death. */
export interface ProcessEvent {
  /** Name of the event. */
  readonly name: EventName;
  /** Time of the event by CLOCK_BOOTTIME, in ns. */
  readonly timestampNs: bigint;
  /** CPU that it happened on, 0 where that is not known. */
  readonly cpu: number;
  /** Process that it is about; of a fork the new one. */
  readonly pid: number;
  /** Id of the thread. */
  readonly tid: number;
  /** Parent process; 0 if it is not known. */
  readonly parentPid: number;
  /** Thread of it that has made the task, else its first one. */
  readonly parentTid: number;
  /** Name of the running thread: of a fork the parent's. */
  readonly comm: string;
  /** cgroup of version 2, by inode; 0 if it is not known. */
  readonly cgroup: bigint;
  /** Of an exec: the path as it was given. */
  readonly path?: string;
  /** Of an exec: the arguments; the last one may be cut, at {@linkcode ARGV_BYTES} in all. */
  readonly argv?: readonly string[];
  /** Of an exec: the thread that has called it, whose number is gone if it was not the first one. */
  readonly oldTid?: number;
  /** Of an end: what was given to exit(3). */
  readonly code?: number;
  /** Of an end: the signal that it died by, or 0. */
  readonly signal?: number;
  /** Of an end: a core file was written. */
  readonly core?: boolean;
  /** Of an end: ns since its start; undefined if that is not known. */
  readonly runtimeNs?: bigint;
}

/** Most bytes of the arguments of an exec that are kept. */
export const ARGV_BYTES = 2048;
const PATH_BYTES = 512;

/** Enables all events with what is told of them. */
export function enableAll(session: Session): void {
  for (const name of EVENT_NAMES) {
    const capture: CaptureRequest = name === "process:exec"
      ? { path: { string: PATH_BYTES }, argv: { bytes: ARGV_BYTES, upTo: "argv_end" } }
      : {};
    session.enable(PREFIX + name, { states: ["comm", "args"], capture });
  }
}

const text = new TextDecoder();

/** Makes one of a session's. */
export function processEvent(event: DtEvent): ProcessEvent {
  const name = event.probe.slice(PREFIX.length) as EventName;
  const args = event.args!;
  const int = (i: number) => Number(BigInt.asIntN(32, args[i] ?? 0n));
  return {
    name,
    timestampNs: event.timestampNs,
    cpu: event.cpu,
    pid: int(0),
    tid: int(1),
    parentPid: int(2),
    parentTid: int(3),
    comm: event.comm ?? "",
    cgroup: BigInt.asUintN(64, args[8]),
    ...(name === "process:exec" ? execution(event) : {}),
    ...(/:(abort|exit)$/.test(name) ? ending(int, args[7]) : {}),
  };
}

function execution({ captured, args }: DtEvent): Partial<ProcessEvent> {
  const { path, argv } = captured as { path: string | null; argv: Uint8Array | null };
  const words = argv === null || argv.length === 0
    ? []
    : text.decode(argv).replace(/\0$/, "").split("\0");
  return { path: path ?? "", argv: words, oldTid: Number(args![7]) };
}

function ending(int: (i: number) => number, runtime: bigint): Partial<ProcessEvent> {
  const runtimeNs = runtime > 0n ? runtime : undefined;
  return { code: int(4), signal: int(5), core: int(6) !== 0, runtimeNs };
}

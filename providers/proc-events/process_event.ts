// Events as a monitor hands them out, made of the events of a session.

import type { DtEvent } from "../../core/device/event.ts";
import type { CaptureRequest } from "../../core/contract/capture.ts";
import type { Session } from "../../core/device/session.ts";
import { EVENT_NAMES, type EventName, PREFIX } from "./events.ts";

/** A birth, an execution or a death of a process or thread. */
export interface ProcessEvent {
  /** Name of the event. */
  readonly name: EventName;
  /** Time of the event by CLOCK_BOOTTIME, in ns. */
  readonly timestampNs: bigint;
  /** CPU on which the event happened; 0 if unknown. */
  readonly cpu: number;
  /** Process of the event; of a fork the new process. */
  readonly pid: number;
  /** Id of the thread. */
  readonly tid: number;
  /** Parent process; 0 if unknown. */
  readonly parentPid: number;
  /** Thread of the parent that has made the task; if unknown, its first thread. */
  readonly parentTid: number;
  /** Name of the thread that ran: of a fork the parent. */
  readonly comm: string;
  /** Inode of the cgroup of version 2; 0 if unknown. */
  readonly cgroup: bigint;
  /** Of an exec: the path that was executed, as it was given. */
  readonly path?: string;
  /** Of an exec: the arguments, as far as {@linkcode ARGV_BYTES} hold them. */
  readonly argv?: readonly string[];
  /** Of an exec: true if arguments are missing, and the last one in `argv` may be cut. */
  readonly argvTruncated?: boolean;
  /** Of an exec: the thread that called exec; unless it was the first thread, its number is gone. */
  readonly oldTid?: number;
  /** Of an end: the status given to exit(3). */
  readonly code?: number;
  /** Of an end: the signal that ended the process, or 0. */
  readonly signal?: number;
  /** Of an end: true if a core file was written. */
  readonly core?: boolean;
  /** Of an end: nanoseconds since the start of the task; undefined if unknown. */
  readonly runtimeNs?: bigint;
}

/** Most bytes of the arguments of an exec that are kept. */
export const ARGV_BYTES = 2048;
const PATH_BYTES = 512;

/** Enables all events of a session with their captures. */
export function enableAll(session: Session): void {
  for (const name of EVENT_NAMES) {
    const capture: CaptureRequest = name === "process:exec"
      ? { path: { string: PATH_BYTES }, argv: { bytes: ARGV_BYTES, upTo: "argv_end" } }
      : {};
    session.enable(PREFIX + name, { states: ["comm", "args"], capture });
  }
}

const text = new TextDecoder();

/** Makes a process event of an event of the session. */
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
  // Behind a whole argument stands a NUL.
  const isCut = argv !== null && argv.length === ARGV_BYTES && argv.at(-1) !== 0;
  const cut = isCut ? { argvTruncated: true } : {};
  return { path: path ?? "", argv: words, ...cut, oldTid: Number(args![7]) };
}

function ending(int: (i: number) => number, runtime: bigint): Partial<ProcessEvent> {
  const runtimeNs = runtime > 0n ? runtime : undefined;
  return { code: int(4), signal: int(5), core: int(6) !== 0, runtimeNs };
}

// What is wanted of the system calls on the user plane: probes by call and side, and the one tracer of
// a session that serves them.

import { DtError } from "../errors.ts";
import type { Pcb } from "../pcb.ts";
import type { Probe } from "../probe.ts";
import type { EnableRequest, ProviderSession, UserAttachment } from "../provider.ts";
import type { SyscallSide } from "./attachment.ts";
import type { Tracee } from "./tracee.ts";
import { Tracer } from "./tracer.ts";

/** An enabled probe of system calls. */
export interface TracedSyscall {
  /** The enabling. */
  readonly pcb: Pcb;
  /** Number of the call; undefined for all of them. */
  readonly number?: number;
  /** At the entry or at the return. */
  readonly side: SyscallSide;
}

/**
 * The PCB of a probe of system calls: one, for all CPUs, or for all that descends from the target.
 *
 * @throws {DtError} EOPNOTSUPP on the user plane without a target.
 */
export function allocSyscall(
  probe: Probe,
  request: EnableRequest,
  session: ProviderSession,
): Pcb[] {
  if (session.plane === "kernel" || session.target !== undefined) return [{ probe, request }];
  throw new DtError(
    "EOPNOTSUPP",
    `Cannot enable ${probe.name} on the user plane without a process to trace: name one (-c or ` +
      "-p); all processes are seen with CAP_BPF and CAP_PERFMON",
    { operation: "enable", probe: probe.name },
  );
}

/** What a session will trace: a process has one tracer, whichever providers ask. */
interface Tracing {
  readonly selected: TracedSyscall[];
  running?: Promise<void>;
}

const tracings = new WeakMap<ProviderSession, Tracing>();

/**
 * The attachment of enabled system calls on the user plane. All of a session's share one tracer, which
 * the first one starts.
 *
 * @param session Has a target.
 */
export function tracedSyscalls(
  selected: readonly TracedSyscall[],
  session: ProviderSession,
): UserAttachment {
  let tracing = tracings.get(session);
  if (tracing === undefined || tracing.running !== undefined) {
    tracings.set(session, tracing = { selected: [] });
  }
  const shared = tracing;
  shared.selected.push(...selected);
  return {
    plane: "user",
    pcbs: selected.map(({ pcb }) => pcb),
    run(host) {
      if (shared.running === undefined) {
        const side = (wanted: SyscallSide) =>
          new Selection(shared.selected.filter(({ side }) => side === wanted));
        const tracer = new Tracer({
          entries: side("enter"),
          returns: side("exit"),
          target: session.target!,
          host,
        });
        tracer.attach();
        shared.running = tracer.follow();
      }
      return shared.running;
    },
  };
}

/** Enabled probes of one side, by call. */
export class Selection {
  /** Whichever call it is. */
  readonly #all: Pcb[];
  /** By number, those of all calls included. */
  readonly #of: Pcb[][] = [];

  /** @param selected Of that side, in the order in which they fire. */
  constructor(selected: readonly TracedSyscall[]) {
    this.#all = selected.flatMap(({ pcb, number }) => number === undefined ? [pcb] : []);
    for (const { pcb, number } of selected) {
      if (number !== undefined) (this.#of[number] ??= [...this.#all]).push(pcb);
    }
  }

  /** Those that mean a call; a number of another architecture means another call. */
  of({ call, foreign }: Tracee): readonly Pcb[] {
    if (call < 0) return this.#all;
    return foreign ? this.#all : this.#of[call] ?? this.#all;
  }

  /** Numbers that are meant; undefined for all of them. */
  get numbers(): readonly number[] | undefined {
    return this.#all.length > 0 ? undefined : Object.keys(this.#of).map(Number);
  }
}

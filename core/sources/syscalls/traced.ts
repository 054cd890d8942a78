// System calls on the user plane, as providers ask for them: one tracer serves a session, and tells of
// births and deaths as well.

import type { Pcb } from "../../contract/pcb.ts";
import { requireTarget } from "../pcbs.ts";
import type { Probe } from "../../contract/probe.ts";
import type { EnableRequest } from "../../contract/request.ts";
import type { ProviderSession } from "../../contract/provider.ts";
import type { UserAttachment, UserHost } from "../../contract/attachment.ts";
import type { SyscallSide } from "./attachment.ts";
import { Selection, type TracedSyscall } from "./selection.ts";
import { type LifeListener, Tracer } from "./tracer.ts";

/**
 * Makes the PCB of a probe of system calls, for all CPUs, or for the target and its descendants.
 *
 * @throws {DtError} EOPNOTSUPP on the user plane without a target.
 */
export function allocSyscall(
  probe: Probe,
  request: EnableRequest,
  session: ProviderSession,
): Pcb[] {
  requireTarget(probe, session, "trace", "all processes are seen");
  return [{ probe, request }];
}

/** The system calls and lives that a session traces, with one tracer for all providers. */
interface Tracing {
  readonly selected: TracedSyscall[];
  readonly life: ((host: UserHost) => LifeListener)[];
  running?: Promise<void>;
}

const tracings = new WeakMap<ProviderSession, Tracing>();

/**
 * The attachment of enabled system calls on the user plane. All such attachments of a session share one
 * tracer, which the first of them starts.
 *
 * @param session A session with a target.
 */
export function tracedSyscalls(
  selected: readonly TracedSyscall[],
  session: ProviderSession,
): UserAttachment {
  const shared = tracingOf(session);
  shared.selected.push(...selected);
  return attachment(shared, session, selected.map(({ pcb }) => pcb));
}

/**
 * The attachment of births, executions and deaths of the target and its descendants.
 *
 * @param listen Makes the listener that is told of them.
 */
export function tracedLife(
  pcbs: readonly Pcb[],
  session: ProviderSession,
  listen: (host: UserHost) => LifeListener,
): UserAttachment {
  const shared = tracingOf(session);
  shared.life.push(listen);
  return attachment(shared, session, pcbs);
}

function tracingOf(session: ProviderSession): Tracing {
  let tracing = tracings.get(session);
  if (tracing === undefined || tracing.running !== undefined) {
    tracings.set(session, tracing = { selected: [], life: [] });
  }
  return tracing;
}

function attachment(
  shared: Tracing,
  session: ProviderSession,
  pcbs: readonly Pcb[],
): UserAttachment {
  return {
    plane: "user",
    pcbs,
    run(host) {
      if (shared.running === undefined) {
        const side = (wanted: SyscallSide) =>
          new Selection(shared.selected.filter(({ side }) => side === wanted));
        const tracer = new Tracer({
          entries: side("enter"),
          returns: side("exit"),
          target: session.target!,
          host,
          life: shared.life.map((listen) => listen(host)),
        });
        tracer.attach();
        shared.running = tracer.follow();
      }
      return shared.running;
    },
  };
}

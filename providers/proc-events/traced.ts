// Process events of a command or of an own process by ptrace(2): the process of an event is stopped while the
// event is handled, and no event is lost.

import type { Pcb } from "../../core/contract/pcb.ts";
import type { ProviderSession } from "../../core/contract/provider.ts";
import type { UserAttachment } from "../../core/contract/attachment.ts";
import { bootTimeNs } from "../../core/sys/clock.ts";
import { tracedLife, type Tracee } from "../../core/sources/syscalls/mod.ts";
import { Lives, type Task } from "./lives.ts";

/** All probes share the tracer of their session. */
export function tracedAttachment(pcbs: readonly Pcb[], session: ProviderSession): UserAttachment {
  return tracedLife(pcbs, session, (host) => {
    const lives = new Lives(pcbs, host);
    // While it can be asked.
    lives.of(session.target!.pid);
    const task = (tracee: Tracee, parent?: Tracee): Task => ({
      cpu: 0, // a tracer is not told
      pid: tracee.pid,
      tid: tracee.tid,
      parentPid: parent?.pid ?? 0,
      parentTid: parent?.tid ?? 0,
      timestampNs: bootTimeNs(),
    });
    return {
      born: (child, parent) => lives.born(task(child, parent)),
      executed: (tracee, former) => lives.executed(task(tracee), former, tracee),
      // The first thread is told when all others have been.
      ended: (tracee, status) => lives.ended(task(tracee), status, tracee.tid === tracee.pid),
    };
  });
}

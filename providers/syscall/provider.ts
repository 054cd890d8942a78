// dt(4)'s syscall provider: syscall:NAME:entry and syscall:NAME:return.

import type { Pcb } from "../../core/contract/pcb.ts";
import type { Probe, ProbeSpec } from "../../core/contract/probe.ts";
import type { Attachment } from "../../core/contract/attachment.ts";
import type { EnableRequest } from "../../core/contract/request.ts";
import {
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/contract/provider.ts";
import {
  allocSyscall,
  type Syscall,
  syscallAttachment,
  syscalls,
  type SyscallSide,
  tracedSyscalls,
} from "../../core/sources/syscalls/mod.ts";

function entry(call: Syscall): ProbeSpec {
  return {
    name: `syscall:${call.name}:entry`,
    args: call.args,
    parsed: { number: call.number, side: "enter" },
  };
}

function exit(call: Syscall): ProbeSpec {
  return {
    name: `syscall:${call.name}:return`,
    args: [{ name: "retval", type: "long", at: "retval" }],
    retval: "long",
    parsed: { number: call.number, side: "exit" },
  };
}

/** What a probe of this provider is attached by. */
interface Parsed {
  /** Number of the system call. */
  readonly number: number;
  readonly side: SyscallSide;
}

/** The provider; see mod.ts. */
export class SyscallProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name = "syscall";

  /** Two probes for each system call of the running architecture. */
  *probes(): Generator<ProbeSpec> {
    for (const call of syscalls().values()) {
      yield entry(call);
      yield exit(call);
    }
  }

  /** Describes the probe of a full name. */
  provide(name: string): ProbeSpec | undefined {
    const [, callName, side, ...more] = name.split(":");
    const call = syscalls().get(callName);
    if (call === undefined || more.length > 0) return undefined;
    return side === "entry" ? entry(call) : side === "return" ? exit(call) : undefined;
  }

  /** One PCB: all CPUs, or all that descends from the session's target. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    return allocSyscall(probe, request, session);
  }

  /** Kernel plane: one attachment for all entries, one for all returns. User plane: one tracer. */
  attachments(pcbs: readonly Pcb[], session: ProviderSession): Attachment[] {
    const enabled = pcbs.map((pcb) => ({ pcb, ...pcb.probe.parsed as Parsed }));
    // A call counts once, where both its entry and its return are looked at.
    const counting = enabled.some(({ side }) => side === "enter") ? "enter" : "exit";
    const selected = enabled.map((one) => ({ ...one, countsForeign: one.side === counting }));
    if (session.plane === "user") return [tracedSyscalls(selected, session)];
    return [...Map.groupBy(selected, ({ side }) => side)].map(([side, group]) =>
      syscallAttachment(side, group, { countsForeign: side === counting })
    );
  }
}

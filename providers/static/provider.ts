// Tracepoints by tracefs names. So far those of the system calls, which need no tracefs.

import type { Pcb } from "../../core/pcb.ts";
import type { Probe } from "../../core/probe.ts";
import {
  type Attachment,
  type EnableRequest,
  type ProbeSpec,
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/provider.ts";
import {
  allocSyscall,
  type Syscall,
  syscallAttachment,
  syscalls,
  type SyscallSide,
} from "../../core/syscalls/mod.ts";

const RAW: readonly ProbeSpec[] = [
  {
    name: "tracepoint:raw_syscalls:sys_enter",
    args: [
      { name: "id", type: "long", at: "number" },
      { name: "args", type: "unsigned long", at: "arg0", count: 6 },
    ],
  },
  {
    name: "tracepoint:raw_syscalls:sys_exit",
    args: [
      { name: "id", type: "long", at: "number" },
      { name: "ret", type: "long", at: "retval" },
    ],
    retval: "long",
  },
];

const NUMBER = { name: "__syscall_nr", type: "int", at: "number" } as const;

function enter(call: Syscall): ProbeSpec {
  return { name: `tracepoint:syscalls:sys_enter_${call.name}`, args: [NUMBER, ...call.args] };
}

function exit(call: Syscall): ProbeSpec {
  return {
    name: `tracepoint:syscalls:sys_exit_${call.name}`,
    args: [NUMBER, { name: "ret", type: "long", at: "retval" }],
    retval: "long",
  };
}

/** Subsystem, side and system call of a probe's name. */
function parse(name: string): { raw: boolean; side: SyscallSide; call?: Syscall } | undefined {
  const match = /^tracepoint:(?:(raw_)syscalls:sys_(enter|exit)|syscalls:sys_(enter|exit)_(\w+))$/
    .exec(name);
  if (match === null) return undefined;
  const side = (match[2] ?? match[3]) as SyscallSide;
  const call = syscalls().get(match[4]);
  return match[1] === undefined && call === undefined
    ? undefined
    : { raw: match[1] !== undefined, side, call };
}

/** The provider; see mod.ts. */
export class TracepointProvider implements Provider {
  /** Version of the contract. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of its probes. */
  readonly name = "tracepoint";

  /** Two raw probes and two for each system call. */
  *probes(): Generator<ProbeSpec> {
    yield* RAW;
    for (const call of syscalls().values()) {
      yield enter(call);
      yield exit(call);
    }
  }

  /** Looks one up. */
  provide(name: string): ProbeSpec | undefined {
    const parsed = parse(name);
    if (parsed === undefined) return undefined;
    if (parsed.raw) return RAW[parsed.side === "enter" ? 0 : 1];
    return parsed.side === "enter" ? enter(parsed.call!) : exit(parsed.call!);
  }

  /** One PCB: all CPUs. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    return allocSyscall(probe, request, session);
  }

  /** Nothing is held. */
  dealloc(_pcbs: readonly Pcb[]): void {}

  /** One attachment for each raw probe, one for all entries, one for all returns. */
  attachments(pcbs: readonly Pcb[]): Attachment[] {
    const groups = Map.groupBy(pcbs, ({ probe }) => {
      const { raw, side } = parse(probe.name)!;
      return raw ? probe.name : side;
    });
    return [...groups.values()].map((group) => {
      const { raw, side } = parse(group[0].probe.name)!;
      return syscallAttachment(
        side,
        raw ? group[0] : group.map((pcb) => ({ pcb, number: parse(pcb.probe.name)!.call!.number })),
      );
    });
  }
}

// The tracepoints of system calls: served by the same attachment as the syscall provider's probes.
// They do not need tracefs, and 350 of them cost no more than one.

import type { Pcb } from "../../core/contract/pcb.ts";
import type { Attachment } from "../../core/contract/attachment.ts";
import type { Probe, ProbeSpec } from "../../core/contract/probe.ts";
import type { ProviderSession } from "../../core/contract/provider.ts";
import {
  type Syscall,
  syscallAttachment,
  syscalls,
  type SyscallSide,
  tracedSyscalls,
} from "../../core/sources/syscalls/mod.ts";

const RAW: readonly ProbeSpec[] = [
  {
    name: "tracepoint:raw_syscalls:sys_enter",
    args: [
      { name: "id", type: "long", at: "number" },
      { name: "args", type: "unsigned long", at: "arg0", count: 6 },
    ],
    parsed: { raw: true, side: "enter" } satisfies SyscallEvent,
  },
  {
    name: "tracepoint:raw_syscalls:sys_exit",
    args: [
      { name: "id", type: "long", at: "number" },
      { name: "ret", type: "long", at: "retval" },
    ],
    retval: "long",
    parsed: { raw: true, side: "exit" } satisfies SyscallEvent,
  },
];

const NUMBER = { name: "__syscall_nr", type: "int", at: "number" } as const;

function enter(call: Syscall): ProbeSpec {
  return {
    name: `tracepoint:syscalls:sys_enter_${call.name}`,
    args: [NUMBER, ...call.args],
    parsed: { raw: false, side: "enter", call } satisfies SyscallEvent,
  };
}

function exit(call: Syscall): ProbeSpec {
  return {
    name: `tracepoint:syscalls:sys_exit_${call.name}`,
    args: [NUMBER, { name: "ret", type: "long", at: "retval" }],
    retval: "long",
    parsed: { raw: false, side: "exit", call } satisfies SyscallEvent,
  };
}

/** What the name of such a probe says. */
interface SyscallEvent {
  readonly raw: boolean;
  readonly side: SyscallSide;
  readonly call?: Syscall;
}

/** Subsystem, side and system call of a probe's name; undefined if it is another one. */
export function parseSyscallEvent(name: string): SyscallEvent | undefined {
  const match = /^tracepoint:(?:(raw_)syscalls:sys_(enter|exit)|syscalls:sys_(enter|exit)_(\w+))$/
    .exec(name);
  if (match === null) return undefined;
  const side = (match[2] ?? match[3]) as SyscallSide;
  const call = syscalls().get(match[4]);
  return match[1] === undefined && call === undefined
    ? undefined
    : { raw: match[1] !== undefined, side, call };
}

/** The same of a registered probe of `tracepoint:`. */
export function syscallEventOf({ parsed }: Probe): SyscallEvent | undefined {
  const { side } = parsed as Partial<SyscallEvent>;
  return side && parsed as SyscallEvent;
}

/** Two raw probes and two for each system call. */
export function* syscallEvents(): Generator<ProbeSpec> {
  yield* RAW;
  for (const call of syscalls().values()) {
    yield enter(call);
    yield exit(call);
  }
}

/** The probe that a name means. */
export function syscallEvent({ raw, side, call }: SyscallEvent): ProbeSpec {
  if (raw) return RAW[side === "enter" ? 0 : 1];
  return side === "enter" ? enter(call!) : exit(call!);
}

/** Kernel plane: one attachment for each raw probe, one for all entries, one for all returns. */
export function syscallEventAttachments(
  pcbs: readonly Pcb[],
  session: ProviderSession,
): Attachment[] {
  if (session.plane === "user") {
    const selected = pcbs.map((pcb) => {
      const { side, call } = syscallEventOf(pcb.probe)!;
      return { pcb, side, number: call?.number };
    });
    return [tracedSyscalls(selected, session)];
  }
  const groups = Map.groupBy(pcbs, ({ probe }) => {
    const { raw, side } = syscallEventOf(probe)!;
    return raw ? probe.name : side;
  });
  return [...groups.values()].map((group) => {
    const { raw, side } = syscallEventOf(group[0].probe)!;
    return syscallAttachment(
      side,
      raw
        ? group[0]
        : group.map((pcb) => ({ pcb, number: syscallEventOf(pcb.probe)!.call!.number })),
    );
  });
}

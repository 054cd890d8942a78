// Tracepoints by their tracefs names.

import { attachRawTracepoint, attachTracepoint } from "../../core/bpf/link.ts";
import { kernelBtf } from "../../core/btf/mod.ts";
import { kernelPcb } from "../../core/sources/pcbs.ts";
import { rawTracepointFrames } from "../../core/sources/tracepoint_frames.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
import type { ArgumentSpec, Probe, ProbeSpec } from "../../core/contract/probe.ts";
import type { Attachment, KernelAttachment } from "../../core/contract/attachment.ts";
import type { EnableRequest } from "../../core/contract/request.ts";
import type { Location } from "../../core/contract/context.ts";
import {
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/contract/provider.ts";
import { allocSyscall } from "../../core/sources/syscalls/mod.ts";
import { type EventField, eventFormat, eventNames } from "../../core/tracefs/mod.ts";
import {
  parseSyscallEvent,
  syscallEvent,
  syscallEventAttachments,
  syscallEventOf,
  syscallEvents,
} from "./syscall_events.ts";

const PREFIX = "tracepoint:";

/** True for types whose value is memory: arrays, structures. */
function isMemory({ type, size }: EventField): boolean {
  return /\]$|^(struct|union) [^*]*$/.test(type) || ![1, 2, 4, 8].includes(size);
}

function location(field: EventField): Location {
  const path = [field.offset];
  if (field.type.startsWith("__data_loc")) return { path, size: 4, address: "data_loc" };
  if (field.type.startsWith("__rel_loc")) return { path, size: 4, address: "rel_loc" };
  if (isMemory(field)) return { path, size: 8, address: "inline" };
  return { path, size: field.size as 1 | 2 | 4 | 8 };
}

function argument(field: EventField): ArgumentSpec {
  return { name: field.name, type: field.type, at: `field:${field.name}` };
}

/** Name of an event, as tracefs has it. */
interface EventName {
  readonly subsystem: string;
  readonly event: string;
}

/** The probe of an event; its fields are read when they are asked for. */
function spec(subsystem: string, event: string): ProbeSpec {
  const fields = () => eventFormat(subsystem, event)?.fields ?? [];
  return {
    name: `${PREFIX}${subsystem}:${event}`,
    parsed: { subsystem, event } satisfies EventName,
    get args() {
      return fields().map(argument);
    },
    get layout() {
      return fields().map(({ name, offset, size }) => `${name}@${offset}+${size}`).join();
    },
  };
}

/** The provider of `tracepoint:`; see mod.ts. */
export class TracepointProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name = "tracepoint";

  /** Lists the events of system calls, then those that tracefs lists. */
  *probes(): Generator<ProbeSpec> {
    yield* syscallEvents();
    for (const name of eventNames()) {
      if (/^(raw_)?syscalls:/.test(name)) continue;
      const [subsystem, event] = name.split(":");
      yield spec(subsystem, event);
    }
  }

  /** Describes the probe of a full name. */
  provide(name: string): ProbeSpec | undefined {
    const known = parseSyscallEvent(name);
    if (known !== undefined) return syscallEvent(known);
    const [subsystem, event, ...rest] = name.slice(PREFIX.length).split(":");
    if (event === undefined || rest.length > 0) return undefined;
    return eventFormat(subsystem, event) === undefined ? undefined : spec(subsystem, event);
  }

  /** Makes one PCB, which fires on all CPUs. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    if (syscallEventOf(probe) !== undefined) return allocSyscall(probe, request, session);
    return kernelPcb(probe, request, session, "tracepoints");
  }

  /** System calls together, every other event alone. */
  attachments(pcbs: readonly Pcb[], session: ProviderSession): Attachment[] {
    const calls = pcbs.filter(({ probe }) => syscallEventOf(probe) !== undefined);
    const events = pcbs.filter((pcb) => !calls.includes(pcb));
    return [
      ...(calls.length > 0 ? syscallEventAttachments(calls, session) : []),
      ...events.map((pcb) => rawAttachment(pcb) ?? eventAttachment(pcb)),
    ];
  }
}

const TYPEDEF = "btf_trace_";
let rawNames: Set<string> | undefined;

/**
 * The same tracepoint as a raw one, for actions that read nothing of the record: a firing costs half as
 * much, and detaching 0.1 ms instead of an RCU grace period of 77 ms. Undefined if BTF describes no
 * tracepoint with the name of the event.
 */
function rawAttachment(pcb: Pcb): KernelAttachment | undefined {
  if (pcb.request.action?.kernel?.readsContext !== false) return undefined;
  const { event } = pcb.probe.parsed as EventName;
  rawNames ??= kernelBtf()?.namesWith(TYPEDEF) ?? new Set();
  if (!rawNames.has(TYPEDEF + event)) return undefined;
  return {
    plane: "kernel",
    name: `dt_${event}`,
    pcbs: [pcb],
    program: { type: "RAW_TRACEPOINT" },
    layout: { id: "raw", locations: {} },
    get skipFrames() {
      return rawTracepointFrames();
    },
    attach: (program) => attachRawTracepoint(program, event),
  };
}

/** A perf tracepoint, whose program sees the record that tracefs describes. */
function eventAttachment(pcb: Pcb): KernelAttachment {
  const { subsystem, event } = pcb.probe.parsed as EventName;
  const { id, fields } = eventFormat(subsystem, event)!;
  const locations = fields.map((field) => [`field:${field.name}`, location(field)] as const);
  return {
    plane: "kernel",
    name: `dt_${event}`,
    pcbs: [pcb],
    program: { type: "TRACEPOINT" },
    layout: { id: pcb.probe.name, locations: Object.fromEntries(locations) },
    skipFrames: 0,
    attach: (program) => attachTracepoint(program, id),
  };
}

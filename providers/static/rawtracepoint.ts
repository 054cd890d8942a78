// Tracepoints as the kernel's code calls them: BTF-typed arguments, no record is made.

import { attachRawTracepoint } from "../../core/bpf/link.ts";
import { type Btf, BTF_KIND, btfTypeName, kernelBtf } from "../../core/btf/mod.ts";
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

const PREFIX = "rawtracepoint:";
/** Each tracepoint has a type of this name: the pointer to its probe function. */
const TYPEDEF = "btf_trace_";
const MODULE = "vmlinux";

function typedefOf(btf: Btf, event: string): number {
  return btf.find(BTF_KIND.TYPEDEF, TYPEDEF + event);
}

/** Arguments of a tracepoint, without the `void *__data` that comes first. */
function argumentsOf(
  btf: Btf,
  event: string,
): ArgumentSpec[] {
  const functionId = (name: string) => btf.find(BTF_KIND.FUNC, name);
  // The typedef names no parameters; the functions that the tracepoint is made of do.
  const named = functionId(`__traceiter_${event}`) || functionId(`__probestub_${event}`);
  const proto = btf.sizeOrType(named === 0 ? btf.sizeOrType(typedefOf(btf, event)) : named);
  return btf.parameters(proto).slice(1).map(({ name, type }, i) => ({
    name: name === "" ? `arg${i}` : name,
    type: btfTypeName(btf, type),
    at: `arg${i}`,
  }));
}

/** Event of "rawtracepoint:event" and "rawtracepoint:vmlinux:event". */
function eventOf(name: string): string | undefined {
  const parts = name.slice(PREFIX.length).split(":");
  if (parts.length === 1) return parts[0];
  return parts.length === 2 && parts[0] === MODULE ? parts[1] : undefined;
}

/** The provider of `rawtracepoint:`; see mod.ts. */
export class RawTracepointProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name = "rawtracepoint";

  /** Every tracepoint that BTF describes. */
  *probes(): Generator<ProbeSpec> {
    const btf = kernelBtf();
    if (btf === null) return;
    // Nothing but types of tracepoints has such a name.
    for (const name of [...btf.namesWith(TYPEDEF)].sort()) {
      const event = name.slice(TYPEDEF.length);
      yield spec(btf, `${PREFIX}${MODULE}:${event}`, event);
    }
  }

  /** Describes the probe of a name with or without its module; the full name has it. */
  provide(name: string): ProbeSpec | undefined {
    const btf = kernelBtf();
    const event = eventOf(name);
    if (btf === null || event === undefined) return undefined;
    if (typedefOf(btf, event) === 0) return undefined;
    return spec(btf, `${PREFIX}${MODULE}:${event}`, event);
  }

  /** Makes one PCB, which fires on all CPUs. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    return kernelPcb(probe, request, session, "tracepoints");
  }

  /** One attachment for each PCB. */
  attachments(pcbs: readonly Pcb[]): Attachment[] {
    return pcbs.map(attachment);
  }
}

/** Arguments are made out of BTF when they are asked for. */
function spec(
  btf: Btf,
  name: string,
  event: string,
): ProbeSpec {
  let args: ArgumentSpec[] | undefined;
  return {
    name,
    parsed: event,
    get args() {
      return args ??= argumentsOf(btf, event);
    },
  };
}

function attachment(pcb: Pcb): KernelAttachment {
  const event = pcb.probe.parsed as string;
  const locations = pcb.probe.args.map(({ at }, i): [string, Location] => [
    at,
    { path: [i * 8], size: 8 },
  ]);
  return {
    plane: "kernel",
    name: `dt_${event}`,
    pcbs: [pcb],
    // Not a BTF-typed program: those may not read every kind of argument, and cost the same.
    program: { type: "RAW_TRACEPOINT" },
    layout: { id: `raw:${pcb.probe.args.length}`, locations: Object.fromEntries(locations) },
    get skipFrames() {
      return rawTracepointFrames();
    },
    attach: (program) => attachRawTracepoint(program, event),
  };
}

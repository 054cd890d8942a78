// fentry and fexit: functions of the kernel with their types, called as one function calls another.

import {
  attachRawTracepoint,
  BPF_TRACE_FENTRY,
  BPF_TRACE_FEXIT,
  missingFeature,
} from "../../core/bpf/mod.ts";
import { DtError, errorCode } from "../../core/errors.ts";
import { kernelPcb, noSuchProbe } from "../../core/sources/pcbs.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
import { globMatcher } from "../../core/contract/probe_name.ts";
import type { Probe, ProbeSpec } from "../../core/contract/probe.ts";
import type { Attachment, KernelAttachment } from "../../core/contract/attachment.ts";
import type { EnableRequest } from "../../core/contract/request.ts";
import type { Location } from "../../core/contract/context.ts";
import {
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/contract/provider.ts";
import {
  type FunctionType,
  functionType,
  traceableFunctions,
  VMLINUX,
} from "./kernel_functions.ts";

/**
 * Frames between the function and bpf_get_stack: the program, its action and the trampoline that
 * calls it.
 */
const SKIP_FRAMES = 3;

/** The two providers of this file; see mod.ts. */
export class FentryProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name: "fentry" | "fexit";

  /** @param name Which of the two providers this is. */
  constructor(name: "fentry" | "fexit") {
    this.name = name;
  }

  /** Functions of the kernel that BTF describes and ftrace can change; none where the kernel refuses. */
  *probes(pattern = "*"): Generator<ProbeSpec> {
    const functions = traceableFunctions();
    if (functions.length === 0 || missingFeature("fentry")?.code === "EOPNOTSUPP") return;
    const matches = globMatcher(pattern);
    for (const { name, module } of functions) {
      const full = `${this.name}:${module}:${name}`;
      if (matches(full)) yield this.#spec(full, { symbol: name, module });
    }
  }

  /** Describes the probe of a name, with or without that of its module; the probe's name has it. */
  provide(name: string): ProbeSpec | undefined {
    const place = this.#parse(name);
    if (place === undefined || functionType(place.symbol, place.module) === undefined) {
      return undefined;
    }
    return this.#spec(`${this.name}:${place.module}:${place.symbol}`, place);
  }

  /** Makes one PCB, which fires on all CPUs. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    const pcbs = kernelPcb(probe, request, session, "functions of the kernel");
    const missing = missingFeature("fentry");
    if (missing !== undefined && missing.code === "EOPNOTSUPP") throw missing;
    return pcbs;
  }

  /** One attachment for each PCB. */
  attachments(pcbs: readonly Pcb[]): Attachment[] {
    return pcbs.map((pcb) => {
      const place = pcb.probe.parsed as KernelPlace;
      const type = functionType(place.symbol, place.module);
      if (type === undefined) throw noSuchProbe(pcb.probe, "its module is gone");
      return fentryAttachment(pcb, place, type, this.name === "fexit");
    });
  }

  #parse(name: string): KernelPlace | undefined {
    const parts = name.split(":").slice(1);
    if (parts.length === 1) return { symbol: parts[0], module: VMLINUX };
    return parts.length === 2 ? { symbol: parts[1], module: parts[0] } : undefined;
  }

  /** Types are read when they are asked for. */
  #spec(name: string, parsed: KernelPlace): ProbeSpec {
    let type: FunctionType | undefined;
    const known = () => type ??= functionType(parsed.symbol, parsed.module);
    const isExit = this.name === "fexit";
    return {
      name,
      parsed,
      get args() {
        return known()?.args ?? [];
      },
      get retval() {
        return isExit ? known()?.retval : undefined;
      },
    };
  }
}

/** A function and where it is. */
export interface KernelPlace {
  /** Name of the function in the kernel's symbol table. */
  readonly symbol: string;
  /** Module that has the function, or "vmlinux". */
  readonly module: string;
}

/** The program of one function. */
export function fentryAttachment(
  pcb: Pcb,
  { symbol, module }: KernelPlace,
  type: FunctionType,
  isExit: boolean,
): KernelAttachment {
  const { retval, ...args } = type.locations;
  // What a function returns is behind its arguments, when there is something.
  const locations: Record<string, Location> = isExit && retval ? { ...args, retval } : args;
  return {
    plane: "kernel",
    name: `dt_${symbol}`,
    pcbs: [pcb],
    program: {
      type: "TRACING",
      expectedAttachType: isExit ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY,
      attachBtfId: type.id,
      attachModule: module === VMLINUX ? undefined : module,
    },
    layout: { id: JSON.stringify(locations), locations },
    skipFrames: SKIP_FRAMES,
    attach(program) {
      try {
        return attachRawTracepoint(program);
      } catch (error) {
        const code = errorCode(error);
        if (code !== "EBUSY" && code !== "EINVAL") throw error;
        throw new DtError(
          code,
          `Cannot attach ${pcb.probe.name}: the function cannot be traced (${code})`,
          { operation: "start", probe: pcb.probe.name, cause: error },
        );
      }
    },
  };
}

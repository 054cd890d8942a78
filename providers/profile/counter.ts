// Counted events: software ones that the kernel counts, hardware ones that the CPU does. A probe fires
// each time a number of them has happened on a CPU.

import { kernelPlaneNeeds } from "../../core/bpf/load_failure.ts";
import { DtError } from "../../core/errors.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
import { requireTarget } from "../../core/sources/pcbs.ts";
import { noSuchEvent, perfAttachment } from "../../core/sources/perf/mod.ts";
import { REGISTER_NAMES } from "../../core/sources/registers.ts";
import type { Probe, ProbeSpec } from "../../core/contract/probe.ts";
import type { Attachment } from "../../core/contract/attachment.ts";
import type { EnableRequest } from "../../core/contract/request.ts";
import {
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/contract/provider.ts";
import { PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE } from "../../core/sys/perf_event.ts";
import { type Counter, type CounterKind, EVENTS, parseCounter } from "./events.ts";
import { sampledProfile } from "./sampler.ts";

const TYPES = { software: PERF_TYPE_SOFTWARE, hardware: PERF_TYPE_HARDWARE };

const MISSING = {
  software: "this kernel does not count it",
  hardware: "this machine has no such hardware counter, as is usual in virtual machines",
};

/** The two providers of this file; see mod.ts. */
export class CounterProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name: CounterKind;

  /** @param name Which of the two providers this is. */
  constructor(name: CounterKind) {
    this.name = name;
  }

  /** Every event and alias; counts are endless and not listed. */
  *probes(): Generator<ProbeSpec> {
    for (const event of EVENTS[this.name].keys()) {
      yield { name: `${this.name}:${event}:`, args: [] };
    }
  }

  /** Any valid count of a known event. */
  provide(name: string): ProbeSpec | undefined {
    const parsed = parseCounter(this.name, name.slice(this.name.length + 1));
    return parsed && { name, args: [], locations: REGISTER_NAMES, parsed };
  }

  /** Says that nobody counts the event of a name. */
  explain(name: string): string | undefined {
    const [, event] = name.split(":");
    return EVENTS[this.name].has(event) ? undefined : `${event} is not a ${this.name} probe`;
  }

  /** Makes one PCB, which fires on all CPUs. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    requireTarget(probe, session, "count for", "all processes are counted for");
    const { event, every } = probe.parsed as Counter;
    if (session.plane === "user" && event.inKernel) {
      throw new DtError(
        "EOPNOTSUPP",
        `Cannot enable ${probe.name} on the user plane: it happens in the kernel, which is seen with ` +
          kernelPlaneNeeds(),
        { operation: "enable", probe: probe.name },
      );
    }
    return [{ probe, request, periodNs: event.clock ? every : undefined }];
  }

  /** A perf event each. */
  attachments(pcbs: readonly Pcb[], session: ProviderSession): Attachment[] {
    return pcbs.map((pcb) => {
      const { event, every } = pcb.probe.parsed as Counter;
      const attr = { type: TYPES[this.name], config: event.config, period: every };
      return session.plane === "kernel"
        ? perfAttachment(pcb, {
          name: `dt_${this.name}`,
          attr,
          refusals: noSuchEvent(MISSING[this.name]),
        })
        : sampledProfile(pcb, attr, session.target!);
    });
  }
}

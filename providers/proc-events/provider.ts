// proc: births, executions and deaths of processes and threads.

import type { Pcb } from "../../core/contract/pcb.ts";
import type { Probe, ProbeSpec } from "../../core/contract/probe.ts";
import type { Attachment } from "../../core/contract/attachment.ts";
import type { EnableRequest } from "../../core/contract/request.ts";
import {
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/contract/provider.ts";
import { argumentsOf, EVENT_NAMES, eventOf, PREFIX, probedEvent } from "./events.ts";
import { BUFFER_BYTES, connectorAttachment } from "./connector.ts";
import { kernelAttachment } from "./kernel.ts";
import { tracedAttachment } from "./traced.ts";

/** The provider of `proc:`; see mod.ts. */
export class ProcEventsProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name = "proc";
  readonly #bufferBytes: number;

  /** @param bufferBytes Room for the proc connector's events that have not been read. */
  constructor(bufferBytes = BUFFER_BYTES) {
    this.#bufferBytes = bufferBytes;
  }

  /** Lists the probes of the seven events. */
  *probes(): Generator<ProbeSpec> {
    for (const event of EVENT_NAMES) yield this.provide(PREFIX + event)!;
  }

  /** Describes the probe of a full name. */
  provide(name: string): ProbeSpec | undefined {
    const event = eventOf(name);
    return event && { name, args: argumentsOf(event), parsed: event };
  }

  /** Makes one PCB. */
  alloc(probe: Probe, request: EnableRequest): Pcb[] {
    return [{ probe, request }];
  }

  /** One each; that of a death by a signal before that of the end. */
  attachments(pcbs: readonly Pcb[], session: ProviderSession): Attachment[] {
    if (pcbs.length === 0) return [];
    if (session.plane === "user") {
      return [
        session.target
          ? tracedAttachment(pcbs, session)
          : connectorAttachment(pcbs, this.#bufferBytes),
      ];
    }
    const order = (pcb: Pcb) => EVENT_NAMES.indexOf(probedEvent(pcb.probe));
    return pcbs.toSorted((a, b) => order(a) - order(b)).map(kernelAttachment);
  }
}

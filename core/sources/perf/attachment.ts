// A perf event on each CPU that runs a program: clocks, counters, breakpoints.

import { attachPerfEvent } from "../../bpf/link.ts";
import { DtError, errorCode } from "../../errors.ts";
import type { Pcb } from "../../contract/pcb.ts";
import type { KernelAttachment } from "../../contract/attachment.ts";
import { onEachCpu } from "../../sys/each_cpu.ts";
import type { PerfEventAttr } from "../../sys/perf_event.ts";
import { REGISTER_LOCATIONS } from "../uprobes/mod.ts";

/** What the kernel answers to an event that it does not have. */
export function noSuchEvent(reason: string): Readonly<Record<string, string>> {
  return { ENOENT: reason, EOPNOTSUPP: reason };
}

/** Locations of these probes' contexts: struct bpf_perf_event_data begins with the registers. */
export const PERF_LOCATIONS: readonly string[] = Object.keys(REGISTER_LOCATIONS);

/**
 * The attachment of one probe. Needs Linux 4.9, CAP_BPF and CAP_PERFMON.
 *
 * @param attr What is counted.
 * @param refusals Why the kernel may say no, by the code of its answer.
 */
export function perfAttachment(
  pcb: Pcb,
  attr: PerfEventAttr,
  refusals: Readonly<Record<string, string>>,
): KernelAttachment {
  return {
    plane: "kernel",
    name: "dt_clock",
    pcbs: [pcb],
    program: { type: "PERF_EVENT" },
    layout: { id: "perf_event", locations: REGISTER_LOCATIONS },
    skipFrames: 0,
    periodNs: pcb.periodNs,
    attach(program, ticks) {
      return onEachCpu({
        // One that goes takes the only one with it: another CPU takes over.
        choose: (online) => pcb.cpu === undefined ? online : online.slice(0, 1),
        open(cpu) {
          try {
            return attachPerfEvent(program, attr, { pid: -1, cpu });
          } catch (error) {
            const code = errorCode(error) ?? "";
            const reason = Object.hasOwn(refusals, code) ? refusals[code] : undefined;
            if (reason === undefined) throw error;
            throw new DtError(
              code === "ENOENT" ? "EOPNOTSUPP" : code,
              `Cannot enable ${pcb.probe.name}: ${reason}`,
              {
                operation: "perf_event_open",
                probe: pcb.probe.name,
                cause: error,
              },
            );
          }
        },
        opened: (cpu) => ticks.start(cpu),
        closed: (cpu, gone) => ticks.stop(cpu, gone),
      });
    },
  };
}

// A perf event on each CPU that runs a program: clocks and counters alike.

import { attachPerfEvent } from "../../core/bpf/link.ts";
import { DtError, errorCode } from "../../core/errors.ts";
import type { Pcb } from "../../core/pcb.ts";
import type { KernelAttachment, Location } from "../../core/provider.ts";
import { arch } from "../../core/sys/arch/mod.ts";
import { onEachCpu } from "../../core/sys/each_cpu.ts";
import type { PerfEventAttr } from "../../core/sys/perf_event.ts";

/** Registers of what was interrupted: struct bpf_perf_event_data begins with them. */
const REGISTERS: Readonly<Record<string, Location>> = Object.fromEntries(
  Object.entries(arch.registers).map(([name, offset]) => [
    `reg:${name}`,
    { path: [offset], size: 8 },
  ]),
);

/** Locations of these probes' contexts. */
export const LOCATIONS: readonly string[] = Object.keys(REGISTERS);

/**
 * The attachment of one probe. Needs Linux 4.9, CAP_BPF and CAP_PERFMON.
 *
 * @param attr What is counted.
 * @param missing Why there may be no such event.
 */
export function perfAttachment(
  pcb: Pcb,
  attr: PerfEventAttr,
  missing: string,
): KernelAttachment {
  return {
    plane: "kernel",
    name: "dt_clock",
    pcbs: [pcb],
    program: { type: "PERF_EVENT" },
    layout: { id: "perf_event", locations: REGISTERS },
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
            const code = errorCode(error);
            if (code !== "ENOENT" && code !== "EOPNOTSUPP") throw error;
            throw new DtError("EOPNOTSUPP", `Cannot enable ${pcb.probe.name}: ${missing}`, {
              operation: "perf_event_open",
              probe: pcb.probe.name,
              cause: error,
            });
          }
        },
        opened: (cpu) => ticks.start(cpu),
        closed: (cpu, gone) => ticks.stop(cpu, gone),
      });
    },
  };
}

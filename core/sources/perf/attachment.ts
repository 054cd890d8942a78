// A perf event on each CPU that runs a program: clocks, counters, breakpoints.

import { type AttachableProgram, attachPerfEvent } from "../../bpf/link.ts";
import { DtError, errorCode } from "../../errors.ts";
import type { Pcb } from "../../contract/pcb.ts";
import type { Probe } from "../../contract/probe.ts";
import type { KernelAttachment } from "../../contract/attachment.ts";
import { onEachCpu } from "../../sys/each_cpu.ts";
import type { PerfEventAttr } from "../../sys/perf_event.ts";
import { REGISTER_LOCATIONS } from "../registers.ts";

/** Refusals for an event that the kernel or the machine lacks, for {@linkcode PerfProgram.refusals}. */
export function noSuchEvent(reason: string): Readonly<Record<string, string>> {
  return { ENOENT: reason, EOPNOTSUPP: reason };
}

/** A perf event that is to run a program. */
export interface PerfProgram {
  /** Name of the program, which bpftool shows: "dt_clock". */
  readonly name: string;
  /** What the event counts. */
  readonly attr: PerfEventAttr;
  /** Why the kernel may refuse the event, by the code of its answer. */
  readonly refusals: Readonly<Record<string, string>>;
}

/** The attachment of one probe. Needs Linux 4.9, CAP_BPF and CAP_PERFMON. */
export function perfAttachment(
  pcb: Pcb,
  { name, attr, refusals }: PerfProgram,
): KernelAttachment {
  const open = (program: AttachableProgram, cpu: number) => {
    try {
      return attachPerfEvent(program, attr, { pid: -1, cpu });
    } catch (error) {
      throw explained(error, pcb.probe, refusals);
    }
  };
  return {
    plane: "kernel",
    name,
    pcbs: [pcb],
    program: { type: "PERF_EVENT" },
    layout: { id: "perf_event", locations: REGISTER_LOCATIONS },
    skipFrames: 0,
    periodNs: pcb.periodNs,
    attach(program, ticks) {
      return onEachCpu({
        // An event on one CPU moves to another CPU when its CPU goes offline.
        choose: (online) => pcb.cpu === undefined ? online : online.slice(0, 1),
        open: (cpu) => open(program, cpu),
        opened: (cpu) => ticks.start(cpu),
        closed: (cpu, gone) => ticks.stop(cpu, gone),
      });
    },
  };
}

/** The error that names the probe, where the reason of the kernel's refusal is known; else the same error. */
function explained(
  error: unknown,
  { name }: Probe,
  refusals: Readonly<Record<string, string>>,
): unknown {
  const code = errorCode(error) ?? "";
  if (!Object.hasOwn(refusals, code)) return error;
  return new DtError(
    code === "ENOENT" ? "EOPNOTSUPP" : code,
    `Cannot enable ${name}: ${refusals[code]}`,
    { operation: "perf_event_open", probe: name, cause: error },
  );
}

// Clock-driven probes: interval ticks on one CPU, profile on every one.

import { attachPerfEvent } from "../../core/bpf/link.ts";
import { DtError } from "../../core/errors.ts";
import { type Pcb, requireTarget } from "../../core/pcb.ts";
import type { Probe } from "../../core/probe.ts";
import {
  type Attachment,
  type EnableRequest,
  type KernelAttachment,
  type Location,
  type ProbeSpec,
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
  type UserAttachment,
} from "../../core/provider.ts";
import { arch } from "../../core/sys/arch/mod.ts";
import { bootTimeNs } from "../../core/sys/clock.ts";
import { onlineCpus } from "../../core/sys/cpu.ts";
import { selfThread } from "../../core/sys/thread.ts";
import { PERF_COUNT_SW_CPU_CLOCK, PERF_TYPE_SOFTWARE } from "../../core/sys/perf_event.ts";
import { parseRate } from "./rate.ts";
import { sampledProfile } from "./sampler.ts";

/** dt(4)'s shortest period, for the recorder and for the user plane. */
const RECORDER_MIN_NS = 200_000n;

const UNITS = ["hz", "us", "ms", "s"];

/** Registers of what was interrupted: struct bpf_perf_event_data begins with them. */
const REGISTERS: Readonly<Record<string, Location>> = Object.fromEntries(
  Object.entries(arch.registers).map(([name, offset]) => [
    `reg:${name}`,
    { path: [offset], size: 8 },
  ]),
);

/** The two providers of this file; see mod.ts. */
export class ClockProvider implements Provider {
  /** Version of the contract. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of its probes. */
  readonly name: "interval" | "profile";

  /** @param name Which of the two. */
  constructor(name: "interval" | "profile") {
    this.name = name;
  }

  /** The four units; rates are endless and not listed. */
  *probes(): Generator<ProbeSpec> {
    for (const unit of UNITS) yield { name: `${this.name}:${unit}:`, args: [] };
  }

  /** Any valid rate. */
  provide(name: string): ProbeSpec | undefined {
    const rate = parseRate(name.slice(this.name.length + 1));
    return rate && {
      name: `${this.name}:${rate.normal}`,
      args: [],
      locations: Object.keys(REGISTERS),
    };
  }

  /** One PCB: of interval on one CPU, of profile on all. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    const { periodNs } = parseRate(probe.name.slice(this.name.length + 1))!;
    const user = session.plane === "user";
    if (this.name === "profile") {
      requireTarget(probe, session, "sample", "whatever runs is sampled");
    }
    if ((request.action === undefined || user) && periodNs < RECORDER_MIN_NS) {
      throw new DtError("EINVAL", `Cannot enable ${probe.name}: shorter than 200 microseconds`, {
        operation: "enable",
        probe: probe.name,
      });
    }
    if (this.name === "profile") return [{ probe, request, periodNs }];
    return [{ probe, request, cpu: user ? 0 : onlineCpus()[0], periodNs }];
  }

  /** Nothing is held. */
  dealloc(_pcbs: readonly Pcb[]): void {}

  /** A timer each. */
  attachments(pcbs: readonly Pcb[], session: ProviderSession): Attachment[] {
    if (session.plane === "kernel") return pcbs.map(kernelTimer);
    return pcbs.map((pcb) =>
      this.name === "profile" ? sampledProfile(pcb, session.target!) : userTimer(pcb)
    );
  }
}

/** The kernel's CPU clock event: an hrtimer that runs on an idle CPU as well. */
function kernelTimer(pcb: Pcb): KernelAttachment {
  const attr = {
    type: PERF_TYPE_SOFTWARE,
    config: PERF_COUNT_SW_CPU_CLOCK,
    period: pcb.periodNs,
  };
  return {
    plane: "kernel",
    name: "dt_clock",
    pcbs: [pcb],
    program: { type: "PERF_EVENT" },
    layout: { id: "perf_event", locations: REGISTERS },
    skipFrames: 0,
    attach(program) {
      using stack = new DisposableStack();
      for (const cpu of pcb.cpu === undefined ? onlineCpus() : [pcb.cpu]) {
        stack.use(attachPerfEvent(program, attr, { pid: -1, cpu }));
      }
      return stack.move();
    },
  };
}

/** A timer of this process. Ticks are due at multiples of the period; missed ones are counted. */
function userTimer(pcb: Pcb): UserAttachment {
  const periodNs = pcb.periodNs!;
  return {
    plane: "user",
    pcbs: [pcb],
    run({ enter, signal, skipped }) {
      const thread = selfThread();
      return new Promise((resolve) => {
        let due = bootTimeNs() + periodNs;
        let timer: ReturnType<typeof setTimeout>;
        const arm = () => {
          timer = setTimeout(tick, Math.max(0, Number(due - bootTimeNs()) / 1e6));
        };
        const tick = () => {
          const timestampNs = bootTimeNs();
          if (timestampNs >= due) {
            const late = (timestampNs - due) / periodNs;
            if (late > 0n) skipped(pcb.cpu!, Number(late));
            due += (late + 1n) * periodNs;
            enter(pcb, { cpu: pcb.cpu!, thread, timestampNs, values: {} });
          }
          arm();
        };
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve();
        });
        arm();
      });
    },
  };
}

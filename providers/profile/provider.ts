// Clock-driven probes: interval ticks on one CPU, profile on every one.

import { DURATION_NS } from "../../core/duration.ts";
import { DtError } from "../../core/errors.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
import { requireTarget } from "../../core/sources/pcbs.ts";
import { noSuchEvent, perfAttachment } from "../../core/sources/perf/mod.ts";
import { REGISTER_NAMES } from "../../core/sources/registers.ts";
import type { Probe, ProbeSpec } from "../../core/contract/probe.ts";
import type { Attachment, UserAttachment } from "../../core/contract/attachment.ts";
import type { EnableRequest } from "../../core/contract/request.ts";
import {
  type Provider,
  PROVIDER_CONTRACT,
  type ProviderSession,
} from "../../core/contract/provider.ts";
import { bootTimeNs } from "../../core/sys/clock.ts";
import { onlineCpus } from "../../core/sys/cpu.ts";
import { selfThread } from "../../core/sys/thread.ts";
import {
  PERF_COUNT_SW_CPU_CLOCK,
  PERF_TYPE_SOFTWARE,
  type PerfEventAttr,
} from "../../core/sys/perf_event.ts";
import { parseRate } from "./rate.ts";
import { sampledProfile } from "./sampler.ts";

/** dt(4)'s shortest period, for the recorder and for the user plane. */
const RECORDER_MIN_NS = 200_000n;

const UNITS = ["hz", "us", "ms", "s"];

/** The two providers of this file; see mod.ts. */
export class ClockProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name: "interval" | "profile";

  /** @param name Which of the two providers this is. */
  constructor(name: "interval" | "profile") {
    this.name = name;
  }

  /** The four units; rates are endless and not listed. */
  *probes(): Generator<ProbeSpec> {
    for (const unit of UNITS) yield { name: `${this.name}:${unit}:`, args: [] };
  }

  /** Describes the probe of any valid rate. */
  provide(name: string): ProbeSpec | undefined {
    const rate = parseRate(name.slice(this.name.length + 1));
    return rate && {
      name: `${this.name}:${rate.normal}`,
      args: [],
      locations: REGISTER_NAMES,
      warning: tooFast(rate.periodNs),
      parsed: rate.periodNs,
    };
  }

  /** One PCB: of interval on one CPU, of profile on all. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    const periodNs = probe.parsed as bigint;
    const user = session.plane === "user";
    if (this.name === "profile") {
      requireTarget(probe, session, "sample", "whatever runs is sampled");
    }
    if ((request.action === undefined || user) && periodNs < RECORDER_MIN_NS) {
      throw new DtError(
        "EINVAL",
        `Cannot enable ${probe.name}: shorter than 200 microseconds; scripts may tick faster with ` +
          "CAP_BPF and CAP_PERFMON",
        { operation: "enable", probe: probe.name },
      );
    }
    if (this.name === "profile") return [{ probe, request, periodNs }];
    return [{ probe, request, cpu: user ? 0 : onlineCpus()[0], periodNs }];
  }

  /** One timer for each PCB. */
  attachments(pcbs: readonly Pcb[], session: ProviderSession): Attachment[] {
    return pcbs.map((pcb) => {
      const attr = clockEvent(pcb.periodNs!);
      if (session.plane === "kernel") {
        return perfAttachment(pcb, {
          name: "dt_clock",
          attr,
          refusals: noSuchEvent("it has no CPU clock"),
        });
      }
      return this.name === "profile" ? sampledProfile(pcb, attr, session.target!) : userTimer(pcb);
    });
  }
}

/**
 * The kernel's CPU clock event: an hrtimer that runs on an idle CPU as well. perf_swevent_init_hrtimer()
 * of kernel/events/core.c.
 */
function clockEvent(periodNs: bigint): PerfEventAttr {
  return { type: PERF_TYPE_SOFTWARE, config: PERF_COUNT_SW_CPU_CLOCK, period: periodNs };
}

/** The shortest period of that event. */
const CLOCK_MIN_NS = 10_000n;
/** The kernel lowers its limit of samples to that at the very least, so slower clocks are safe. */
const ALWAYS_ALLOWED_NS = 1_000_000n;
const SKIPPED = "the other ticks will be counted as skipped";

/** Says so if this kernel cannot tick so fast. kernel.perf_event_max_sample_rate of sysctl/kernel.rst */
function tooFast(periodNs: bigint): string | undefined {
  if (periodNs < CLOCK_MIN_NS) {
    return `The kernel's clock ticks at most every 10 us on each CPU; ${SKIPPED}`;
  }
  if (periodNs >= ALWAYS_ALLOWED_NS) return undefined;
  let rate: bigint;
  try {
    rate = BigInt(Deno.readTextFileSync("/proc/sys/kernel/perf_event_max_sample_rate").trim());
  } catch {
    return undefined; // nobody knows
  }
  return periodNs * rate >= DURATION_NS.s
    ? undefined
    : `kernel.perf_event_max_sample_rate allows ${rate} ticks a second and CPU; ${SKIPPED}`;
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

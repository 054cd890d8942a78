// The provider of watchpoint: probes, by hardware breakpoints of the CPU.

import { DtError } from "../../core/errors.ts";
import { kernelPcb } from "../../core/sources/pcbs.ts";
import type { Pcb } from "../../core/contract/pcb.ts";
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
import { PERF_TYPE_BREAKPOINT } from "../../core/sys/perf_event.ts";

/** HW_BREAKPOINT_* by letter. include/uapi/linux/hw_breakpoint.h */
const KINDS: Readonly<Record<string, number>> = { r: 1, w: 2, x: 4 };
/** Modes of x86, which can watch neither reads alone nor data and code together. */
const MODES: Readonly<Record<string, number>> = { r: 3, rw: 3, w: 2, x: 4 };

/** Reasons of the kernel's refusals, by the code of its answer. */
const REFUSALS = {
  ...noSuchEvent("this machine has no hardware breakpoints"),
  ENOSPC: "the CPU has no watchpoint left",
};

interface Watched {
  readonly address: bigint;
  readonly length: number;
  /** `bp_type` of perf_event_attr. */
  readonly kinds: number;
}

/** The provider of `watchpoint:`; see mod.ts. */
export class WatchpointProvider implements Provider {
  /** Version of the contract that it follows. */
  readonly contract = PROVIDER_CONTRACT;
  /** First word of the names of its probes. */
  readonly name = "watchpoint";

  /** Lists nothing: there are too many addresses. */
  *probes(): Generator<ProbeSpec> {}

  /** Describes the probe of any address. */
  provide(name: string): ProbeSpec | undefined {
    const parsed = parse(name);
    return parsed && { name, args: [], locations: REGISTER_NAMES, parsed };
  }

  /** Makes one PCB, which fires on all CPUs. */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[] {
    return kernelPcb(probe, request, session, "watchpoints");
  }

  /** A breakpoint on each CPU. */
  attachments(pcbs: readonly Pcb[]): Attachment[] {
    return pcbs.map((pcb) => {
      const { address, length, kinds } = pcb.probe.parsed as Watched;
      return perfAttachment(pcb, {
        name: "dt_watchpoint",
        attr: {
          type: PERF_TYPE_BREAKPOINT,
          config: 0n,
          breakpoint: kinds,
          config1: address,
          // Code is watched by the instruction: sizeof(long) says so.
          config2: BigInt(kinds === KINDS.x ? 8 : length),
        },
        refusals: REFUSALS,
      });
    });
  }
}

/** @throws {DtError} EINVAL the address, length or mode is invalid. */
function parse(name: string): Watched | undefined {
  const [, address, length, mode, ...rest] = name.split(":");
  if (mode === undefined || rest.length > 0) return undefined;
  const bad = (reason: string) =>
    new DtError("EINVAL", `Cannot watch ${name}: ${reason}`, { operation: "enable" });
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(address)) throw bad(`'${address}' is no address`);
  if (BigInt(address) >= 1n << 64n) throw bad(`'${address}' is no address of 64 bits`);
  const bytes = Number(length);
  if (![1, 2, 4, 8].includes(bytes)) throw bad("the length must be 1, 2, 4 or 8");
  const letters = [...mode];
  if (mode === "" || letters.some((one) => !Object.hasOwn(KINDS, one))) {
    throw bad("the mode is made of r (read), w (write), x (execute)");
  }
  if (letters.join() !== [...new Set(letters)].sort().join()) {
    throw bad("the letters of the mode must be sorted and different");
  }
  if (Deno.build.arch === "x86_64" && !Object.hasOwn(MODES, mode)) {
    throw bad("this architecture watches r, rw, w or x");
  }
  const kinds = MODES[mode] ?? letters.reduce((sum, one) => sum | KINDS[one], 0);
  if (kinds !== KINDS.x && BigInt(address) % BigInt(bytes) !== 0n) {
    throw bad(`the address must be a multiple of ${bytes}`);
  }
  return { address: BigInt(address), length: bytes, kinds };
}

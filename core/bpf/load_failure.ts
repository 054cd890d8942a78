// Explains why a program could not be loaded where the verifier says nothing: capabilities and
// policy of the system. verifier_log.ts explains the verifier's refusals.

import { MAX_SLOTS } from "../asm/instruction.ts";
import { DtError } from "../errors.ts";
import { errnoMessage, errnoName } from "../sys/errno.ts";
import { missingHelper } from "./verifier_log.ts";

/** Attach type of a program on a BTF-typed raw tracepoint. */
export const BPF_TRACE_RAW_TP = 23;

/** The first version of Linux that has all that the kernel plane needs in every script. */
export const MINIMUM_KERNEL = "5.15";

/**
 * True if a version, such as `6.1.0-56-amd64`, is older than another. Versions only explain a
 * refusal, since distributions add newer features to older kernels.
 */
export function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  const [otherMajor, otherMinor = 0] = than.split(".").map(Number);
  return major < otherMajor || major === otherMajor && minor < otherMinor;
}

/** What the kernel plane needs, for the end of a message to somebody who has not got it. */
export function kernelPlaneNeeds(): string {
  const running = Deno.osRelease();
  if (!isOlder(running, MINIMUM_KERNEL)) return "CAP_BPF and CAP_PERFMON";
  return `Linux ${MINIMUM_KERNEL}, and this is Linux ${running}`;
}

/** Error for a feature that the running kernel lacks or refuses. Its `code` is EOPNOTSUPP. */
export class UnsupportedError extends DtError {
  /** Name of the missing feature, e.g. "fentry". */
  readonly feature: string;
  /** First kernel version with the feature, e.g. "5.5". */
  readonly minimumKernel: string;

  /**
   * Makes an error from the feature and the reason.
   *
   * @param feature Name of the missing feature.
   * @param minimumKernel First kernel version with the feature.
   * @param reason Why the feature is missing; becomes the end of the message.
   */
  constructor(feature: string, minimumKernel: string, reason: string) {
    super("EOPNOTSUPP", `Cannot use ${feature} on this kernel: ${reason}`, { operation: feature });
    this.feature = feature;
    this.minimumKernel = minimumKernel;
  }
}

/** Numbers of the capabilities' bits; include/uapi/linux/capability.h. */
const CAPABILITIES: Readonly<Record<Capability, number>> = {
  CAP_SYS_ADMIN: 21,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
};

/** Name of a capability that tracing needs. */
export type Capability = "CAP_SYS_ADMIN" | "CAP_PERFMON" | "CAP_BPF";

/** True if this thread has the capability in effect. CAP_SYS_ADMIN includes the other two. */
export function hasCapability(name: Capability): boolean {
  const line = /^CapEff:\t([0-9a-f]+)$/m.exec(Deno.readTextFileSync("/proc/thread-self/status"));
  const bits = BigInt(`0x${line?.[1] ?? "0"}`);
  const has = (bit: number) => (bits >> BigInt(bit) & 1n) === 1n;
  return has(CAPABILITIES[name]) || has(CAPABILITIES.CAP_SYS_ADMIN);
}

/** Lists the capabilities that loading and attaching need and this thread lacks. */
export function missingCapabilities(): Capability[] {
  return (["CAP_BPF", "CAP_PERFMON"] as const).filter((name) => !hasCapability(name));
}

/**
 * Explains a load that failed without a word from the verifier.
 *
 * @param spec The program that could not be loaded.
 * @param errno Errno of the load.
 * @returns The error to throw; undefined if the cause is unknown.
 */
export function explainLoadFailure(
  spec: { name: string; type: string; expectedAttachType?: number; instructions: number },
  errno: number,
): DtError | undefined {
  const name = errnoName(errno);
  if (name === "E2BIG") {
    return new DtError(
      "E2BIG",
      `Cannot load program ${spec.name}: its ${spec.instructions} instructions are too many for ` +
        `the kernel, which takes ${MAX_SLOTS}`,
      { operation: "bpf(BPF_PROG_LOAD)" },
    );
  }
  if (name !== "EPERM") return undefined;
  const missing = missingCapabilities();
  if (missing.length > 0) {
    return new DtError(
      "EPERM",
      `Cannot load program ${spec.name}: ${errnoMessage(errno)}: it needs ${missing.join(" and ")}`,
      { operation: "bpf(BPF_PROG_LOAD)" },
    );
  }
  if (spec.type === "TRACING" && spec.expectedAttachType !== BPF_TRACE_RAW_TP) {
    return new UnsupportedError(
      "fentry",
      "5.5",
      `BPF_PROG_LOAD of a function-entry program is refused (EPERM) before verification although ` +
        `the capabilities are there; ${lockdown()}`,
    );
  }
  return undefined;
}

/**
 * Explains a log of the verifier in which a helper function is refused that this kernel is too old
 * for.
 *
 * @returns The error to throw; undefined if the log is about something else.
 */
export function explainMissingHelper(log: string): UnsupportedError | undefined {
  const helper = missingHelper(log);
  const running = Deno.osRelease();
  if (helper === undefined || !isOlder(running, helper.since)) return undefined;
  const reason = `it needs Linux ${helper.since}, and this is Linux ${running}`;
  return new UnsupportedError(helper.name, helper.since, reason);
}

/** Says in half a sentence what the kernel's lockdown state is. */
function lockdown(): string {
  try {
    const state = Deno.readTextFileSync("/sys/kernel/security/lockdown");
    return `kernel lockdown is "${/\[(\w+)\]/.exec(state)?.[1] ?? state.trim()}"`;
  } catch {
    return "the kernel's lockdown state cannot be read";
  }
}

// Helpers of providers that make PCBs: one PCB for all CPUs, and errors for probes that the session's plane
// does not have.

import { kernelPlaneNeeds } from "../bpf/load_failure.ts";
import type { Pcb } from "../contract/pcb.ts";
import type { Probe } from "../contract/probe.ts";
import type { ProviderSession } from "../contract/provider.ts";
import type { EnableRequest } from "../contract/request.ts";
import { DtError } from "../errors.ts";

function notOnUserPlane(probe: Probe, reason: string): DtError {
  return new DtError("EOPNOTSUPP", `Cannot enable ${probe.name} on the user plane${reason}`, {
    operation: "enable",
    probe: probe.name,
  });
}

/**
 * Makes the PCB of a probe that exists on the user plane alone, such as events of this process.
 *
 * @param what What the probe sees, for the message: "lines of files".
 * @throws {DtError} EOPNOTSUPP on the kernel plane.
 */
export function userPcb(
  probe: Probe,
  request: EnableRequest,
  session: ProviderSession,
  what: string,
): Pcb[] {
  if (session.plane === "user") return [{ probe, request }];
  throw new DtError(
    "EOPNOTSUPP",
    `Cannot enable ${probe.name} on the kernel plane: ${what} are seen on the user plane ` +
      "(--plane user)",
    { operation: "enable", probe: probe.name },
  );
}

/** Makes the error for a probe that no longer exists. */
export function noSuchProbe(probe: Probe, reason: string): DtError {
  return new DtError("ENOENT", `Cannot enable ${probe.name}: ${reason}`, {
    operation: "enable",
    probe: probe.name,
  });
}

/**
 * Refuses a probe that looks at a process on the user plane, where the session names none.
 *
 * @param doing What is done to the process: "trace".
 * @param otherwise What the kernel plane does: "all processes are seen".
 * @throws {DtError} EOPNOTSUPP
 */
export function requireTarget(
  probe: Probe,
  session: ProviderSession,
  doing: string,
  otherwise: string,
): void {
  if (session.plane === "kernel" || session.target !== undefined) return;
  throw notOnUserPlane(
    probe,
    ` without a process to ${doing}: name one (-c or -p); ${otherwise} with ${kernelPlaneNeeds()}`,
  );
}

/**
 * Makes the PCB of a probe that exists on the kernel plane alone; the PCB fires on all CPUs.
 *
 * @param what What the probe sees, for the message: "system calls".
 * @throws {DtError} EOPNOTSUPP on the user plane.
 */
export function kernelPcb(
  probe: Probe,
  request: EnableRequest,
  session: ProviderSession,
  what: string,
): Pcb[] {
  if (session.plane === "kernel") return [{ probe, request }];
  throw notOnUserPlane(
    probe,
    `: ${what} are seen on the kernel plane, which needs ${kernelPlaneNeeds()}`,
  );
}

// Which plane a script runs on.

import { missingCapabilities } from "../../core/bpf/load_failure.ts";
import { BpfMap } from "../../core/bpf/map.ts";
import { errorCode } from "../../core/errors.ts";
import type { PlaneName } from "../../core/contract/provider.ts";
import { UsageError } from "./command_line.ts";

/** What the command line says of planes. */
export interface PlaneWish {
  /** The plane that was asked for; `auto` takes the one that is permitted. */
  readonly plane: PlaneName | "auto";
  /** True if system calls are to stop by a seccomp filter, which only the user plane does. */
  readonly seccomp: boolean;
}

/** A plane and why it was taken. */
export interface PlaneChoice {
  readonly plane: PlaneName;
  readonly reason: string;
}

/** How the capabilities are given to a user. */
const HINT = "run it as root, or give it the capabilities with 'setpriv --inh-caps +bpf,+perfmon " +
  "--ambient-caps +bpf,+perfmon', or take --plane user";

/**
 * Takes the plane that was asked for; by itself the kernel plane where it is permitted.
 *
 * @throws {UsageError} The kernel plane was asked for and is not permitted.
 */
export function choosePlane({ plane, seccomp }: PlaneWish): PlaneChoice {
  if (plane === "user") return { plane, reason: "--plane user" };
  if (seccomp) return { plane: "user", reason: "--seccomp-bpf" };
  const refusal = kernelPlaneRefusal();
  if (refusal === undefined) {
    return { plane: "kernel", reason: "CAP_BPF and CAP_PERFMON are there" };
  }
  if (plane === "kernel") throw new UsageError(`the kernel plane ${refusal}: ${HINT}`);
  return { plane: "user", reason: `the kernel plane ${refusal}` };
}

/** Why the kernel plane is not permitted; undefined if it is. */
function kernelPlaneRefusal(): string | undefined {
  const missing = missingCapabilities();
  if (missing.length > 0) {
    return `needs ${missing.join(" and ")}, which this process lacks`;
  }
  // In a user namespace, and behind a container's seccomp filter, the capabilities do not help.
  try {
    new BpfMap({ type: "ARRAY", name: "dt_permitted", keySize: 4, valueSize: 8, maxEntries: 1 })
      [Symbol.dispose]();
    return undefined;
  } catch (error) {
    const code = errorCode(error);
    if (code !== "EPERM" && code !== "ENOSYS") throw error;
    return `is refused: bpf(2) says ${code} although the capabilities are there, as in a user ` +
      "namespace or a container that does not allow it";
  }
}

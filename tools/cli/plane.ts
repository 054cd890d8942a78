// Which plane a script runs on.

import { kernelPlaneRefusal } from "../../core/bpf/permission.ts";
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
    return { plane: "kernel", reason: "bpf(2) is permitted" };
  }
  if (plane === "kernel") throw new UsageError(`the kernel plane ${refusal}: ${HINT}`);
  return { plane: "user", reason: `the kernel plane ${refusal}` };
}

// The choice between the kernel plane and the user plane for a script.

import { isOlder, MINIMUM_KERNEL } from "../../core/bpf/load_failure.ts";
import { kernelPlaneRefusal } from "../../core/bpf/permission.ts";
import type { PlaneName } from "../../core/contract/provider.ts";
import { UsageError } from "./command_line.ts";

/** The options of the command line that choose a plane. */
export interface PlaneWish {
  /** The plane that was asked for; `auto` takes the one that is permitted. */
  readonly plane: PlaneName | "auto";
  /** True if system calls are to stop by a seccomp filter, which only the user plane does. */
  readonly seccomp: boolean;
}

/** The plane that a script runs on, and why. */
export interface PlaneChoice {
  /** The plane that the script runs on. */
  readonly plane: PlaneName;
  /** Why the plane was taken, in words for the user. */
  readonly reason: string;
}

/** Advice to a user who may not use the kernel plane. */
function hint(): string {
  // No permission makes an old kernel newer.
  if (isOlder(Deno.osRelease(), MINIMUM_KERNEL)) return "; --plane user works";
  return ": run it as root, or give it the capabilities with 'setpriv --inh-caps +bpf,+perfmon " +
    "--ambient-caps +bpf,+perfmon', or take --plane user";
}

/**
 * Takes the plane that was asked for; `auto` means the kernel plane where the kernel permits bpf(2).
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
  if (plane === "kernel") throw new UsageError(`the kernel plane ${refusal}${hint()}`);
  return { plane: "user", reason: `the kernel plane ${refusal}` };
}

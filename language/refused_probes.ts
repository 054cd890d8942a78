// Finds the probes of a script that the kernel refuses, so that a script may do without them
// (missing_probes): before anything of the script has run, and without its actions.

import { imm, mov32 } from "../core/asm/alu.ts";
import { exit } from "../core/asm/jump.ts";
import { R0 } from "../core/asm/register.ts";
import { OUTCOME } from "../core/contract/outcome.ts";
import type { KernelAction } from "../core/contract/kernel_action.ts";
import type { Device } from "../core/device/device.ts";
import { errorCode } from "../core/errors.ts";
import type { CompiledProbe, Script } from "./compile.ts";
import { SPECIAL } from "./model/loaded_script.ts";

/** An action that does nothing. */
const NOTHING: KernelAction = {
  scratchBytes: 0,
  readsContext: true,
  emit({ asm }) {
    asm.emit(mov32(R0, imm(OUTCOME.filtered)), exit());
  },
};

/**
 * Attaches the probes of a script on trial: all together and then, if that fails, in halves, each
 * together with those that were accepted before.
 *
 * @param script A script for the kernel plane.
 * @returns The probes that cannot be attached.
 * @throws Errors that are about no probe, such as a lack of permission for all of them.
 */
export function refusedProbes(script: Script, device: Device): readonly CompiledProbe[] {
  const probes = script.probes.filter(({ name }) => !SPECIAL.test(name));
  const accepted: CompiledProbe[] = [];
  const refused: CompiledProbe[] = [];
  // Probes may be refused because of others, such as a fifth watchpoint.
  const search = (some: readonly CompiledProbe[]) => {
    if (some.length === 0) return;
    if (isAttachable([...accepted, ...some], device)) {
      accepted.push(...some);
      return;
    }
    if (some.length === 1) {
      refused.push(...some);
      return;
    }
    const half = some.length >> 1;
    search(some.slice(0, half));
    search(some.slice(half));
  };
  search(probes);
  return refused;
}

function isAttachable(probes: readonly CompiledProbe[], device: Device): boolean {
  using session = device.open({ plane: "kernel" });
  try {
    for (const { pbn } of probes) session.enable(pbn, { action: { kernel: NOTHING } });
    session.start();
    return true;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}

// Whether this process may use the kernel plane: the one answer that all tools and the library share.

import { imm, mov64 } from "../asm/alu.ts";
import { atomicExchange, store } from "../asm/load_store.ts";
import { Assembler } from "../asm/assembler.ts";
import { exit } from "../asm/jump.ts";
import { R0, R10 } from "../asm/register.ts";
import { errorCode } from "../errors.ts";
import { NO_SYSFS, possibleCpuCount } from "../sys/cpu.ts";
import { isOlder, kernelPlaneNeeds, MINIMUM_KERNEL, missingCapabilities } from "./load_failure.ts";
import { BpfMap } from "./map.ts";
import { BpfProgram } from "./program.ts";

/** Codes that mean "not permitted here"; other failures, such as ENOMEM, are no answer. */
const REFUSALS = ["EPERM", "EACCES", "ENOSYS"];

/** The answer, once bpf(2) was asked: a refusal or `null`. */
let answer: string | null | undefined;

/**
 * Asks bpf(2) for a map and for a small tracing program, once per thread. Capability bits
 * alone do not tell: in a user namespace, and behind a container's seccomp filter, they are set and
 * bpf(2) refuses all the same.
 *
 * @returns Why the kernel plane is not permitted, as the end of a sentence that begins with "the kernel
 * plane"; undefined if it is permitted.
 * @throws {DtError} bpf(2) failed for a reason that is no permission, such as ENOMEM.
 */
export function kernelPlaneRefusal(): string | undefined {
  if (answer === undefined) answer = askKernel() ?? null;
  return answer ?? undefined;
}

function askKernel(): string | undefined {
  if (!hasSysfs()) return `cannot be used: ${NO_SYSFS}`;
  let failure = failureOfBpf();
  // errno is read behind the call. Once in a process, the first time that it waits for one of its locks,
  // V8 looks for the CPU's frequency in a file that is often not there, and the errno of a call just made
  // becomes ENOENT. A second answer cannot be spoilt.
  if (failure !== undefined && !isRefusal(failure)) failure = failureOfBpf();
  if (failure === undefined) return undefined;
  if (!isRefusal(failure)) {
    if (!isOlder(Deno.osRelease(), MINIMUM_KERNEL)) throw failure;
    return `needs ${kernelPlaneNeeds()}`;
  }
  const missing = missingCapabilities();
  return missing.length > 0
    ? `needs ${missing.join(" and ")}, which this process lacks`
    : `is refused: bpf(2) says ${
      errorCode(failure)
    } although the capabilities are there, as in a ` +
      "user namespace or a container that does not allow it";
}

/** True if the kernel's list of CPUs can be read, by which per-CPU maps are laid out. */
function hasSysfs(): boolean {
  try {
    return possibleCpuCount() > 0;
  } catch (error) {
    if (errorCode(error) === "EOPNOTSUPP") return false;
    throw error;
  }
}

/** The error of creating a map and loading a program; undefined if both succeed. */
function failureOfBpf(): unknown {
  try {
    using _map = new BpfMap({
      type: "ARRAY",
      name: "dt_permitted",
      keySize: 4,
      valueSize: 8,
      maxEntries: 1,
    });
    // Every program of a session guards itself by an exchange.
    const code = new Assembler().emit(
      mov64(R0, imm(0)),
      store(8, R10, -8, R0),
      atomicExchange(8, R10, -8, R0),
      mov64(R0, imm(0)),
      exit(),
    ).assemble();
    using _program = new BpfProgram({ type: "RAW_TRACEPOINT", name: "dt_permitted", code });
    return undefined;
  } catch (error) {
    return error;
  }
}

function isRefusal(failure: unknown): boolean {
  const code = errorCode(failure);
  return code !== undefined && REFUSALS.includes(code);
}

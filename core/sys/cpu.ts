// Reads the lists of CPUs that sysfs keeps; each_cpu.ts follows their changes.

import { DtError } from "../errors.ts";

/**
 * Reads a list of CPUs in the kernel's notation: "0-2,5" gives [0, 1, 2, 5].
 *
 * @param text Content of a file such as /sys/devices/system/cpu/online.
 */
export function parseCpuList(text: string): number[] {
  const cpus: number[] = [];
  for (const part of text.trim().split(",")) {
    if (part === "") continue;
    const [first, last = first] = part.split("-").map(Number);
    for (let cpu = first; cpu <= last; cpu++) cpus.push(cpu);
  }
  return cpus;
}

/** A list of CPUs in sysfs; undefined where that is not mounted, as in some containers. */
function read(name: string): number[] | undefined {
  try {
    return parseCpuList(Deno.readTextFileSync(`/sys/devices/system/cpu/${name}`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Numbers of the CPUs that run now. */
export function onlineCpus(): number[] {
  const lines = () => Deno.readTextFileSync("/proc/stat").matchAll(/^cpu(\d+) /gm);
  return read("online") ?? [...lines()].map(([, number]) => Number(number));
}

/**
 * Counts the slots that the kernel has for CPUs: the highest possible CPU number plus one. A value
 * of a per-CPU map has that many slots. See Documentation/admin-guide/cputopology.rst.
 *
 * @throws {DtError} EOPNOTSUPP sysfs, which alone tells, is not mounted.
 */
export function possibleCpuCount(): number {
  const possible = read("possible");
  if (possible !== undefined) return Math.max(...possible) + 1;
  throw new DtError("EOPNOTSUPP", `Cannot count the kernel's CPUs: ${NO_SYSFS}`, {
    operation: "cpu",
  });
}

/** Why sysfs cannot be read. */
export const NO_SYSFS = "/sys is not mounted (mount -t sysfs sysfs /sys)";

/** Counts the slots for CPUs as the user plane needs them: those that are possible, or run now. */
export function knownCpuCount(): number {
  return Math.max(...read("possible") ?? onlineCpus()) + 1;
}

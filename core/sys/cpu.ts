// Reads the lists of CPUs that sysfs keeps; each_cpu.ts follows their changes.

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

function read(name: string): number[] {
  return parseCpuList(Deno.readTextFileSync(`/sys/devices/system/cpu/${name}`));
}

/** Numbers of the CPUs that run now. */
export function onlineCpus(): number[] {
  return read("online");
}

/**
 * Counts the slots that the kernel has for CPUs: the highest possible CPU number plus one. A value
 * of a per-CPU map has that many slots. See Documentation/admin-guide/cputopology.rst.
 */
export function possibleCpuCount(): number {
  return Math.max(...read("possible")) + 1;
}

// CPU lists of sysfs.

/** Expands "0-2,5" to [0, 1, 2, 5]. */
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

/** CPUs that run now. */
export function onlineCpus(): number[] {
  return read("online");
}

/**
 * How many CPUs the kernel has slots for: the highest possible number plus one. It sizes per-CPU
 * map values. See Documentation/admin-guide/cputopology.rst.
 */
export function possibleCpuCount(): number {
  return Math.max(...read("possible")) + 1;
}

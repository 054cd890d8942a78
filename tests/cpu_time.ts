// CPU time of processes: what a test limits instead of the time that passes, which others of the machine
// share.

/** The kernel counts these times in hundredths of a second, whatever its own clock. */
const MS_PER_TICK = 10;

/** Milliseconds of CPU time that a process, all threads together, has used. */
export function cpuMs(pid: number = Deno.pid): number {
  const [user, system] = times(pid);
  return (user + system) * MS_PER_TICK;
}

/** Milliseconds of CPU time that this process's children had used when they ended. */
export function childrenCpuMs(): number {
  const [, , user, system] = times(Deno.pid);
  return (user + system) * MS_PER_TICK;
}

/** utime, stime, cutime and cstime of proc_pid_stat(5), in ticks. */
function times(pid: number): number[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name before may hold anything.
  return text.slice(text.lastIndexOf(")") + 2).split(" ").slice(11, 15).map(Number);
}

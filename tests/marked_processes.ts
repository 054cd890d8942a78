// Finds and kills the processes that a test has started: they carry a mark in their environment,
// which their children inherit. time_limit.ts sets the marks.

/**
 * Name of the variable with the marks of the tests that a process belongs to, separated by spaces.
 */
export const TEST_MARK = "DT_TEST";

/** Lists the ids of all processes, this one included. */
export function processes(): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter(Number.isInteger);
}

/**
 * Reads a variable of the environment that a process was started with; undefined if it is not set
 * or cannot be read.
 */
export function variableOf(pid: number, name: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0")
      .find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  } catch {
    // The process ended meanwhile.
  }
}

/** Lists the processes that the test with this mark has started and that still run. */
export function markedProcesses(mark: string): number[] {
  return processes().filter((pid) =>
    pid !== Deno.pid && variableOf(pid, TEST_MARK)?.split(" ").includes(mark)
  );
}

/** Kills all processes that the test with this mark has started, until none is left. */
export function killMarked(mark: string): void {
  // A process may start another one while the list is read.
  for (let round = 0; round < 100; round++) {
    const left = markedProcesses(mark);
    if (left.length === 0) return;
    for (const pid of left) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // The process ended meanwhile.
      }
    }
  }
}

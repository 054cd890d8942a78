// What all benchmarks share: commands that are timed, tracers around a program, medians and spreads.

import { fetchOracle } from "../tests/oracle/oracle.ts";

/** The checkout, with a slash behind. */
export const ROOT = new URL("..", import.meta.url).pathname;

/** Command line of btrace. */
export function btrace(...args: string[]): string[] {
  return [Deno.execPath(), "run", "-A", `${ROOT}tools/btrace.ts`, ...args];
}

let fetched: ReturnType<typeof fetchOracle> | undefined;

/** The bpftrace that is measured; fetched when it is first wanted. */
function peer(): ReturnType<typeof fetchOracle> {
  return fetched ??= fetchOracle();
}

/** Version of bpftrace that is measured. */
export function peerVersion(): string {
  return peer().version;
}

/** Command line of bpftrace. */
export function bpftrace(...args: string[]): string[] {
  return [...peer().command, ...args];
}

/** The middle of some values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** The middle of some values, with half the distance of the quartiles behind it. */
export function withSpread(values: readonly number[], digits = 0): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)];
  return `${at(0.5).toFixed(digits)} ±${((at(0.75) - at(0.25)) / 2).toFixed(digits)}`;
}

/** One run of a command: its duration, and its greatest resident memory. */
export interface Sample {
  /** Duration in ms. */
  readonly wallMs: number;
  /** Greatest resident memory in MB. */
  readonly rssMb: number;
}

/**
 * Runs a command to its end. time(1) reports the memory, from the rusage of wait4(2).
 *
 * @throws {Error} The command ended with another status than 0.
 */
export async function measure(
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<Sample> {
  const file = await Deno.makeTempFile();
  const start = performance.now();
  const { code } = await new Deno.Command("/usr/bin/time", {
    args: ["-f", "%M", "-o", file, ...command],
    env,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  const wallMs = performance.now() - start;
  const rssMb = Number((await Deno.readTextFile(file)).trim().split("\n").at(-1)) / 1024;
  await Deno.remove(file);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with status ${code}`);
  return { wallMs, rssMb };
}

/** Runs a program to its end and returns what it prints as a number. */
export async function numberOf(command: string, ...args: string[]): Promise<number> {
  const { stdout } = await new Deno.Command(command, { args }).output();
  return Number(new TextDecoder().decode(stdout));
}

/** How a tracer ended: what it used, and what it wrote. */
export interface Traced<T> {
  /** What the work returned that was done under the tracer. */
  readonly result: T;
  /** CPU time of the tracer during the work, in seconds. */
  readonly cpuSeconds: number;
  /** What the tracer wrote to standard output. */
  readonly stdout: string;
  /** What the tracer wrote to standard error. */
  readonly stderr: string;
}

/** Does work while a tracer is attached, and ends the tracer by SIGINT. */
export async function under<T>(
  command: readonly string[],
  work: () => Promise<T>,
): Promise<Traced<T>> {
  const folder = await Deno.makeTempDir();
  const [out, err] = [`${folder}/out`, `${folder}/err`];
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", `exec "$@" >${out} 2>${err}`, "sh", ...command],
    stdin: "null",
  }).spawn();
  try {
    while (!/Attach(ed|ing) \d+ probe/.test(readAll(out).slice(0, 1000) + readAll(err))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    const before = cpuSeconds(child.pid);
    const result = await work();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const used = cpuSeconds(child.pid) - before;
    child.kill("SIGINT");
    await child.status;
    return { result, cpuSeconds: used, stdout: readAll(out), stderr: readAll(err) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** CPU time of a process so far: fields 14 and 15 of proc_pid_stat(5), in hundredths. */
function cpuSeconds(pid: number): number {
  const fields = readAll(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function readAll(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** Compiles a program of C; returns its path in a folder that the caller removes. */
export async function compileC(folder: string, source: string): Promise<string> {
  const program = `${folder}/${source.split("/").at(-1)!.replace(/\.c$/, "")}`;
  const { code, stderr } = await new Deno.Command("gcc", {
    args: ["-O2", "-fno-omit-frame-pointer", "-o", program, source],
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return program;
}

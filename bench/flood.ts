// A line for every event at full speed: how many arrive, what one costs the traced program, how many lines a
// second of the tracer's CPU time makes.
//
//   deno run -A bench/flood.ts [rounds] [events]
//
// Needs root and gcc. btrace and bpftrace alternate; figures are medians.

import {
  bpftrace,
  btrace,
  compileC,
  median,
  numberOf,
  peerVersion,
  ROOT,
  under,
  withSpread,
} from "./measure.ts";

const ROUNDS = Number(Deno.args[0] ?? 5);
const EVENTS = Number(Deno.args[1] ?? 2_000_000);
const SCRIPT = 'tracepoint:syscalls:sys_enter_getppid /comm == "caller"/ ' +
  '{ printf("%d %s %d\\n", pid, comm, nsecs); }';

const folder = await Deno.makeTempDir();
const caller = await compileC(folder, `${ROOT}bench/caller.c`);
const call = () => numberOf("taskset", "-c", "1", caller, "getppid", `${EVENTS}`);
const tracers: readonly [name: string, command: string[]][] = [
  ["btrace", btrace("-e", SCRIPT)],
  [`bpftrace ${peerVersion()}`, bpftrace("-e", SCRIPT)],
];
const found = tracers.map(() => ({
  ns: [] as number[],
  part: [] as number[],
  rate: [] as number[],
}));
const plain: number[] = [];
for (let i = 0; i < ROUNDS; i++) {
  plain.push(await call());
  for (const [t, [, command]] of tracers.entries()) {
    const { result, cpuSeconds, stdout } = await under(command, call);
    const lines = stdout.match(/^\d+ caller -?\d+$/gm)?.length ?? 0;
    found[t].ns.push(result);
    found[t].part.push(lines / EVENTS);
    found[t].rate.push(lines / cpuSeconds / 1e6);
  }
}
console.log(`${EVENTS} events; untraced ${withSpread(plain)} ns a call`);
for (const [t, [name]] of tracers.entries()) {
  const { ns, part, rate } = found[t];
  console.log(
    `${name.padEnd(18)} delivered ${(median(part) * 100).toFixed(1)} % (least ${
      (Math.min(...part) * 100).toFixed(1)
    } %), ${withSpread(ns)} ns a call, ${
      median(rate).toFixed(2)
    } million lines a second of its CPU time`,
  );
}
await Deno.remove(folder, { recursive: true });

// How costs grow: with clauses, probes, keys and statements.
//
//   deno run -A bench/curves.ts [rounds] [pattern]
//
// Needs root and gcc.

import { btrace, compileC, measure, median, numberOf, ROOT, under } from "./measure.ts";

const ROUNDS = Number(Deno.args[0] ?? 3);
const PATTERN = new RegExp(Deno.args[1] ?? "");
const CALLS = 500_000;
const ONE = "tracepoint:syscalls:sys_enter_getppid";

const folder = await Deno.makeTempDir();
const caller = await compileC(folder, `${ROOT}bench/caller.c`);

async function repeated(work: () => Promise<number>): Promise<number> {
  const found: number[] = [];
  for (let i = 0; i < ROUNDS; i++) found.push(await work());
  return median(found);
}

const call = () => numberOf("taskset", "-c", "1", caller, "getppid", `${CALLS}`);
const traced = (...args: string[]) =>
  repeated(async () => (await under(btrace(...args), call)).result);
const started = (script: string, env: Record<string, string> = {}) =>
  repeated(async () => (await measure(btrace("-e", script), env)).wallMs);

/** Script with so many of something, each made from its number. */
const times = (count: number, make: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => make(i)).join(" ");

async function manyFunctions(count: number): Promise<string> {
  const source = `${folder}/many${count}.c`;
  const functions = times(count, (i) => `void traced_${i}(void) {}\n`);
  await Deno.writeTextFile(source, `${functions}int main(void) { return 0; }\n`);
  return await compileC(folder, source);
}

/** A curve: what is varied, its values, and what is measured at each. */
interface Curve {
  readonly name: string;
  readonly unit: string;
  readonly at: readonly number[];
  readonly measure: (n: number) => Promise<number>;
}

const CURVES: readonly Curve[] = [
  {
    name: "clauses on one probe, cost of an event",
    unit: "ns a call",
    at: [1, 4, 16, 64],
    measure: (n) => traced("-e", times(n, (i) => `${ONE} { @c${i % 32}++; }`)),
  },
  {
    name: "system calls that are traced beside, cost of an event",
    unit: "ns a call",
    at: [1, 10, 100, 300],
    measure: (n) =>
      traced(
        "-e",
        `${ONE} { @ = count(); } ${
          Array.from(SYSCALLS.slice(0, n), (name) => `tracepoint:syscalls:sys_enter_${name}`).join()
        } { @o = count(); }`,
      ),
  },
  {
    name: "functions attached, start to end",
    unit: "ms",
    at: [1, 100, 1000, 5000],
    measure: async (n) => {
      const program = await manyFunctions(n);
      return await started(
        `uprobe:${program}:traced_* { @ = count(); } interval:ms:1 { exit(); }`,
        { BPFTRACE_MAX_PROBES: "10000" },
      );
    },
  },
  {
    name: "keys of a map, start to printed end",
    unit: "ms",
    at: [10, 1000, 100_000, 1_000_000],
    measure: (n) =>
      started(
        `config = { max_map_keys = 2000000 } BEGIN { $i = 0; while ($i < ${n}) ` +
          "{ @[$i] = $i; $i++; } exit(); }",
      ),
  },
  {
    name: "statements, start to end",
    unit: "ms",
    at: [1, 100, 1000, 5000],
    measure: (n) => started(`BEGIN { ${times(n, (i) => `@s${i % 16} += ${i};`)} exit(); }`),
  },
];

const SYSCALLS = [...Deno.readDirSync("/sys/kernel/tracing/events/syscalls")]
  .flatMap(({ name }) => /^sys_enter_(.*)$/.exec(name)?.[1] ?? [])
  .filter((name) => !["getppid", "clock_gettime"].includes(name)).sort();

for (const { name, unit, at, measure } of CURVES) {
  if (!PATTERN.test(name)) continue;
  const values: string[] = [];
  for (const n of at) values.push(`${n}: ${(await measure(n)).toFixed(0)}`);
  console.log(`${name} (${unit})\n    ${values.join("   ")}`);
}
await Deno.remove(folder, { recursive: true });

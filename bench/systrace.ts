// What a traced program pays for each system call with systrace and with strace, and what systrace loses.
//
//   deno run -A bench/systrace.ts [calls]
//
// Needs root, gcc and strace. The program makes so many getppid calls and tells the nanoseconds of one.

import { buildCaller, toolCommand } from "../tests/helpers.ts";
import { median } from "./measure.ts";

const CALLS = Deno.args[0] ?? "50000";
const ROUNDS = 3;
const caller = buildCaller();

const SYSTRACE = toolCommand("systrace", ["-o", "/dev/null"]);
const CASES: readonly [name: string, command: string[]][] = [
  ["untraced", []],
  ["strace", ["strace", "-o", "/dev/null"]],
  ["strace -e openat", ["strace", "-o", "/dev/null", "-e", "openat"]],
  ["systrace", SYSTRACE],
  ["systrace -e openat", [...SYSTRACE, "-e", "openat"]],
  ["systrace --lossless", [...SYSTRACE, "--lossless"]],
];

const decoder = new TextDecoder();
for (const [name, prefix] of CASES) {
  const found: number[] = [];
  let lost = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const [command, ...args] = [...prefix, caller, CALLS];
    const { stdout, stderr } = await new Deno.Command(command, { args }).output();
    found.push(Number(decoder.decode(stdout).trim()));
    lost += Number(/(\d+) records lost/.exec(decoder.decode(stderr))?.[1] ?? 0);
  }
  const loss = lost === 0
    ? ""
    : `, ${Math.round(lost / ROUNDS)} of ${2 * Number(CALLS)} records lost`;
  console.log(`${name.padEnd(24)}${median(found).toFixed(0).padStart(8)} ns a call${loss}`);
}

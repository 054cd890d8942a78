// Measures what ktrace costs a program, beside strace -f; and counts what ktrace loses when it
// writes a million calls into a pipe that is read at 2 MB/s.
//
//   deno task bench:ktrace

import { buildCaller, output, tool, toolCommand } from "../tests/helpers.ts";
import { throughSlowPipe } from "../tests/traces.ts";
import { median } from "./measure.ts";

const ROUNDS = 5;

/** Runs a program that measures itself; returns its nanoseconds per system call. */
function nanoseconds(command: readonly string[]): number {
  return Number(output(command[0], command.slice(1)).stdout);
}

const caller = buildCaller();
const file = Deno.makeTempFileSync();
const ways: readonly { name: string; command: readonly string[] }[] = [
  { name: "untraced", command: [caller, "1000000"] },
  {
    name: "ktrace, kernel plane",
    command: toolCommand("ktrace", ["-t", "c", "-f", file, caller, "300000"]),
  },
  {
    name: "ktrace --sync",
    command: toolCommand("ktrace", ["--sync", "-t", "c", "-f", file, caller, "20000"]),
  },
  { name: "strace -f", command: ["strace", "-f", "-o", "/dev/null", caller, "20000"] },
];
const found = ways.map((): number[] => []);
for (let round = 0; round < ROUNDS; round++) {
  ways.forEach(({ command }, i) => found[i].push(nanoseconds(command)));
}
Deno.removeSync(file);
const plain = median(found[0]);
ways.forEach(({ name }, i) => {
  const added = i === 0 ? "" : `, adds ${(median(found[i]) - plain).toFixed()}`;
  console.log(`${name.padEnd(22)} ${median(found[i]).toFixed().padStart(7)} ns a call${added}`);
});

for (const way of [["--sync"], []]) {
  const folder = Deno.makeTempDirSync();
  const { stderr, file } = await throughSlowPipe(
    [...way, "-t", "c"],
    [caller, "1000000"],
    { folder, bytesPerSecond: 2e6 },
  );
  const { stdout } = tool("kdump", ["-f", file, "--summary"]);
  const calls = stdout.split("\n").find((line) => line.endsWith("getppid"));
  const bytes = Deno.statSync(file).size;
  console.log(
    `${way.join(" ") || "kernel plane"}: 1,000,000 calls into a pipe at 2 MB/s: ` +
      `${calls?.trim().split(/\s+/)[3]} calls in ${bytes} bytes; ${
        stderr.trim() || "nothing lost"
      }`,
  );
  Deno.removeSync(folder, { recursive: true });
}

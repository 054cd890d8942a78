// Measures how fast kdump reads the trace of a build, and how much memory it takes, beside a C program that
// only walks from header to header.
//
//   deno task bench:kdump [MiB]

import { output, toolCommand } from "../tests/helpers.ts";

const ROUNDS = 5;
const MIB = 1 << 20;
const wanted = Number(Deno.args[0] ?? 200) * MIB;

/** A build of this many C files. */
const BUILD = `
for i in $(seq 30); do
  printf '#include <stdio.h>\\n#include <stdlib.h>\\n#include <pthread.h>\\nint f%d(int x) { return x; }\\n' $i > f$i.c
  gcc -O1 -c f$i.c -o f$i.o
done
echo 'int main(void) { return 0; }' > main.c
gcc *.c -o prog
find /usr/include /usr/lib -name '*.h' -size +100k -exec wc -l {} +
ls -lR /usr/include
`;

interface Run {
  /** CPU time, which other programs on the machine do not change. */
  readonly seconds: number;
  /** Most memory that the process had, in bytes. */
  readonly memory: number;
}

/** Runs a command to its end, without its output. */
async function run(command: readonly string[]): Promise<Run> {
  const child = new Deno.Command("sh", {
    args: ["-c", '"$@" > /dev/null || exit; times', "sh", ...command],
    stdout: "piped",
  }).spawn();
  let memory = 0;
  const look = setInterval(() => {
    try {
      const pid = Deno.readTextFileSync(`/proc/${child.pid}/task/${child.pid}/children`).trim();
      const status = Deno.readTextFileSync(`/proc/${pid}/status`);
      memory = Math.max(memory, Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0) * 1024);
    } catch {
      // The process has just ended.
    }
  }, 20);
  const { code, stdout } = await child.output();
  clearInterval(look);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with status ${code}`);
  // The second line has the user's and the system's time of the children: 0m1.234s 0m0.056s
  const [user, system] = new TextDecoder().decode(stdout).split("\n")[1].split(" ").map((time) => {
    const [minutes, seconds] = time.split("m");
    return Number(minutes) * 60 + parseFloat(seconds);
  });
  return { seconds: user + system, memory };
}

const folder = Deno.makeTempDirSync();
try {
  const once = `${folder}/once.kt`;
  const build = toolCommand("ktrace", ["-i", "-f", once, "sh", "-c", BUILD]);
  await new Deno.Command(build[0], { args: build.slice(1), cwd: folder, stdout: "null" }).output();
  // The same trace again and again, as large as it is wanted.
  const file = `${folder}/trace.kt`;
  const bytes = Deno.readFileSync(once);
  {
    using out = Deno.openSync(file, { create: true, write: true });
    for (let size = 0; size < wanted; size += bytes.length) out.writeSync(bytes);
  }
  const size = Deno.statSync(file).size;
  const walk = `${folder}/walk`;
  const { code, stderr } = output("gcc", [
    ...["-O2", "-o", walk, new URL("walk.c", import.meta.url).pathname],
  ]);
  if (code !== 0) throw new Error(stderr);
  console.log(`${(size / MIB).toFixed()} MiB, ${output(walk, [file]).stdout.trim()}`);
  const ways: readonly [name: string, command: readonly string[]][] = [
    ["walk.c", [walk, file]],
    ...["", "--json", "--summary", "-p 1", "-t p", "--tree"].map((options) =>
      [
        `kdump ${options}`,
        toolCommand("kdump", ["-f", file, ...options.split(" ").filter((one) => one !== "")]),
      ] as [string, string[]]
    ),
  ];
  const found = ways.map((): Run[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, [, command]] of ways.entries()) found[i].push(await run(command));
  }
  ways.forEach(([name], i) => {
    const runs = found[i].toSorted((a, b) => a.seconds - b.seconds);
    const { seconds } = runs[runs.length >> 1];
    const memory = Math.max(...runs.map((one) => one.memory));
    console.log(
      `${name.padEnd(16)} ${seconds.toFixed(2).padStart(7)} s of CPU time, ` +
        `${(size / MIB / seconds).toFixed().padStart(6)} MiB/s` +
        (memory === 0 ? "" : `, ${(memory / MIB).toFixed().padStart(4)} MiB of memory`),
    );
  });
} finally {
  Deno.removeSync(folder, { recursive: true });
}

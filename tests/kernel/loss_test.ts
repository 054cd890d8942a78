// Tests of a ring that has lost records: the tool still ends together with its child, and still
// knows which processes live.

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  buildProgram,
  kernelTest,
  nobodyCommand,
  output,
  testWith,
  tool,
  toolCommand,
  until,
} from "../helpers.ts";
import { recordsOf, throughSlowPipe } from "../traces.ts";

/** Counts the records of a trace file by their types. */
function countTypes(file: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { type } of recordsOf(file)) counts.set(type, (counts.get(type) ?? 0) + 1);
  return counts;
}

/** Adds up the counts of all types. */
function sum(counts: Map<string, number>): number {
  return [...counts.values()].reduce((all, count) => all + count, 0);
}

/** Reads the number of lost records that ktrace reports on stderr; 0 without a report. */
function lostOf(stderr: string): number {
  assertMatch(stderr, /^(ktrace: \d+ records lost\n)?$/);
  return Number(/\d+/.exec(stderr)?.[0] ?? 0);
}

/**
 * Runs ktrace and stops it for a time in milliseconds as soon as it has written something, so that
 * its rings overflow. `afterMs` is the time that ktrace ran longer than the traced program.
 */
async function recordStopped(
  file: string,
  args: readonly string[],
  stopMs: number,
): Promise<{ code: number; stderr: string; afterMs: number }> {
  const [command, ...rest] = toolCommand("ktrace", ["-f", file, ...args]);
  const child = new Deno.Command(command, { args: rest, stdout: "piped", stderr: "piped" }).spawn();
  while (Deno.statSync(file).size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, stopMs));
  child.kill("SIGCONT");
  const continued = Date.now();
  const { code, stdout, stderr } = await child.output();
  // The last line that the program prints is the time of its end, in seconds.
  const endMs = Number(new TextDecoder().decode(stdout).trim().split("\n").at(-1)) * 1000;
  return {
    code,
    stderr: new TextDecoder().decode(stderr),
    afterMs: Date.now() - Math.max(continued, endMs),
  };
}

/** Each row: number of calls, size of the ring in bytes, number of runs (50 in all). */
const BURSTS = [
  [100_000, 1 << 16, 38],
  [300_000, 1 << 17, 6],
  [600_000, 1 << 16, 4],
  [1_000_000, 1 << 20, 1],
  [2_000_000, 1 << 18, 1],
] as const;

kernelTest("ktrace ends with its child whatever its ring has lost", ["gcc"], () => {
  const burst = buildProgram("burst");
  const file = Deno.makeTempFileSync();
  const run = (calls: number, ringBytes: number) => {
    const options = ["-t", "c", "--ring-size", `${ringBytes}`, "-f", file];
    const { code, stdout, stderr } = tool("ktrace", [...options, burst, `${calls}`]);
    return { code, stderr, afterMs: Date.now() - Number(stdout) * 1000 };
  };
  // A run that loses nothing gives the number of records beside those of the burst.
  assertEquals(run(1, 1 << 25).stderr, "");
  const base = sum(countTypes(file)) - 2;
  let runs = 0;
  let losses = 0;
  for (const [calls, ringBytes, times] of BURSTS) {
    for (let i = 0; i < times; i++, runs++) {
      const { code, stderr, afterMs } = run(calls, ringBytes);
      assertEquals(code, 7);
      assert(afterMs < 1000, `${afterMs} ms after the end of ${calls} calls`);
      const lost = lostOf(stderr);
      if (lost > 0) losses++;
      if (i > 0) continue; // reading a file takes longer than writing it, so one file is read
      const counts = countTypes(file);
      assertEquals([counts.get("procctor"), counts.get("procdtor")], [1, 1]);
      assertEquals(sum(counts) + lost, base + calls * 2);
    }
  }
  assertEquals(runs, 50);
  assert(losses > 30, `${losses} of ${runs} runs have lost records`);
  Deno.removeSync(file);
});

kernelTest("ktrace knows all births and ends when it was stopped", ["gcc"], async () => {
  const burst = buildProgram("burst");
  const file = Deno.makeTempFileSync();
  const { code } = tool("ktrace", ["-i", "-t", "c", "-f", file, burst, "1", "400"]);
  assertEquals(code, 7);
  const base = sum(countTypes(file)) - 401 * 2;
  for (const [ring, calls, children] of [[1 << 16, 1000, 400], [1 << 20, 1000, 800]] as const) {
    const command = [burst, `${calls}`, `${children}`];
    const stopped = await recordStopped(file, [
      "-i",
      "-t",
      "c",
      "--ring-size",
      `${ring}`,
      ...command,
    ], 2000);
    assertEquals(stopped.code, 7);
    assert(stopped.afterMs < 1000, `${stopped.afterMs} ms`);
    const lost = lostOf(stopped.stderr);
    assert(lost > 0);
    const counts = countTypes(file);
    assertEquals(counts.get("procctor"), counts.get("procdtor"));
    // The records of a child are its birth, and the calls for its fork, its burst and its end; the
    // parent waits for it.
    if (children === 400) assertEquals(sum(counts) + lost, base + calls * 401 * 2);
  }
  Deno.removeSync(file);
});

kernelTest("ktrace finds children that were born while it was stopped", ["gcc"], async () => {
  const burst = buildProgram("burst");
  const file = Deno.makeTempFileSync();
  const script = `${burst} 5000; for i in $(seq 150); do sleep 2 & done; ${burst} 20000; wait`;
  const options = ["-i", "-t", "c", "--ring-size", "65536"];
  const { code, stderr } = await recordStopped(file, [...options, "bash", "-c", script], 1000);
  assertEquals(code, 0);
  assert(lostOf(stderr) > 0);
  const records = recordsOf(file);
  const ends = (comm: string) =>
    records.filter((one) => one.type === "procdtor" && (one as { comm?: string }).comm === comm);
  assertEquals(ends("sleep").length, 150);
  assertEquals(new Set(ends("sleep").map(({ pid }) => pid)).size, 150);
  Deno.removeSync(file);
});

/** Runs a tool, and stops it when it has printed a text, for a while. */
async function runStopped(
  command: readonly string[],
  text: string,
  stopMs: number,
): Promise<{ code: number; stdout: string; stderr: string; afterMs: number }> {
  const [program, ...args] = command;
  const child = new Deno.Command(program, { args, stdout: "piped", stderr: "piped" }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const errors = new Response(child.stderr).text();
  let stdout = "";
  while (!stdout.includes(text)) {
    const { value, done } = await lines.read();
    if (done) throw new Error(`${stdout}${await errors}`);
    stdout += value;
  }
  child.kill("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, stopMs));
  child.kill("SIGCONT");
  const from = Date.now();
  for (let part = await lines.read(); !part.done; part = await lines.read()) stdout += part.value;
  const [{ code }, stderr] = await Promise.all([child.status, errors]);
  // What burst prints says when it has ended.
  const end = Number(/^\d{10}\.\d{9}$/m.exec(stdout)?.[0] ?? 0) * 1000;
  return { code, stdout, stderr, afterMs: Date.now() - Math.max(from, end) };
}

/** Births and deaths that run a small buffer over, and children that live on for some seconds. */
const STORM = "for i in $(seq 600); do (:); done; " +
  "for i in 1 2 3 4 5; do sleep 4 >&- 2>&- & done; exit 5";

for (const source of ["kernel", "connector"]) {
  for (const options of [["--wait"], ["--wait", "--follow"], ["--follow"]]) {
    const name = `kmonitor ${options.join(" ")} ends with its child after a loss (${source})`;
    kernelTest(name, ["root"], async () => {
      const { code, stdout, stderr, afterMs } = await runStopped(
        toolCommand("kmonitor", [
          ...["--ring-size", "65536", "--source", source, ...options],
          ...["-c", `bash -c 'sleep 0.5; ${STORM}'`],
        ]),
        "COMMAND",
        3500,
      );
      assertEquals(code, options.includes("--wait") ? 5 : 0);
      // Without --wait the children are waited for, which live for four seconds.
      const most = options.includes("--wait") ? 1500 : 6000;
      assert(afterMs < most, `${afterMs} ms`);
      assertMatch(stderr, /^WARNING: \d+ events lost\n$/);
      const count = (event: string) =>
        stdout.match(new RegExp(`^\\S+ ${event} `, "gm"))?.length ?? 0;
      if (code === 5) return;
      // Whose parent had ended before the loss was noticed is nobody's child any more: not all are told.
      assertEquals(count("exit"), count("fork") + 1);
    });
  }
}

kernelTest("btrace -c ends with its child whatever its ring has lost", ["gcc"], async () => {
  const burst = buildProgram("burst");
  const program = 'tracepoint:raw_syscalls:sys_enter { printf("%d\\n", pid); } END { @ = 1; }';
  const { code, stdout, stderr, afterMs } = await runStopped(
    toolCommand("btrace", ["-e", program, "-c", `${burst} 3000000`]),
    "\n",
    1000,
  );
  assertEquals(code, 0);
  assert(afterMs < 2000, `${afterMs} ms`);
  assertMatch(stdout, /^@: 1$/m);
  assertMatch(stderr, /Total lost event count: \d+$/m);
});

/** Ends of processes in a trace of JSON lines, beside births, by the burst's children. */
function livesOf(json: string): { births: number; ends: number } {
  const types = json.trimEnd().split("\n").map((line) => JSON.parse(line).type);
  const count = (type: string) => types.filter((one) => one === type).length;
  return { births: count("procctor"), ends: count("procdtor") };
}

const CHILDREN = 20;
const ENDS: Readonly<Record<string, readonly string[]>> = {
  "in the kernel": ["--ring-size", "65536"],
  "by --sync": ["--sync"],
};

for (const [way, options] of Object.entries(ENDS)) {
  kernelTest(`ktrace ends after bursts of children into a slow pipe, as JSON, ${way}`, [
    "gcc",
  ], async () => {
    const folder = Deno.makeTempDirSync();
    const calls = way === "in the kernel" ? 5000 : 300;
    const { code, file } = await throughSlowPipe(
      [...options, "-i", "-t", "c", "--format", "json"],
      [buildProgram("burst"), `${calls}`, `${CHILDREN}`],
      { folder, bytesPerSecond: 3e6 },
    );
    assertEquals(code, 7);
    assertEquals(livesOf(Deno.readTextFileSync(file)), {
      births: CHILDREN + 1,
      ends: CHILDREN + 1,
    });
    Deno.removeSync(folder, { recursive: true });
  });
}

testWith("ktrace ends after bursts of children, as JSON, without privilege", ["gcc"], () => {
  const folder = Deno.makeTempDirSync();
  Deno.chmodSync(folder, 0o777);
  const file = `${folder}/trace`;
  const [command, ...args] = nobodyCommand(
    ["-i", "-t", "c", "--format", "json", "-f", file, buildProgram("burst"), "300", `${CHILDREN}`],
    [],
    "ktrace",
  );
  assertEquals(output(command, args).code, 7);
  const { births, ends } = livesOf(Deno.readTextFileSync(file));
  assertEquals([births, ends], [CHILDREN + 1, CHILDREN + 1]);
  Deno.removeSync(folder, { recursive: true });
});

kernelTest(
  "ktrace -p ends when the process and its children have, after bursts",
  ["gcc"],
  async () => {
    const file = Deno.makeTempFileSync();
    const script = `read line; exec ${buildProgram("burst")} 5000 ${CHILDREN}`;
    const child = new Deno.Command("sh", { args: ["-c", script], stdin: "piped", stdout: "null" })
      .spawn();
    const { code, stderr } = tool("ktrace", [
      ...["-i", "-t", "c", "--ring-size", "65536", "--format", "json", "-f", file],
      ...["-p", `${child.pid}`],
    ]);
    assertEquals([code, stderr], [0, ""]);
    const input = child.stdin.getWriter();
    await input.write(new TextEncoder().encode("go\n"));
    await input.close();
    assertEquals((await child.status).code, 7);
    const recorder = () => output("pgrep", ["-f", `ktrace.ts --background-recorder`]).stdout;
    await until("the recorder's end", () => recorder() === "");
    assertEquals(livesOf(Deno.readTextFileSync(file)), {
      births: CHILDREN + 1,
      ends: CHILDREN + 1,
    });
    Deno.removeSync(file);
  },
);

// Tests of tools/profile.ts on known programs, and against perf.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cpuMs } from "../cpu_time.ts";
import {
  buildProgram,
  hasOpen,
  kernelTest,
  nobodyCommand,
  output,
  ROOT,
  testWith,
  until,
} from "../helpers.ts";

function profile(args: readonly string[], options: Deno.CommandOptions = {}) {
  const command = ["run", "-A", "--no-check", `${ROOT}tools/profile.ts`, ...args];
  return output(Deno.execPath(), command, options);
}

/** Makes a folder for output files, which is removed on disposal. */
function folder(): { path: string } & Disposable {
  const path = Deno.makeTempDirSync();
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

interface Line {
  readonly frames: readonly string[];
  readonly count: number;
}

function parseFolded(text: string): Line[] {
  return text.trimEnd().split("\n").filter((line) => line !== "").map((line) => {
    const space = line.lastIndexOf(" ");
    return { frames: line.slice(0, space).split(";"), count: Number(line.slice(space + 1)) };
  });
}

function sum(lines: readonly Line[]): number {
  return lines.reduce((all, { count }) => all + count, 0);
}

/** Share of the samples whose stack contains these frames in this order, from 0 to 1. */
function share(lines: readonly Line[], ...wanted: readonly string[]): number {
  const has = ({ frames }: Line) => {
    let at = -1;
    return wanted.every((name) => (at = frames.indexOf(name, at + 1)) >= 0);
  };
  return sum(lines.filter(has)) / sum(lines);
}

/** Profiles a command; returns its collapsed stacks. */
function foldedOf(command: string, ...args: readonly string[]): Line[] {
  const { lines, stdout } = run(command, ...args);
  // The command line prints nothing but what the profiled command prints.
  assert(stdout.split("\n").length <= 2, stdout);
  return lines;
}

/** Profiles a command; returns its collapsed stacks and what has been printed. */
function run(command: string, ...args: readonly string[]): { lines: Line[]; stdout: string } {
  using at = folder();
  const { code, stdout, stderr } = profile(["-c", command, "-o", "a.folded", ...args], {
    cwd: at.path,
  });
  assertEquals(code, 0, stderr);
  // The folder holds the result alone: no logs of runtimes.
  assertEquals([...Deno.readDirSync(at.path)].map(({ name }) => name), ["a.folded"]);
  return { lines: parseFolded(Deno.readTextFileSync(`${at.path}/a.folded`)), stdout };
}

/** Lists the perf maps that runtimes have left in /tmp. */
function perfMaps(): string[] {
  return [...Deno.readDirSync("/tmp")].map(({ name }) => name)
    .filter((name) => /^perf-\d+\.map$/.test(name)).sort();
}

/** Waits until no maps are left but earlier ones: those of other runs of these tests go by themselves. */
function noneLeft(before: readonly string[]): Promise<void> {
  return until("no maps are left", () => perfMaps().every((name) => before.includes(name)));
}

kernelTest(
  "profile attributes 95 % of the samples of a C program to its hot function",
  ["gcc"],
  () => {
    const lines = foldedOf(`${buildProgram("hot")} 2000 '' hot`, "-F", "499");
    assert(sum(lines) > 800, `${sum(lines)}`);
    assert(share(lines, "hot", "main", "hot") >= 0.95, JSON.stringify(lines.slice(0, 5)));
  },
);

/**
 * Share of a script's samples that contain these frames. Samples of the runtime's start and end are
 * left out, since a slow machine may spend a tenth of the run on them.
 */
async function scriptShare(
  command: (ms: number) => string,
  wanted: readonly string[],
): Promise<number> {
  const before = perfMaps();
  const idle = foldedOf(command(0), "-F", "499");
  const lines = foldedOf(command(4000), "-F", "499");
  await noneLeft(before);
  return share(lines, ...wanted) * sum(lines) / (sum(lines) - sum(idle));
}

kernelTest(
  "profile attributes 95 % of the samples of a Deno script to its hot function",
  [],
  async () => {
    const script = `${ROOT}tests/testdata/hot.ts`;
    const names = ["deno", "outerFunction hot.ts_[j]", "hotFunction hot.ts_[j]"];
    const part = await scriptShare((ms) => `${Deno.execPath()} run ${script} ${ms}`, names);
    assert(part >= 0.95, `${part}`);
  },
);

kernelTest("profile shows kernel, native and JavaScript code in one stack", [], () => {
  const lines = foldedOf(`${Deno.execPath()} run -A ${ROOT}examples/busy.ts 4`, "-F", "499");
  // V8 may put readFile into its caller: the script's frame then has no name of a function.
  const kernel = lines.filter(({ frames }) => frames.includes("read_zero_[k]"));
  assert(sum(kernel) >= 10, `${sum(kernel)} of ${sum(lines)}`);
  const scripts = new Set(
    kernel.flatMap(({ frames }) => frames.filter((name) => /busy\.ts_\[j\]$/.test(name))),
  );
  const mixed = [...scripts].map((name) =>
    share(kernel, "deno", name, "read", "vfs_read_[k]", "read_zero_[k]")
  );
  assert(Math.max(...mixed) > 0.5, `${[...scripts]} ${mixed}`);
  for (const name of ["countPrimes", "sortRows", "digest"]) {
    assert(share(lines, `${name} busy.ts_[j]`) > 0.01, name);
  }
});

testWith("profile does the same for Node, also in a shell", ["root", "node"], async () => {
  using at = folder();
  const script = `${at.path}/app.js`;
  const text = Deno.readTextFileSync(`${ROOT}tests/testdata/hot.ts`);
  Deno.writeTextFileSync(
    script,
    text.replace(/: number/g, "").replace("Deno.args[0]", "process.argv[2]"),
  );
  const names = ["node", "outerFunction app.js_[j]", "hotFunction app.js_[j]"];
  const part = await scriptShare((ms) => `sh -c 'node ${script} ${ms}; true'`, names);
  assert(part >= 0.95, `${part}`);
});

testWith("profile works for an ordinary user's own processes", ["root", "setpriv", "gcc"], () => {
  const program = buildProgram("hot");
  const command = nobodyCommand(["-c", `${program} 1000 '' hot`, "-F", "499"])
    .map((word) => word.replace("tools/btrace.ts", "tools/profile.ts"));
  const { code, stdout, stderr } = output(command[0], command.slice(1), { cwd: "/" });
  assertEquals(code, 0, stderr);
  const [, self] = /^ +([\d.]+)% +[\d.]+% {2}hot \(hot\)$/m.exec(stdout)!;
  assert(Number(self) >= 95, stdout);
});

/** Computes for each frame the share of the samples that contain the frame. */
function inclusive(lines: readonly Line[]): Map<string, number> {
  const shares = new Map<string, number>();
  const all = sum(lines);
  for (const { frames, count } of lines) {
    for (const name of new Set(frames)) shares.set(name, (shares.get(name) ?? 0) + count / all);
  }
  return shares;
}

/**
 * Collapses what `perf script` prints; frames without a name get the names that this tool gives
 * them.
 */
function foldPerf(text: string): Line[] {
  const lines: Line[] = [];
  for (const sample of text.split("\n\n")) {
    const rows = sample.split("\n").filter((row) => row.trim() !== "");
    if (rows.length < 2) continue;
    const frames = rows.slice(1).map((row) => {
      const [, name, file] = /^\s*[0-9a-f]+ (.*) \((.*)\)$/.exec(row)!;
      if (name !== "[unknown]") return name.replace(/\+0x[0-9a-f]+$/, "").replace(/@.*/, "");
      return `[${file.slice(file.lastIndexOf("/") + 1).replace(/^\[|\]$/g, "")}]`;
    });
    lines.push({ frames: [rows[0].trim().split(/\s/)[0], ...frames.reverse()], count: 1 });
  }
  return lines;
}

testWith("profile agrees with perf, over 3,000 samples", ["root", "gcc", "perf"], async () => {
  using at = folder();
  const target = new Deno.Command(buildProgram("hot"), { args: ["4600", "wait"], stdin: "piped" })
    .spawn();
  const perf = new Deno.Command("perf", {
    args: ["record", "-q", "-o", `${at.path}/data`, "-e", "cpu-clock", "-F", "997", "-g"]
      .concat("-p", `${target.pid}`),
    stdout: "null",
    stderr: "null",
  }).spawn();
  const ours = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `${ROOT}tools/profile.ts`, "-p", `${target.pid}`]
      .concat("-F", "997", "-o", `${at.path}/a.folded`),
    stderr: "piped",
  }).spawn();
  for (const { pid } of [perf, ours]) {
    await until("both have attached", () => hasOpen(pid, /perf_event/));
  }
  await new Promise((resolve) => setTimeout(resolve, 200)); // on each CPU
  await target.stdin.close();
  await Promise.all([target.status, ours.output(), perf.status]);
  const script = output("perf", ["script", "-i", `${at.path}/data`, "-F", "comm,ip,sym,dso"]);
  const theirs = foldPerf(script.stdout);
  const own = parseFolded(Deno.readTextFileSync(`${at.path}/a.folded`)).map((line) => ({
    ...line,
    frames: line.frames.map((name) => name.replace(/_\[[kj]\]$/, "")),
  }));
  assert(sum(own) >= 3000 && sum(theirs) >= 3000, `${sum(own)} ${sum(theirs)}`);
  const [a, b] = [inclusive(own), inclusive(theirs)];
  const large = new Set([...a, ...b].filter(([, share]) => share > 0.05).map(([name]) => name));
  const differences = [...large].map((name) => ({
    name,
    ours: a.get(name) ?? 0,
    perf: b.get(name) ?? 0,
  })).filter(({ ours, perf }) => Math.abs(ours - perf) > 0.03);
  assertEquals(differences, []);
  for (const name of ["hot", "read", "mixed", "main", "read_zero"]) {
    assert(large.has(name), `${name} is not in ${[...large]}`);
  }
});

kernelTest("profile --offcpu tells how long threads wait, and in what", [], () => {
  // The command tells the time itself, because a busy machine wakes a thread late.
  const watch = "read now idle </proc/uptime; echo $now";
  const { lines, stdout } = run(`sh -c '${watch}; sleep 0.3; sleep 0.4; ${watch}'`, "--offcpu");
  const [from, to] = stdout.trim().split("\n").map(Number);
  const most = (to - from) * 1000 + 20;
  const waits = (comm: string, name: string) =>
    sum(lines.filter(({ frames }) => frames[0] === comm && frames.includes(name))) / 1000;
  const slept = waits("sleep", "do_nanosleep_[k]");
  assert(slept >= 700 && slept < most, `${slept} of ${most} ms`);
  const waited = waits("sh", "do_wait_[k]");
  assert(waited >= 700 && waited < most, `${waited} of ${most} ms`);
  // Threads that have ended wait no longer.
  assert(sum(lines) / 1000 < 2 * most + 500, `${sum(lines)} us, ${most} ms`);
});

kernelTest("profile writes what others read", ["gcc", "root"], async () => {
  using at = folder();
  const files = ["a.svg", "a.json", "a.pb.gz", "a.txt"].map((name) => `${at.path}/${name}`);
  const args = files.flatMap((file) => ["-o", file]);
  const { code, stderr } = profile(["-c", `${buildProgram("hot")} 600`, "-F", "499", ...args]);
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /^\d{3} samples on-CPU in \d\.\d s, written to .*a\.svg, .*a\.json, /);
  const [svg, json, pb, txt] = files;
  const total = sum(parseFolded(Deno.readTextFileSync(txt)));

  assertStringIncludes(Deno.readTextFileSync(svg), `data-total="${total}"`);
  assertEquals(/https?:\/\/(?!www\.w3\.org)/.test(Deno.readTextFileSync(svg)), false);

  const scope = JSON.parse(Deno.readTextFileSync(json));
  const [{ samples, weights, endValue }] = scope.profiles;
  assertEquals(samples.length, weights.length);
  const weight = weights.reduce((all: number, one: number) => all + one, 0);
  assert(Math.abs(weight - endValue) < 1 && Math.abs(weight / (1e9 / 499) - total) < 0.01);
  const name = (index: number) => scope.shared.frames[index].name;
  assert(samples.some((one: number[]) => name(one[0]) === "hot" && name(one.at(-1)!) === "hot"));

  const { Profile } = await import("npm:pprof-format@2.3.2");
  const packed = new Blob([Deno.readFileSync(pb)]).stream()
    .pipeThrough(new DecompressionStream("gzip"));
  const read = Profile.decode(new Uint8Array(await new Response(packed).arrayBuffer()));
  const text = (index: number | bigint) => read.stringTable.strings[Number(index)];
  assertEquals(read.sampleType.map(({ type, unit }) => `${text(type)} ${text(unit)}`), [
    "samples count",
    "cpu nanoseconds",
  ]);
  const counts = read.sample.reduce((all, one) => all + Number(one.value[0]), 0);
  assertEquals(counts, total);
  const leaf = read.sample.toSorted((a, b) => Number(b.value[0]) - Number(a.value[0]))[0];
  const location = read.location.find(({ id }) => id === leaf.locationId[0])!;
  const found = read.function.find(({ id }) => id === location.line[0].functionId)!;
  assertEquals(text(found.name), "hot");
});

testWith("profile shows its progress on a terminal", ["root", "gcc", "script"], () => {
  const command = `${Deno.execPath()} run -A --no-check ${ROOT}tools/profile.ts ` +
    `-c '${buildProgram("hot")} 900'`;
  const { stdout } = output("script", ["-qec", command, "/dev/null"]);
  const [, shown] = stdout.split("\r\x1b[K");
  assertMatch(shown, /^0\.\d s Ctrl-C ends, \d+ samples$/);
  assertMatch(stdout, /\d+ samples on-CPU in/);
});

kernelTest("profile says how to start a program whose code has no names", [], async () => {
  const target = new Deno.Command(Deno.execPath(), {
    args: ["run", `${ROOT}tests/testdata/hot.ts`, "60000"],
    stdout: "null",
  }).spawn();
  try {
    await until("the script runs", () => cpuMs(target.pid) > 300);
    const { code, stderr } = profile(["-p", `${target.pid}`, "-d", "0.5"]);
    assertEquals(code, 0);
    assertStringIncludes(
      stderr,
      `NOTE: process ${target.pid} (deno) has not written /tmp/perf-${target.pid}.map`,
    );
    assertStringIncludes(stderr, "deno run --v8-flags=--perf-basic-prof,--interpreted-frames");
  } finally {
    target.kill("SIGKILL");
    await target.status;
  }
});

kernelTest("profile leaves nothing behind when it is interrupted", ["gcc"], async () => {
  const before = perfMaps();
  const running = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `${ROOT}tools/profile.ts`, "-c"]
      .concat(`${Deno.execPath()} run ${ROOT}tests/testdata/hot.ts 60000`),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const scripts = () => output("pgrep", ["-f", "run .*testdata/hot.ts 60000$"]).stdout.split("\n");
  await until(
    "the script has run",
    () => scripts().some((pid) => pid !== "" && cpuMs(Number(pid)) > 1000),
  );
  running.kill("SIGINT");
  const { code, stdout } = await running.output();
  assertEquals(code, 0);
  assertMatch(new TextDecoder().decode(stdout), /hotFunction hot\.ts/);
  await noneLeft(before);
  assertEquals(output("pgrep", ["-f", "testdata/hot.ts"]).stdout, "");
});

Deno.test("profile refuses what it does not understand, in one line", () => {
  using at = folder();
  const fifo = `${at.path}/fifo.svg`;
  assertEquals(output("mkfifo", [fifo]).code, 0);
  const cases: [string[], RegExp][] = [
    [[], /^ERROR: say what to sample: one of -c CMD, -p PID and -a: see profile --help$/m],
    [["-a", "-p", "1"], /^ERROR: say what to sample/m],
    [
      ["-a", "-F", "0"],
      /^ERROR: Invalid frequency '0': expected a number from 1 to 20000: see profile --help$/m,
    ],
    [["-a", "-d", "x"], /^ERROR: Invalid duration 'x'/m],
    [["-a", "-o", "x.png"], /^ERROR: Cannot tell what to write to 'x\.png'/m],
    [["-a", "-o", "/nonexistent/x.svg"], /^ERROR: Cannot write '\/nonexistent\/x\.svg': No such/m],
    [["-a", "-o", "/tmp/.svg/"], /^ERROR: Cannot tell what to write/m],
    [["-a", "-o", fifo], /^ERROR: Cannot write '.*': it is not a file$/m],
    [["-a", "-d", "3000000"], /^ERROR: Invalid duration '3000000'/m],
    [["-p", "4194303"], /^ERROR: Cannot sample process 4194303: no such process$/m],
    [["-c", "/nonexistent/program"], /^ERROR: Failed to run '\/nonexistent\/program'/m],
    [["--nonsense"], /^ERROR: unknown option --nonsense: see profile --help$/m],
    [
      ["--plane", "user", "-a"],
      /^ERROR: -a needs the kernel plane, which needs CAP_BPF and CAP_PERFMON/m,
    ],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = profile(args);
    assertEquals([code, stdout], [1, ""], args.join(" "));
    assertMatch(stderr, expected);
    assertEquals(/^ +at /m.test(stderr), false, stderr);
  }
});

kernelTest("profile shows names of programs as UTF-8", ["gcc"], () => {
  using at = folder();
  const program = `${at.path}/é-☃`;
  Deno.copyFileSync(buildProgram("hot"), program);
  const lines = foldedOf(`${program} 500 '' hot`, "-F", "499");
  assert(lines.length > 0 && lines.every(({ frames }) => frames[0] === "é-☃"), lines[0]?.frames[0]);
});

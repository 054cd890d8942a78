// Tests of ktrace on the running kernel: ktrace records what strace records, reports every loss,
// and leaves nothing behind.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { childrenCpuMs } from "../cpu_time.ts";
import { buildCaller, buildProgram, kernelTest, output, tool, toolCommand } from "../helpers.ts";
import { type Call, callsOf, record, recordsOf, straceCalls, throughSlowPipe } from "../traces.ts";

/** System calls that depend on chance: which thread waits for which differs in each run. */
const BY_CHANCE = ["futex", "madvise"];

/**
 * Fails unless both traces have the same calls. Arguments are compared where both traces show a
 * number.
 */
function assertSameCalls(mine: readonly Call[][], theirs: readonly Call[][]): void {
  assertEquals(mine.length, theirs.length, "threads");
  theirs.forEach((calls, thread) => {
    const wanted = calls.filter(({ name }) => !BY_CHANCE.includes(name));
    const found = mine[thread].filter(({ name }) => !BY_CHANCE.includes(name));
    wanted.forEach((call, i) => {
      const about = `thread ${thread}, call ${i}: ${JSON.stringify(call)}`;
      assertEquals(found[i]?.name, call.name, about);
      assertEquals(found[i].result, call.result, about);
      const { paths } = found[i];
      assertEquals(paths, call.paths.slice(0, paths.length), about);
      // strace prints the arguments of clone3 with names, in another form.
      found[i].args.forEach((arg, at) => {
        if (call.args[at] !== undefined && arg !== undefined) {
          assertEquals(arg, call.args[at], about);
        }
      });
    });
    assertEquals(found.length, wanted.length, `thread ${thread}`);
  });
}

/** The two ways to record: the kernel plane, and ptrace(2) with --sync. */
const WAYS = [["the kernel plane", []], ["--sync", ["--sync"]]] as const;

for (const [name, way] of WAYS) {
  kernelTest(`ktrace by ${name} tells what strace -f tells`, ["gcc", "strace", "root"], () => {
    const program = buildProgram("calls", "-pthread");
    const { code, records, stderr } = record([...way, "-i"], [program]);
    assertEquals({ code, stderr }, { code: 7, stderr: "" });
    // The program ignores SIGCHLD: only a process that is traced with ptrace(2) gets the signal.
    const seen = straceCalls([program]).map((calls) =>
      calls.filter((call) => call.name !== "SIGCHLD")
    );
    assertSameCalls(callsOf(records), seen);
  });

  kernelTest(`ktrace by ${name} tells threads apart`, ["gcc", "strace"], () => {
    const program = buildProgram("workers", "-pthread");
    const folder = Deno.makeTempDirSync();
    const command = [program, "4", "200", folder];
    const { records } = record([...way, "-t", "cnst"], command);
    const mine = callsOf(records);
    assertSameCalls(mine, straceCalls(command));
    // Each thread opens a path of its own.
    mine.slice(1).forEach((calls, i) => {
      const paths = new Set(calls.flatMap(({ paths }) => paths));
      paths.delete(""); // fstat() is newfstatat() with an empty path
      assertEquals([...paths].sort(), ["/no/such/file", `${folder}/worker${i + 1}`]);
    });
    Deno.removeSync(folder, { recursive: true });
  });

  kernelTest(`ktrace by ${name} keeps the records of a thread in order`, ["gcc"], () => {
    const program = buildProgram("workers", "-pthread");
    const folder = Deno.makeTempDirSync();
    const { records } = record([...way, "-t", "cni"], [program, "8", "300", folder]);
    for (const [tid, own] of Map.groupBy(records, ({ tid }) => tid)) {
      let open: string | undefined;
      let last = 0;
      for (const { type, name, time } of own) {
        assert(time >= last, `time goes back in thread ${tid}`);
        last = time;
        if (type === "syscall") {
          assertEquals(open, undefined, `a call within a call in thread ${tid}`);
          open = name;
        } else if (type === "sysret") {
          if (open !== undefined) assertEquals(name, open);
          open = undefined;
        } else if (type === "genio") {
          assert(open !== undefined, "data outside of a call");
        }
      }
    }
    // The data that was written equals the data that was read, in its place in the trace.
    const last = records.reduce((most, { tid }) => Math.max(most, tid), 0);
    const own = records.filter(({ tid }) => tid === last);
    const data = own.filter(({ type }) => type === "genio").map(({ data }) => data!);
    assertEquals(data.length, 600);
    data.forEach((text, i) => {
      assertMatch(text, i % 2 === 0 ? new RegExp(`^thread \\d round ${i / 2}\n$`) : /^thread $/);
    });
    Deno.removeSync(folder, { recursive: true });
  });
}

for (const [name, way] of WAYS) {
  kernelTest(`ktrace by ${name} records structures and data`, ["gcc"], () => {
    const file = Deno.makeTempFileSync();
    const { code } = tool("ktrace", [...way, "-f", file, buildProgram("calls", "-pthread")]);
    assertEquals(code, 7);
    const lines = tool("kdump", ["-f", file]).stdout.replace(/0x[0-9a-f]{9,}/g, "ADDRESS");
    for (
      const line of [
        "STRU  struct iovec[] { { base=ADDRESS, len=5 }, { base=ADDRESS, len=11 } }\n",
        "GIO   fd 3 wrote 16 bytes\n",
        '"firstsecond part"\n',
        "STRU  struct timespec { 0.001234567 }\n",
        "STRU  struct sockaddr { AF_INET, 127.0.0.1:9 }\n",
        "STRU  struct sigaction { handler=ADDRESS, flags=0x4000000, mask={} }\n",
        "GIO   fd 3 read 6 bytes\n",
        '"Linux\n',
        "RET   close -1 errno 9 Bad file descriptor (EBADF)\n",
      ]
    ) assertStringIncludes(lines, line);
    assertMatch(lines, /PSIG {2}SIGUSR1 caught handler=ADDRESS mask=0x[0-9a-f]+ code=SI_TKILL\n/);
    // FreeBSD has another number for SIGUSR1; the file must contain FreeBSD's number.
    const bytes = Deno.readFileSync(file);
    const view = new DataView(bytes.buffer);
    const signals: number[] = [];
    for (let at = 0; at < bytes.length; at += 64 + view.getInt32(at, true)) {
      if ((view.getUint16(at + 4, true) & 0x3fff) === 5) signals.push(view.getInt32(at + 64, true));
    }
    assert(signals.includes(30), `${signals}`);
    // The first record of the process says that its system calls are Linux's.
    assertEquals([view.getUint16(4, true), view.getUint32(64, true)], [0x400a, 0x203]);
    Deno.removeSync(file);
  });
}

kernelTest("ktrace --format json writes lines, also to standard output", [], () => {
  for (const way of [[], ["--sync"]]) {
    const { code, stdout, stderr } = tool("ktrace", [
      ...[...way, "-t", "cn", "--format", "json", "-f", "-", "true"],
    ]);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const records = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(records[0].type, "procctor");
    assertMatch(records[1].path, /\/true$/);
    assertEquals(records.at(-2).name, "exit_group");
    assertEquals(records.at(-1).type, "procdtor");
  }
});

const CALLS = 100_000;

kernelTest("ktrace --sync loses nothing into a slow pipe", ["gcc"], async () => {
  const folder = Deno.makeTempDirSync();
  const { code, stderr, file } = await throughSlowPipe(
    ["--sync", "-t", "c"],
    [buildCaller(), String(CALLS)],
    { folder, bytesPerSecond: 2e6 },
  );
  const records = recordsOf(file);
  Deno.removeSync(folder, { recursive: true });
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const count = (type: string) =>
    records.filter((one) => one.type === type && one.name === "getppid").length;
  assertEquals([count("syscall"), count("sysret")], [CALLS, CALLS]);
  assert(!records.some(({ dropped }) => dropped));
});

kernelTest("ktrace without --sync says how many records it has lost", ["gcc"], async () => {
  const command = [buildCaller(), String(CALLS)];
  const whole = record(["-t", "c"], command);
  assertEquals(whole.stderr, "");
  const options = ["-t", "c", "--ring-size", "65536"];
  const folder = Deno.makeTempDirSync();
  const { code, stderr, file } = await throughSlowPipe(options, command, {
    folder,
    bytesPerSecond: 2e6,
  });
  const records = recordsOf(file);
  Deno.removeSync(folder, { recursive: true });
  assertEquals(code, 0);
  const lost = Number(/^ktrace: (\d+) records lost\n$/.exec(stderr)?.[1]);
  assert(lost > 0, stderr);
  // The record PROCDTOR may be among the lost ones.
  assertEquals(records.length + lost, whole.records.length);
  assert(records.some(({ dropped }) => dropped));
});

kernelTest("ktrace that is killed leaves a file that can be read", ["gcc"], async () => {
  const file = Deno.makeTempFileSync();
  const folder = Deno.makeTempDirSync();
  const program = buildProgram("workers", "-pthread");
  const [command, ...args] = toolCommand("ktrace", [
    ...["-t", "cn", "-f", file, program, "2", "1000000", folder],
  ]);
  const child = new Deno.Command(command, { args, stdout: "null", stderr: "null" }).spawn();
  while (Deno.statSync(file).size < 1e6) await new Promise((resolve) => setTimeout(resolve, 10));
  const traced = records0(file);
  child.kill("SIGKILL");
  await child.status;
  // The traced program goes on.
  Deno.kill(traced, 0);
  Deno.kill(traced, "SIGKILL");
  const { code, stderr, stdout } = tool("kdump", ["-f", file, "--summary"]);
  if (code !== 0) assertMatch(stderr, /^kdump: .*: no record at byte \d+ \(it is not whole\): /);
  assertStringIncludes(stdout, "getpriority");
  Deno.removeSync(file);
  Deno.removeSync(folder, { recursive: true });
});

/** Reads the process id in a file's first record. */
function records0(file: string): number {
  return new DataView(Deno.readFileSync(file).buffer).getInt32(8, true);
}

kernelTest("ktrace costs a program a twentieth of what strace -f adds", ["gcc", "strace"], () => {
  // CPU time: that of the program alone, which ktrace does not hold up, and with that of strace, for
  // which the program waits.
  const ns = (command: readonly string[]) => Number(output(command[0], command.slice(1)).stdout);
  const program = [buildCaller(), "300000", "cpu"];
  const file = Deno.makeTempFileSync();
  const rounds = [1, 2, 3].map(() => {
    const plain = ns(program);
    const traced = ns(toolCommand("ktrace", ["-t", "c", "-f", file, ...program]));
    const before = childrenCpuMs();
    output("strace", ["-f", "-o", "/dev/null", buildCaller(), "20000"]);
    return { mine: traced - plain, theirs: (childrenCpuMs() - before) / 20_000 * 1e6 - plain };
  });
  Deno.removeSync(file);
  const [{ mine, theirs }] = rounds.sort((a, b) => a.mine / a.theirs - b.mine / b.theirs).slice(1);
  assert(mine <= theirs / 20, `${mine.toFixed()} ns a call, strace -f ${theirs.toFixed()} ns`);
});

kernelTest("ktrace names calls of 32-bit programs by their own table", ["gcc", "strace"], () => {
  const program = buildProgram("int80");
  const file = Deno.makeTempFileSync();
  // strace says which calls follow in which mode.
  const { stderr } = output("strace", [program]);
  const lines = stderr.slice(stderr.indexOf("32 bit mode")).split("\n");
  const expected: string[] = [];
  let abi: string | undefined = "32-bit";
  for (const line of lines) {
    if (line.includes("in 64 bit mode")) abi = undefined;
    const call = /^(\w+)\(/.exec(line)?.[1];
    if (call !== undefined) expected.push(`${abi ?? "own"} ${call.replace(/^syscall_.*/, "-1")}`);
  }
  assert(expected.includes("32-bit open") && expected.includes("own getppid"), stderr);
  for (const way of [[], ["--sync"]]) {
    assertEquals(tool("ktrace", [...way, "-f", file, program]).code, 0);
    const records = tool("kdump", ["--json", "-f", file]).stdout.trim().split("\n")
      .map((line) => JSON.parse(line));
    for (const type of ["syscall", "sysret"]) {
      const calls = records.filter((record) => record.type === type)
        .map(({ name, abi }) => `${abi ?? "own"} ${name}`);
      const first = calls.findIndex((call) => call.startsWith("32-bit"));
      // The last call, exit_group, does not return.
      const wanted = type === "syscall" ? expected : expected.slice(0, -1);
      assertEquals(calls.slice(first), wanted, `${type} ${way}`);
    }
    const open = records.find(({ name, abi, type }) =>
      type === "syscall" && name === "open" && abi === "32-bit"
    );
    assertMatch(open.args[0], /^0x[0-9a-f]{8}$/); // An address that fits into 32 bits.
    assertEquals(open.args[1], "0x0");
    const text = tool("kdump", ["-A", "-f", file]).stdout;
    assertMatch(text, / CALL +L32 +close\(0x3\)\n/);
    assertMatch(text, / RET +L32 +close -1 errno 9 /);
  }
  Deno.removeSync(file);
});

kernelTest("ktrace tells calls that are made again apart, and threads that execute", [
  "gcc",
  "strace",
], () => {
  const program = buildProgram("interrupted", "-pthread");
  const file = Deno.makeTempFileSync();
  const { stderr } = output("strace", [program]);
  const restarts = [...stderr.matchAll(/^(\w+)\(.* = \? (ERESTART\w+) \(([^)]*)\)/gm)]
    .map(([, call, name, meaning]) => [call, name, meaning]);
  assertEquals(restarts.length, 3, stderr);
  for (const way of [[], ["--sync"]]) {
    assertEquals(tool("ktrace", [...way, "-f", file, program]).code, 0);
    const records = tool("kdump", ["--json", "-f", file]).stdout.trim().split("\n")
      .map((line) => JSON.parse(line));
    const found = records.filter(({ error }) => /^ERESTART/.test(error ?? ""))
      .filter(({ name }) => name !== "futex").map(({ name, error }) => [name, error]);
    assertEquals(found, restarts.map(([call, name]) => [call, name]), way.join());
    const text = tool("kdump", ["-f", file]).stdout;
    for (const [call, name, meaning] of restarts) {
      assertStringIncludes(text, `RET   ${call} RESTART /* ${name}: ${meaning} */\n`);
    }
    const summary = tool("kdump", ["--summary", "-f", file]).stdout;
    assertMatch(summary, / 1 +1 +pause$/m);
    // The thread that has executed a program has the id of the process from then on.
    const after = records.filter(({ comm }) => comm === "true");
    assert(after.length > 20 && after.every(({ pid, tid }) => pid === tid), way.join());
  }
  Deno.removeSync(file);
});

/** Arguments of tests/testdata/many_arguments.c: their number, and the bytes of each. */
const MANY: readonly (readonly [count: number, bytes: number])[] = [
  ...[[0, 0], [3, 5], [15, 1023], [16, 1023], [1200, 1000], [1, 131_000]] as const,
];

kernelTest("arguments are whole, or are marked as cut", ["gcc"], () => {
  const program = buildProgram("many_arguments");
  const file = Deno.makeTempFileSync();
  for (const [count, bytes] of MANY) {
    const what = `${count} of ${bytes}`;
    const wanted = [
      "",
      ...Array.from(
        { length: count },
        (_, i) => String.fromCharCode(97 + (i + 1) % 26).repeat(bytes),
      ),
      "",
    ];
    const check = (values: readonly string[], isCut: boolean | undefined) => {
      if (!isCut) return assertEquals(values, wanted, what);
      assert(values.length > 1 && values.length <= wanted.length, what);
      values.forEach((value, i) =>
        assert(i < values.length - 1 ? value === wanted[i] : wanted[i].startsWith(value), what)
      );
      assert(values.join("").length < wanted.join("").length, what);
    };
    for (const way of [[], ["--sync"]]) {
      const command = [program, `${count}`, `${bytes}`];
      assertEquals(tool("ktrace", [...way, "-t", "x", "-f", file, ...command]).code, 0);
      const dump = tool("kdump", ["--json", "-f", file]).stdout;
      const records = dump.trim().split("\n").map((line) => JSON.parse(line));
      const { values, truncated } = records.findLast(({ type }) => type === "args");
      check(values, truncated);
      if (way.length > 0 || count * bytes < 16_000) assertEquals(truncated, undefined, what);
      const isMarked = tool("kdump", ["-f", file]).stdout.trimEnd().endsWith("\n       ...");
      assertEquals(isMarked, truncated === true, what);
    }
    const line = tool("kmonitor", ["--json", "-e", "exec", "-c", `${program} ${count} ${bytes}`])
      .stdout.trim().split("\n").map((one) => JSON.parse(one)).find(({ comm }) => comm === "true");
    check(line.argv, line.argv_truncated);
    assertEquals(line.argv_truncated === true, count * bytes > 2000, what);
  }
  Deno.removeSync(file);
});

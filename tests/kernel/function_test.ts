// Tests of uprobe and uretprobe on real programs.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openDevice } from "../../core/mod.ts";
import { uprobe } from "../../providers/mod.ts";
import { childrenCpuMs } from "../cpu_time.ts";
import { btrace, buildProgram, kernelTest, output, RunningBtrace } from "../helpers.ts";

function lines(args: readonly string[]): string[] {
  const { code, stdout, stderr } = btrace(["-q", ...args]);
  assertEquals(code, 0, stderr);
  return stdout.split("\n").filter((line) => line !== "");
}

kernelTest("uprobe shows arguments, uretprobe results, in the order of calls", ["gcc"], () => {
  const program = buildProgram("functions");
  const script = `u:${program}:add { printf("%d %ld %s %d %d %d %s\\n", arg0, arg1, str(arg2), ` +
    `arg3, arg4, arg5, func); } ur:${program}:twice { printf("%d\\n", retval); }`;
  const found = lines(["-c", `${program} 2`, "-e", script]);
  assertEquals(found.slice(0, 5), [
    "-1 1099511627776 hello 200 0 6 add",
    "0",
    "-1 1099511627776 hello 200 1 6 add",
    "2",
    "42",
  ]);
});

kernelTest("uprobe takes wildcards, offsets, addresses and programs by name", ["gcc"], () => {
  const program = buildProgram("functions");
  const symbols = output("nm", [program]).stdout;
  const address = `0x${/^(\w+) T thrice$/m.exec(symbols)![1]}`.replace(/0x0+/, "0x");
  // The address at which the second instruction of the function starts.
  const code = output("objdump", ["-d", "--no-show-raw-insn", program]).stdout;
  const [, start, second] = /^0*([0-9a-f]+) <add>:\n.*\n +([0-9a-f]+):/m.exec(code)!;
  const offset = parseInt(second, 16) - parseInt(start, 16);
  const count = (points: string, ...options: readonly string[]) =>
    lines(["-c", `${program} 10`, "-e", `${points} { @[probe] = count(); }`, ...options]).sort();
  assertEquals(count(`uprobe:${program}:t*ice`), [
    `@[uprobe:${program}:thrice]: 10`,
    `@[uprobe:${program}:twice]: 11`,
  ]);
  // An address is told in decimal, as bpftrace tells it.
  const told = `@[uprobe:${program}:${Number(address)}]: 10`;
  assertEquals(count(`uprobe:${program}:${address}`), [told]);
  assertEquals(count(`uprobe:${program}:add+${offset}`, "--unsafe"), [
    `@[uprobe:${program}:add+${offset}]: 10`,
  ]);
  assertMatch(
    count("uprobe:libc:printf,uprobe:libc:vprintf,uprobe:libc:write")[0],
    /^@\[uprobe:\/.*\/libc\.so\.6:/,
  );
});

kernelTest("uprobe has user stacks, registers and the process's memory", ["gcc"], () => {
  const program = buildProgram("functions");
  const script = `uprobe:${program}:twice /arg0 == 21/ { print(ustack(3)); ` +
    `print(usym(reg("ip"))); print(*(uint64*)reg("sp") != 0); }`;
  const found = lines(["-c", program, "-e", script]);
  assertMatch(found[0], /^ {8}twice\+0$/);
  assert(found.slice(1, 3).some((line) => /^ {8}(deep|main)\+\d+$/.test(line)), found.join("\n"));
  assertEquals(found.slice(-2), ["twice", "true"]);
});

kernelTest(
  "uprobe counts every call of every process, and none that is not its own",
  ["gcc"],
  async () => {
    const program = buildProgram("functions");
    await using running = new RunningBtrace([
      ...["-e", `uprobe:${program}:twice { @all = count(); @[pid] = count(); }`],
    ]);
    await running.attached();
    for (let i = 0; i < 3; i++) output(program, ["1000"]);
    const { stdout } = await running.stop();
    assertMatch(stdout, /@all: 3003$/m);
    assertEquals([...stdout.matchAll(/^@\[\d+\]: 1001$/gm)].length, 3);
    const own = lines(["-c", `${program} 5`, "-e", `uprobe:${program}:twice { @ = count(); }`]);
    assertEquals(own.at(-1), "@: 6");
  },
);

kernelTest(
  "uprobe follows one process and leaves it unharmed when the tracer is killed",
  ["gcc"],
  async () => {
    const program = buildProgram("functions");
    const target = new Deno.Command(program, {
      args: ["2000000", "wait"],
      stdin: "piped",
      stderr: "piped",
    }).spawn();
    const script =
      `uprobe:${program}:twice { @ = count(); } uretprobe:${program}:add { @r = count(); }`;
    await using running = new RunningBtrace(["-p", `${target.pid}`, "-e", script]);
    await running.attached();
    await target.stdin.close();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await running.stop("SIGKILL");
    const { code, stderr } = await target.output();
    assertEquals(code, 0);
    assertMatch(new TextDecoder().decode(stderr), /^-?\d+\n$/);
  },
);

kernelTest("uprobe attaches to 1,000 functions and lets go of them, in a moment", [], () => {
  const names = lines(["-l", "uprobe:libc:*"]).length;
  assert(names > 1500, `${names}`);
  const before = childrenCpuMs();
  const { code, stderr } = btrace(
    ["--probe-filter", ":[a-m]\\w*$", "-e"]
      .concat("uprobe:libc:* { @[probe] = count(); } BEGIN { exit(); }"),
    { env: { BPFTRACE_MAX_PROBES: "4000" } },
  );
  assertEquals(code, 0, stderr);
  const attached = Number(/Attached (\d+) probes/.exec(stderr)![1]);
  assert(attached >= 1000, stderr);
  const seconds = (childrenCpuMs() - before) / 1000;
  assert(seconds < 5, `${attached} in ${seconds} s`);
});

kernelTest("uprobe says what is wrong with a place", ["gcc"], () => {
  const program = buildProgram("functions");
  const cases: [string, RegExp][] = [
    [
      `uprobe:${program}:nothing`,
      /^stdin:1:1-.*: ERROR: No matches for uprobe .*functions:nothing\.$/m,
    ],
    ["uprobe:/no/such/file:f", /ERROR: uprobe target file '\/no\/such\/file' does not exist or is/],
    [
      `uprobe:${program}:twice+4096`,
      /ERROR: Cannot probe .*Offset outside the function bounds \('twice'/,
    ],
    [`uprobe:${program}:add+1`, /ERROR: A probe within a function breaks the program if no instr/],
    [`uprobe:${program}:0x1`, /ERROR: Cannot probe .*Could not resolve address: .*functions:0x1$/m],
    [`uretprobe:${program}:twice+1`, /ERROR: Cannot probe .*a uretprobe is of a whole function/],
  ];
  for (const [point, expected] of cases) {
    const { code, stdout, stderr } = btrace(["-e", `${point} { print(1); }`]);
    assertEquals([code, stdout], [1, ""], point);
    assertMatch(stderr, expected);
  }
});

kernelTest("uprobe looks at a file again that has changed", ["gcc"], async () => {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/program`;
  const build = (more: string) => {
    Deno.writeTextFileSync(
      `${folder}/p.c`,
      `${more} __attribute__((noinline)) int f(int x) { return x + 1; } int main(void) { return f(1) - 2; }`,
    );
    assertEquals(output("gcc", ["-O1", "-fno-inline", "-o", path, `${folder}/p.c`]).code, 0);
  };
  try {
    for (
      const more of ["", "int a(int x) { return x * 7 + 3; } int b(int x) { return a(x) ^ 5; }"]
    ) {
      build(more);
      using session = openDevice({ providers: [uprobe()] }).open();
      session.enable(`uprobe:${path}:f`);
      session.start();
      assertEquals(output(path, []).code, 0);
      session.stop();
      assertEquals(session.stats().fired, 1n, more);
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  await Promise.resolve();
});

kernelTest("uprobe takes files by wildcard, and those of a process", ["gcc"], async () => {
  const program = buildProgram("hot");
  const folder = program.replace(/\/[^/]*$/, "");
  const list = (pattern: string) =>
    btrace(["-l", pattern]).stdout.split("\n").filter((line) => line !== "");
  assertEquals(list(`uprobe:${folder}/h*:main`), [`uprobe:${program}:main`]);
  assertEquals(list("uprobe:libc.so*:getenv"), ["uprobe:libc.so.6:getenv"]);
  // The pattern matches several names of one file, which counts once.
  assertEquals(list("uprobe:/usr/lib/*-linux-gnu/libc.so*:getenv").length, 1);
  // The program that runs has the library mapped.
  const child = new Deno.Command(program, { args: ["60000"], stdout: "null" }).spawn();
  try {
    while (!list("uprobe:*:main").includes(`uprobe:${program}:main`));
    const { code, stdout, stderr } = btrace([
      ...["-p", `${child.pid}`, "-e"],
      "uprobe::hot, uprobe:main, uprobe::clock_gettime { @ = count(); } interval:ms:500 { exit(); }",
    ]);
    assertEquals(code, 0, stderr);
    assert(stdout.includes("@: "), stdout);
    assertMatch(stderr, /Attached [4-9] probes/);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
  // A command's program is known before the command starts.
  const { stdout } = btrace(["-c", `${program} 1`, "-e", "uprobe::main { @ = count(); }"]);
  assertEquals(stdout.trim(), "@: 1");
  const { code, stderr } = btrace(["-e", "uprobe::main { }"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "uprobe should have a target");
});

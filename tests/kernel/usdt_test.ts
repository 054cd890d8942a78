// Tests of usdt probes: those that sys/sdt.h makes, with operands of every form.

import { assertEquals, assertMatch } from "@std/assert";
import { btrace, buildProgram, kernelTest, output, RunningBtrace } from "../helpers.ts";

const PROBES = ["sdt.h"] as const;

function lines(args: readonly string[]): string[] {
  const { code, stdout, stderr } = btrace(["-q", ...args]);
  assertEquals(code, 0, stderr);
  return stdout.split("\n").filter((line) => line !== "");
}

kernelTest("usdt lists the probes of a file", ["gcc", ...PROBES], () => {
  const program = buildProgram("static_probes");
  assertEquals(lines(["-l", `usdt:${program}:*`]).sort(), [
    `usdt:${program}:demo:guarded`,
    `usdt:${program}:demo:start`,
    `usdt:${program}:demo:twice`,
    `usdt:${program}:hand:forms`,
    `usdt:${program}:hand:mixed`,
    `usdt:${program}:hand:registers`,
  ]);
  assertEquals(lines(["-lv", `usdt:${program}:demo:guarded`]), [
    `usdt:${program}:demo:guarded`,
    "    int arg0",
  ]);
});

for (const [what, flags] of [["position-independent", ["-pie"]], ["fixed", ["-no-pie"]]] as const) {
  kernelTest(
    `usdt reads arguments with their widths and signs, ${what}`,
    ["gcc", ...PROBES],
    () => {
      const program = buildProgram("static_probes", ...flags);
      const script = `usdt:${program}:demo:start { printf("start %d %ld\\n", arg0, arg1); } ` +
        `usdt:${program}:twice { printf("twice %d\\n", arg0); } ` +
        `U:${program}:hand:forms { print((arg0, arg1, arg2, arg3, arg4, arg5)); } ` +
        `usdt:${program}:hand:registers { printf("%lx %x %x %x %d %d\\n", arg0, arg1, arg2, arg3, ` +
        `arg4, arg5); }`;
      assertEquals(lines(["-c", `${program} 2`, "-e", script]), [
        "start 0 -1",
        "twice -77",
        "start 1 -2",
        "twice 200",
        "(11, 22, 33, 44, -5, 16)",
        "1122334455667788 55667788 7788 88 -120 1234567",
      ]);
    },
  );
}

kernelTest("usdt raises a semaphore while it is attached, in processes that run and that start", [
  "gcc",
  ...PROBES,
], async () => {
  const program = buildProgram("static_probes");
  const script = `usdt:${program}:demo:guarded { @[pid] = max(arg0); }`;
  const early = new Deno.Command(program, {
    args: ["100", "wait"],
    stdin: "piped",
    stderr: "piped",
  }).spawn();
  await using running = new RunningBtrace(["-e", script]);
  await running.attached();
  const late = output(program, ["50"]);
  await early.stdin.close();
  const first = await early.output();
  assertEquals(new TextDecoder().decode(first.stderr).trim(), "100");
  assertEquals(late.stderr.trim(), "50");
  const { stdout } = await running.stop();
  assertMatch(stdout, new RegExp(`^@\\[${early.pid}\\]: 100$`, "m"));
  // Nobody traces the program any more, so its counter is 0.
  assertEquals(output(program, ["50"]).stderr.trim(), "0");
});

kernelTest("usdt counts every place of a probe", ["gcc", ...PROBES], () => {
  const program = buildProgram("static_probes");
  const script = `usdt:${program}:demo:* { @[probe] = count(); }`;
  assertEquals(lines(["-c", `${program} 1000`, "-e", script]).sort(), [
    `@[usdt:${program}:demo:guarded]: 1000`,
    `@[usdt:${program}:demo:start]: 1000`,
    `@[usdt:${program}:demo:twice]: 1000`,
  ]);
});

kernelTest("usdt gives places that disagree one type", ["gcc", ...PROBES], () => {
  const program = buildProgram("static_probes");
  const script = `usdt:${program}:hand:mixed { @[arg0] = count(); print((arg0, arg1)); }`;
  assertEquals(lines(["-c", program, "-e", script]), [
    "(-5, 18446744073709551611)",
    "(-5, 0)",
    "@[-5]: 2",
  ]);
});

kernelTest("usdt says what it does not find", ["gcc", ...PROBES], () => {
  const program = buildProgram("static_probes");
  for (const point of [`usdt:${program}:demo:nothing`, `usdt:${program}:other:start`]) {
    const { code, stderr } = btrace(["-e", `${point} { print(1); }`]);
    assertEquals(code, 1);
    assertMatch(stderr, /^stdin:1:1-.*: ERROR: No matches for usdt /m);
  }
});

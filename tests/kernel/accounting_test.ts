// Tests that every event that a script misses is counted and told, and that telling stays short.

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  btrace,
  buildCaller,
  buildProgram,
  kernelTest,
  output,
  RunningBtrace,
} from "../helpers.ts";
import { MemoryGroup } from "../memory_group.ts";

/** A fast clock over a busy system call: some ticks meet the other clause on their CPU. */
const CLASH = "profile:hz:10000 { @a = count(); } " +
  "rawtracepoint:sys_enter { @b = count(); @c[comm, pid, tid] = count(); }";

kernelTest("events that meet another event on their CPU are told", ["gcc"], () => {
  const command = ["-v", "-q", "-c", `${buildCaller()} 3000000`, "-e", CLASH];
  const { stderr, stdout } = btrace(["-f", "json", ...command]);
  const recursed = /, (\d+) recursed/.exec(stderr)![1];
  assert(Number(recursed) > 0, "none met: the test shows nothing");
  assertMatch(
    stderr,
    new RegExp(`^WARNING: ${recursed} events passed over: they came while their CPU`, "m"),
  );
  const loss = stdout.split("\n").find((line) => line.includes('"recursion"'))!;
  assertEquals(JSON.parse(loss), {
    type: "loss",
    data: { cause: "recursion", count: Number(recursed) },
  });
});

kernelTest("warnings of one kind are limited, and counted", ["gcc"], async () => {
  const script = "syscall:getppid:entry { $zero = pid - pid; @n++; print(1 / $zero); }";
  for (const format of [[], ["-f", "json"]]) {
    await using tracer = new RunningBtrace([
      ...["-k", ...format, "-c", `${buildCaller()} 20000`, "-e", script],
    ]);
    const { stdout, stderr } = await tracer.result();
    const said = (stdout + stderr).split("\n").filter((line) => /Divide or modulo by 0/.test(line));
    const counts = said.map((line) => Number(/\b(\d+) more: Divide/.exec(line)?.[1] ?? 1));
    assertEquals(counts.reduce((sum, count) => sum + count), 20000);
    assert(said.length < 2000, `${said.length} lines`);
  }
});

kernelTest("a full map is told as such", [], () => {
  const fill = "BEGIN { $i = 0; while ($i < 20) { @[$i] = 1; $i++; } exit(); }";
  const { stderr } = btrace(["-k", "-e", `config = { max_map_keys = 16 } ${fill}`]);
  assertMatch(stderr, /^WARNING: 4 map updates failed: Map full/m);
  assertEquals(stderr.match(/WARNING: Map full; can't update element/g)?.length, 4);
});

kernelTest("a short name of a thread is one key, whatever name was before", ["gcc"], () => {
  const script = "syscall:getppid:entry { @[comm] = count(); }";
  const { stdout } = btrace(["-q", "-c", buildProgram("renamer"), "-e", script]);
  assertEquals(stdout.trim().split("\n").sort(), [
    "@[]: 1",
    "@[abcdefghijklmno]: 1",
    "@[b]: 3",
    "@[exactly8]: 2",
    "@[first-long-name]: 1",
    "@[second-long-nam]: 1",
  ]);
});

kernelTest("memory that the kernel has not is told as such", ["gcc", "memory cgroup"], async () => {
  using group = new MemoryGroup();
  const script = "config = { max_map_keys = 3000000 } " +
    'syscall:getppid:entry /comm == "caller"/ { @n++; @[@n] = 1; }';
  await using running = new RunningBtrace(
    ["-e", script],
    ["/bin/sh", "-c", `echo $$ > ${group.processes}; exec "$@"`, "sh"],
  );
  await running.attached();
  // The map's memory counts for the group that made the map; the tracer itself goes on unlimited.
  group.leave(running.pid);
  group.permit(3_000_000);
  output(buildCaller(), ["200000"]);
  const { stdout, stderr } = await running.stop();
  const kept = stdout.match(/^@\[\d+\]: 1$/gm)!.length;
  const failed = Number(
    /^WARNING: (\d+) map updates failed: the kernel had no memory at hand/m.exec(stderr)?.[1],
  );
  assertMatch(stdout, /^@n: 200000$/m);
  assertEquals(kept + failed, 200_000);
  assert(kept > 1000 && failed > 1000, `${kept} kept, ${failed} failed`);
});

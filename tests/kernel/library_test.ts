// start(): scripts in a program, on both planes.

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { errorCode } from "../../core/mod.ts";
import { ScriptError, start, type Trace, type TraceRecord } from "../../language/mod.ts";
import { kernelTest, until } from "../helpers.ts";

const PLANES = ["kernel", "user"] as const;

/** All records until the end. */
async function all(trace: Trace): Promise<TraceRecord[]> {
  return await Array.fromAsync(trace);
}

/** What print() shows of some values that go into a script. */
async function printed(plane: "kernel" | "user", value: string | number | bigint | boolean) {
  await using trace = await start({ plane })`BEGIN { print(${value}); exit(); }`;
  const [first] = await all(trace);
  return first.type === "value" ? first.value : first;
}

for (const plane of PLANES) {
  const test = (name: string, fn: () => Promise<void>) =>
    kernelTest(`${name} (${plane} plane)`, [], fn);

  test("values come out of a script as they went in", async () => {
    for (
      const value of [
        ...[0, -1, 7, 2 ** 53 - 1, 1n << 53n, (1n << 64n) - 1n, -(1n << 63n), true, false],
        ...["", "7", "-3", "0x10", 'a"b', "\\n%d\n", "$1 ${1}", "ü€😀", "*/ } //", "'; exit()"],
      ]
    ) {
      const expected = typeof value === "bigint" && Number.isSafeInteger(Number(value))
        ? Number(value)
        : value;
      assertEquals(await printed(plane, value), expected);
    }
  });

  test("a value is one operand, whatever stands around it", async () => {
    await using trace = await start({ plane, params: ["9"] })`BEGIN {
      print(10 -${-3}); print(${2}*${3}+${4}); print(${"ab"} == ${"ab"}); print(str(${"x"}));
      @[${"k"}, ${-5}] = ${1n << 60n}; print($1 + ${1}); exit(${4}); }`;
    const values = (await all(trace)).flatMap((one) => one.type === "value" ? [one.value] : []);
    assertEquals(values, [13, 10, true, "x", 10]);
    assertEquals((await trace.done).exitCode, 4);
    assertEquals(trace.maps.get("").get(["k", -5]), 1n << 60n);
  });

  test("records have types, and maps are records at the end", async () => {
    await using trace = await start({ plane, unsafe: true })`
      BEGIN { printf("%s %d %x\n", ${"a"}, -2, 255); print((1, "b")); print(@gone); @gone = 0; delete(@gone);
        time("now\n"); system("echo out"); warnf("careful"); @n = count(); @n = count();
        @s[1, "x"] = sum(${5}); print(@s); print(@n); exit(); }
      END { print("end"); }`;
    const records = await all(trace);
    const { name, ...rest } = { name: "script", line: 3, column: 44 };
    void name;
    assertEquals(
      records.map((one) => one.type === "warning" ? { ...one, ...rest } : one),
      [
        { type: "printf", text: "a -2 ff\n", values: ["a", -2, 255] },
        { type: "value", value: [1, "b"] },
        { type: "map", name: "gone", entries: [{ key: [], value: 0 }] },
        { type: "time", text: "now\n" },
        { type: "system", text: "out\n" },
        { type: "warning", message: "careful", file: "script", ...rest },
        { type: "map", name: "s", entries: [{ key: [1, "x"], value: 5 }] },
        { type: "map", name: "n", entries: [{ key: [], value: 2 }] },
        { type: "value", value: "end" },
        ...records.slice(-3),
      ],
    );
    assertEquals(records.slice(-3).map((one) => one.type === "map" && one.name), [
      "gone",
      "n",
      "s",
    ]);
  });

  test("maps are read while the script runs and when it has ended", async () => {
    const trace = await start({ plane })`
      BEGIN { @h = hist(5); @h = hist(5); @h = hist(1000); @l = lhist(25, 0, 100, 10);
        @avg[1] = avg(10); @avg[1] = avg(21); @st = stats(4); @st = stats(8); @max[-1] = max(-7);
        @t[1, "two", (3, true)] = 4; @text["k"] = "v"; @big = 1 << 62; @none = 1; delete(@none);
        @b[buf("xy", 2)] = 1; @rec = (a = 1, b = "c") }
      interval:hz:100 { @ticks = count() }`;
    const { maps } = trace;
    const look = () => ({
      h: maps.get("h").value,
      l: maps.get("@l").value,
      avg: maps.get("avg").get(1),
      st: maps.get("st").value,
      max: maps.get("max").get([-1n]),
      t: maps.get("t").get([1, "two", 3, true]) ?? [...maps.get("t")],
      text: maps.get("text").get("k"),
      big: maps.get("big").value,
      none: [maps.get("none").value, maps.get("none").size, maps.get("text").get("other")],
      wrong: [maps.get("text").get(1), maps.get("avg").get("1"), maps.get("avg").get([1, 2])],
      b: maps.get("b").get(new TextEncoder().encode("xy")),
      rec: maps.get("rec").value,
    });
    const during = look();
    assertEquals(during, {
      h: { buckets: during.h && (during.h as { buckets: [] }).buckets, total: 3 },
      l: { buckets: [{ min: 20, max: 29, count: 1 }], total: 1 },
      avg: 15,
      st: { count: 2, average: 6, total: 12 },
      max: -7,
      t: [[[1, "two", [3, true]], 4]],
      text: "v",
      big: 1n << 62n,
      none: [undefined, 0, undefined],
      wrong: [undefined, undefined, undefined],
      b: 1,
      rec: { a: 1, b: "c" },
    });
    const { buckets } = during.h as { buckets: { min: number; max: number; count: number }[] };
    assertEquals(
      [buckets[0], buckets.at(-1)],
      [{ min: 4, max: 7, count: 2 }, { min: 512, max: 1023, count: 1 }],
    );
    const ticks = maps.get<[], number>("ticks");
    await until("ticks", () => (ticks.value ?? 0) >= 3);
    assertEquals(maps.get("t").snapshot(), [{ key: [1, "two", [3, true]], value: 4 }]);
    assertEquals(maps.get("text").snapshot(), [{ key: "k", value: "v" }]);
    const error = await assertRejects(() => Promise.try(() => maps.get("hh")), RangeError);
    assertStringIncludes(error.message, "no map @hh; it has @avg, @b, @big");
    await trace.stop();
    assertEquals(look(), during);
    assert(ticks.value! >= 3);
    assertEquals([...maps].length, maps.names().length);
  });

  test("a slow reader of a flood misses nothing without being told", async () => {
    // On the user plane the program waits, on the kernel plane the ring holds or counts.
    const command = "sh -c 'i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done > /dev/null'";
    await using trace = await start({ plane, command, highWaterMark: 16 })`
      syscall:write:entry { printf("%d", args.count); @ = count(); }`;
    let [read, most] = [0, 0];
    for await (const record of trace) {
      if (record.type === "printf") read++;
      if (read % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      most = Math.max(most, read);
    }
    const lost = Number(trace.stats.lostRecords);
    assertEquals([read + lost, trace.maps.get("").value], [3000, 3000]);
    if (plane === "user") assertEquals(lost, 0);
    assertEquals(trace.unread, 0);
  });

  test("records that nobody reads are counted", async () => {
    await using trace = await start({ plane, highWaterMark: 4 })`
      interval:ms:20 { $i = 0; while ($i < 10) { print($i); $i++ } exit(); }`;
    await trace.done;
    const records = await all(trace);
    const values = records.flatMap((one) => one.type === "value" ? [one.value] : []);
    assertEquals([values, trace.unread], [[0, 1, 2, 3], 6]);
    const last = records.at(-1)!;
    assert(last.type === "lost" && last.cause === "unread" && last.count === 6);
  });

  test("a signal, the end of a command and exit() end a trace; END runs", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    await using one = await start({ plane, signal })`interval:s:100 { } END { print("bye"); }`;
    controller.abort();
    assertEquals(await all(one), [{ type: "value", value: "bye" }]);
    await assertRejects(() => start({ plane, signal })`BEGIN { }`, DOMException);

    await using two = await start({ plane, command: "true" })`
      syscall:exit_group:entry { print(pid == ${0}); }`;
    assertEquals((await all(two))[0], { type: "value", value: false });

    await using three = await start({ plane })`interval:ms:1 { exit(300); }`;
    assertEquals((await three.done).exitCode, 300 & 255);
  });

  test("several traces run at once, and one after the other", async () => {
    for (let round = 0; round < 2; round++) {
      const traces = await Promise.all(
        [1, 2, 3].map((n) => start({ plane })`interval:hz:200 { @[${n}] = count(); }`),
      );
      await until("all count", () => traces.every((one) => one.maps.get("").size === 1));
      assertEquals(traces.map((one) => [...one.maps.get("").keys()]), [[[1]], [[2]], [[3]]]);
      for (const trace of traces) await trace.stop();
    }
  });

  test("errors of a script have places", async () => {
    const broken = () => start({ plane, name: "my.bt" })`BEGIN { print(${1} + nothing_such); }`;
    const error = await assertRejects(broken, ScriptError);
    const [{ code, span }] = error.diagnostics;
    assertEquals([code, error.source.text.slice(span.start, span.end)], [
      code,
      "nothing_such",
    ]);
    assertMatch(error.message, /^my\.bt:1:22-34: ERROR: .*nothing_such/);
  });
}

kernelTest("what no script can mean is refused before anything is made", [], async () => {
  for (const value of [1.5, NaN, 2 ** 53, 1n << 64n, -(1n << 63n) - 1n, "a\0b"]) {
    await assertRejects(() => start`BEGIN { print(${value}); }`, RangeError);
  }
  for (const value of [undefined, null, {}, [], Symbol(), "\ud800"]) {
    await assertRejects(() => start`BEGIN { print(${value as string}); }`, TypeError);
  }
});

kernelTest("a value never becomes text of the script", [], async () => {
  const refused: [Promise<Trace>, string][] = [
    [start`BEGIN { printf("hello ${"x"}"); }`, "not a part of a text"],
    [start`BEGIN { } /* ${1} */`, "a comment"],
    [
      start`#define N ${1}
      BEGIN { print(N); }`,
      "a definition",
    ],
    [start`syscall:${"open*"}:entry { }`, '"*"'],
    [start`${"syscall:openat"}:entry { }`, '":"'],
    [start`syscall:${"openat:entry { exit(); } BEGIN"} { }`, '":"'],
    [start`uprobe:${"/bin/[a]"}:main { }`, '"["'],
    [start`BEGIN { ${"exit"}(); }`, "syntax"],
    [start`BEGIN { $${"x"} = 1; }`, "syntax"],
    [start("BEGIN { print(${1}); }"), "syntax"],
  ];
  for (const [made, message] of refused) {
    assertStringIncludes((await assertRejects(() => made, ScriptError)).message, message);
  }
});

kernelTest("values are parts of probes' names, quoted", [], async () => {
  await using one = await start`syscall:${"openat"}:entry /pid == ${Deno.pid}/ {
    print(str(args.filename)); }`;
  Deno.statSync("/");
  Deno.openSync("/etc/hostname").close();
  for await (const record of one) {
    assertEquals(record, { type: "value", value: "/etc/hostname" });
    break;
  }
  await using two = await start`interval:ms:${5}2 { exit(${7}); }`;
  assertEquals((await two.done).exitCode, 7);
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/a b,{c}"d`;
    const error = await assertRejects(() => start`uprobe:${path}:main { }`, ScriptError);
    assertStringIncludes(error.message, "a b,{c}");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

kernelTest("a trace that fails says why, once", [], async () => {
  assertEquals(
    errorCode(await assertRejects(() => start({ plane: "user", pid: Deno.pid })`BEGIN { }`)),
    "EPERM",
  );
  assertEquals(
    errorCode(await assertRejects(() => start({ pid: 2 ** 22 + 5 })`interval:s:1 { }`)),
    "ESRCH",
  );
  await assertRejects(() => start({ highWaterMark: 0 })`BEGIN { }`, RangeError);
  await assertRejects(() => start({ command: "/nothing/such" })`interval:s:1 { }`);
});

// Tests of tracepoints in TypeScript programs: seen from within, from outside, and by other
// tracers.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openDevice } from "../../core/mod.ts";
import { staticPoints } from "../../providers/mod.ts";
import { publishChannels, tracepoints } from "../../providers/static/mod.ts";
import { compile, run } from "../../language/mod.ts";
import { btrace, codeOf, kernelTest, output, ROOT, RunningBtrace, testWith } from "../helpers.ts";
import { findOracle } from "../oracle/oracle.ts";

const PROGRAM = `${ROOT}tests/testdata/traced_program.ts`;

/** Starts a program with tracepoints; resolves when the program runs. */
async function start(rounds = 500): Promise<Deno.ChildProcess & AsyncDisposable> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROGRAM, `${rounds}`],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // The program has ended already.
      }
      await child.stdout.cancel();
      await child.status;
      // A killed program could not remove its library.
      for (const path of librariesOf(child.pid)) Deno.removeSync(path);
    },
  });
}

function librariesOf(pid: number): string[] {
  return [...Deno.readDirSync("/tmp")].map(({ name }) => `/tmp/${name}`)
    .filter((path) => path.startsWith(`/tmp/dt-static-${pid}-`));
}

Deno.test("tracepoints() are seen by a session of the same process, without privilege", async () => {
  const points = tracepoints("inside", { request: ["string", "u32"], other: [] });
  using session = openDevice({ providers: [staticPoints()] }).open({ plane: "user" });
  const requests = session.enable("static:inside:request", {
    capture: { arg0: "string", arg1: "int" },
  });
  points.request("/before", 1);
  session.start();
  points.request("/página", 4294967295);
  points.other();
  points.request("/second", 2);
  const seen: unknown[] = [];
  for await (const event of session) {
    if (requests.is(event)) seen.push([event.captured.arg0, event.captured.arg1, event.pid]);
    if (seen.length === 2) session.stop();
  }
  points.request("/after", 3);
  assertEquals(seen, [["/página", 4294967295n, Deno.pid], ["/second", 2n, Deno.pid]]);
  assertEquals(session.stats().fired, 2n);
});

Deno.test("tracepoints() are seen by a script of the same process", async () => {
  const points = tracepoints("scripted", { done: ["string", "i64"] });
  const device = openDevice({ providers: [staticPoints()] });
  const text = "static:scripted:done { @[str(arg0)] = sum(arg1); if (arg1 == 5) { exit(); } }";
  const script = compile({ name: "test", text }, device, { plane: "user" });
  let printed = "";
  const ended = run(script, device, {
    stdout: (bytes) => printed += new TextDecoder().decode(bytes),
    stderr: () => {},
    onAttached: () => {
      for (const value of [-3n, -4n]) points.done("a", value);
      points.done("b", 5);
    },
  });
  await ended;
  assertEquals(printed.trim().split("\n"), ["@[a]: -7", "@[b]: 5"]);
});

kernelTest("btrace sees tracepoints of another process, with their types", [], async () => {
  await using program = await start();
  const listed = output(Deno.execPath(), [
    ...["run", "-A", "--no-check", `${ROOT}tools/btrace.ts`, "-lv", "static:dttest:*"],
  ]).stdout;
  assertStringIncludes(
    listed,
    "static:dttest:request\n    const char * arg0\n    unsigned int arg1\n",
  );
  const script = 'static:dttest:request { printf("%s %d\\n", str(arg0), arg1); } ' +
    'static:dttest:done { printf("%d %lu\\n", arg0, arg1); } ' +
    'static:dttest:kinds { printf("%d %ld %d %ld %s %d\\n", arg0, arg1, arg2, arg3, str(arg4), arg5); ' +
    "@++; if (@ == 3) { exit(); } }";
  const { code, stdout, stderr } = btrace(["-q", "-p", `${program.pid}`, "-e", script]);
  assertEquals(code, 0, stderr);
  const lines = stdout.split("\n").slice(0, 9);
  const first = Number(/^\/página\/(\d+) \1$/.exec(lines.find((one) => one.startsWith("/"))!)![1]);
  assert(lines.includes(`/página/${first + 1} ${first + 1}`), stdout);
  assert(lines.includes(`${first} ${2n ** 63n + BigInt(first)}`), stdout);
  assert(lines.includes(`-1 -1099511627776 1 7 last -${first}`), stdout);
});

kernelTest("bpftrace lists and traces them, with right arguments", ["oracle"], async () => {
  await using program = await start();
  const [bpftrace, ...prefix] = findOracle()!.command;
  const listed = output(bpftrace, [...prefix, "-l", "-p", `${program.pid}`, "usdt:*"]).stdout;
  assertMatch(listed, /^usdt:.*\/dt-static-\d+-dttest-\w+\.so:dttest:request$/m);
  const [path] = librariesOf(program.pid);
  const script = `usdt:${path}:dttest:request { printf("%s %d\\n", str(arg0), arg1); } ` +
    `usdt:${path}:dttest:kinds { printf("%d %ld %d %d %s %d\\n", arg0, arg1, arg2, arg3, str(arg4), ` +
    `arg5); } interval:ms:300 { exit(); }`;
  const { stdout } = output(bpftrace, [...prefix, "-p", `${program.pid}`, "-e", script]);
  const found = /^\/página\/(\d+) \1\n-1 -1099511627776 1 7 last (-?\d+)$/m.exec(stdout);
  assert(found !== null && Number(found[2]) === -Number(found[1]), stdout);
});

kernelTest(
  "a traced program is unharmed when its tracer is killed, and cleans up after itself",
  [],
  async () => {
    await using program = await start(150);
    await using tracer = new RunningBtrace(["-e", "static:dttest:request { @ = count(); }"]);
    await tracer.attached();
    await tracer.stop("SIGKILL");
    assertEquals((await program.status).code, 0);
    assertEquals(librariesOf(program.pid), []);
  },
);

testWith("libraries of programs that were killed are removed by the next one", [], async () => {
  const killed = await start();
  killed.kill("SIGKILL");
  await killed.status;
  assertEquals(librariesOf(killed.pid).length, 1);
  await using _next = await start();
  assertEquals(librariesOf(killed.pid), []);
  await killed.stdout.cancel();
});

Deno.test("tracepoints() of several copies of the module are one set", async () => {
  const copy = Deno.makeTempDirSync();
  try {
    assertEquals(output("cp", ["-r", `${ROOT}core`, `${ROOT}providers`, copy]).code, 0);
    const other = await import(`file://${copy}/providers/static/mod.ts`) as {
      tracepoints: typeof tracepoints;
    };
    const points = other.tracepoints("copied", { point: ["u32"] });
    const same = tracepoints("copied", { point: ["u32"] });
    using session = openDevice({ providers: [staticPoints()] }).open({ plane: "user" });
    session.enable("static:copied:point", { capture: { arg0: "int" } });
    session.start();
    points.point(1);
    same.point(2);
    session.stop();
    const values: unknown[] = [];
    for await (const event of session) values.push(event.captured.arg0);
    assertEquals(values, [1n, 2n]);
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
});

Deno.test("whatever is passed, and whatever listeners do, the program does not notice", async () => {
  const points = tracepoints("careless", { point: ["i64", "i32", "u32"] });
  const careless = points.point as (...values: unknown[]) => void;
  const device = openDevice({ providers: [staticPoints()] });
  using session = device.open({ plane: "user" });
  session.enable("static:careless:point", {
    capture: { arg0: "int", arg1: "int", arg2: "int" },
  });
  session.start();
  careless(NaN, Infinity, undefined);
  careless(2 ** 40, 2 ** 32 + 5, -1);
  session.stop();
  const seen: unknown[] = [];
  for await (const event of session) seen.push(Object.values(event.captured));
  assertEquals(seen, [[0n, 0n, 0n], [BigInt(2 ** 40), 5n, 4294967295n]]);

  using failing = device.open({ plane: "user" });
  failing.enable("static:careless:point", {
    action: {
      user() {
        throw new Error("the action's");
      },
    },
  });
  failing.start();
  careless(1, 2, 3);
  let failure = "";
  await failing.wait().catch((error) => failure = error.message);
  assertEquals(failure, "the action's");
});

kernelTest("files that only look like a program's library are not believed", [], async () => {
  await using program = await start();
  const [library] = librariesOf(program.pid);
  // Libraries that must not be believed: a file of another user, a file that is not mapped, and a
  // file of a process that has ended.
  const others = [`/tmp/dt-static-${program.pid}-fake-1.so`, "/tmp/dt-static-999999-fake-2.so"];
  try {
    for (const path of others) {
      const bytes = Deno.readFileSync(library);
      // The forged file has another provider's name: dttest becomes fakest.
      const text = new TextDecoder("latin1").decode(bytes).replaceAll("dttest", "fakest");
      Deno.writeFileSync(path, Uint8Array.from(text, (one) => one.charCodeAt(0)));
      Deno.chownSync(path, 65534, 65534);
    }
    const { stdout } = btrace(["-l", "static:*"]);
    assertStringIncludes(stdout, "static:dttest:request");
    assertEquals(stdout.includes("fakest"), false);
  } finally {
    for (const path of others) Deno.removeSync(path);
  }
});

kernelTest("a tracepoint whose process has ended is refused in one line", [], async () => {
  const device = openDevice({ providers: [staticPoints()] });
  {
    await using _program = await start();
    assert(device.match("static:dttest:done").length === 1);
  }
  using session = device.open();
  assertEquals(codeOf(() => session.enable("static:dttest:done")), "ENOENT");
});

Deno.test("tracepoints() refuses what it cannot declare", () => {
  const declare = (namespace: string, definitions: unknown) =>
    codeOf(() => tracepoints(namespace, definitions as Record<string, []>));
  tracepoints("taken", { point: ["u32"] });
  assertEquals(declare("taken", { point: ["string"] }), "EEXIST");
  assertEquals(declare("no-name", {}), "EINVAL");
  assertEquals(declare("bad", { "a:b": [] }), "EINVAL");
  assertEquals(declare("bad", { point: ["f64"] }), "EINVAL");
  assertEquals(declare("bad", { point: new Array(7).fill("u32") }), "EINVAL");
});

Deno.test("tracepoints() work where FFI is not permitted, for the process itself", () => {
  const script = Deno.makeTempFileSync({ suffix: ".ts" });
  Deno.writeTextFileSync(
    script,
    `import { tracepoints } from "${ROOT}providers/static/mod.ts";
    const points = tracepoints("modest", { point: ["string"] });
    points.point("x");
    console.log("fine");`,
  );
  const { stdout, stderr } = output(Deno.execPath(), ["run", "--no-prompt", script]);
  Deno.removeSync(script);
  assertEquals([stdout, stderr], ["fine\n", ""]);
});

Deno.test("a tracepoint that nobody looks at costs about a nanosecond", () => {
  const points = tracepoints("cost", { done: ["u32", "u64"], request: ["string", "u32"] });
  const rounds = 2_000_000;
  const measure = (call: (i: number) => void) => {
    const before = performance.now();
    for (let i = 0; i < rounds; i++) call(i);
    return (performance.now() - before) / rounds * 1e6;
  };
  // The unit is a call of a C function that does next to nothing, about 10 ns. Both are measured in
  // turns, because others use the machine, too.
  const library = Deno.dlopen("libc.so.6", { abs: { parameters: ["i32"], result: "i32" } });
  const { abs } = library.symbols;
  let last = 0;
  const costs = Array.from({ length: 31 }, () => {
    const nothing = measure(() => {});
    const call = measure((i) => last = abs(i)) - nothing;
    const ours = measure((i) => {
      points.done(i, 5);
      points.request("/index.html", i);
    }) - nothing;
    return ours / 2 / call;
  });
  library.close();
  assertEquals(last, rounds - 1);
  const median = costs.toSorted((a, b) => a - b)[15];
  assert(median < 0.25, costs.join());
});

Deno.test("publishChannels() makes tracepoints of channels, and nothing while nobody looks", async () => {
  const { channel } = await import("node:diagnostics_channel");
  const requests = channel("dt.test:request");
  let asked = 0;
  const message = {
    method: "GET",
    get path() {
      asked++;
      return "/index.html";
    },
    request: { headers: ["a", "b"], socket: { deep: { deeper: 1 } }, bytes: 7n },
    callback() {},
  };
  {
    using _published = await publishChannels(["dt.test:request"], "channels");
    requests.publish(message);
    assertEquals(asked, 0);
    using session = openDevice({ providers: [staticPoints()] }).open({ plane: "user" });
    session.enable("static:channels:dt_test_request", { capture: { arg0: { string: 256 } } });
    session.start();
    requests.publish(message);
    // A message that throws when somebody looks into it must not disturb the publisher.
    requests.publish({
      get broken(): never {
        throw new Error("broken");
      },
    });
    session.stop();
    const texts: unknown[] = [];
    for await (const event of session) texts.push(event.captured.arg0);
    assertEquals(texts, [
      '{"method":"GET","path":"/index.html","request":{"bytes":"7"}}',
      "",
    ]);
  }
  assertEquals(requests.hasSubscribers, false);
});

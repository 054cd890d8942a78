// Tests of providers in modules of their own, which btrace loads by --provider.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { btrace, ROOT, RunningBtrace } from "../helpers.ts";
import { serve } from "../serve.ts";

const EXAMPLE = `${ROOT}examples/log_provider.ts`;

/** Makes an empty log file, and a function that adds text to it. */
function logFile(): { path: string; add(text: string): void } & Disposable {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/app.log`;
  Deno.writeTextFileSync(path, "from before\n");
  return {
    path,
    add: (text) => Deno.writeTextFileSync(path, text, { append: true }),
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

Deno.test("the lines of a log file are probes, with the example by path", async () => {
  using log = logFile();
  const script = `log:${log.path}:line {
    printf("%d %s\\n", args.number, str(args.text));
    if (args.number == 5) { exit(); }
  }
  interval:s:20 { exit(); }`;
  await using tracer = new RunningBtrace([
    ...["--plane", "user", "--provider", EXAMPLE, "-e", script],
  ]);
  await tracer.attached();
  log.add("one\ntwo\nthr");
  log.add("ee\n");
  Deno.renameSync(log.path, `${log.path}.1`);
  log.add("another file\n");
  // Wait until everything has been read: text that is cut off before is lost to any reader.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  Deno.truncateSync(log.path);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  log.add("cut\n");
  const { code, stdout, stderr } = await tracer.result();
  assertEquals(code, 0, stderr);
  assertEquals(stdout.trimEnd(), "1 one\n2 two\n3 three\n4 another file\n5 cut");
});

Deno.test("a provider of one URL and tracepoints() of another meet in one script", async () => {
  await using provider = serve();
  await using third = serve();
  const at = encodeURIComponent(`${third.url}/providers/static/mod.ts`);
  const url = `${provider.url}/tests/testdata/third_provider.ts?static=${at}`;
  const script = `third:tick { @ticks = count(); }
    static:third:hello { printf("%s %d\\n", str(arg0), arg1); if (arg1 == 3) { exit(); } }`;
  await using tracer = new RunningBtrace(["--plane", "user", "--provider", url, "-e", script]);
  const { code, stdout, stderr } = await tracer.result();
  assertEquals(code, 0, stderr);
  assertEquals(stdout, "from afar 1\nfrom afar 2\nfrom afar 3\n\n\n@ticks: 3\n");
  // The error's class is not btrace's own class, so btrace must recognize the error by its code.
  await using bad = new RunningBtrace([
    "--plane",
    "user",
    "--provider",
    url,
    "-e",
    "third:bad { }",
  ]);
  const result = await bad.result();
  assertEquals(result.code, 1);
  assertStringIncludes(result.stderr, "stdin:1:1-10: ERROR: Cannot tick badly\n");
});

Deno.test("the probes of a provider are listed with the others", () => {
  const { code, stdout } = btrace([
    ...["--provider", `${ROOT}tests/testdata/providers/tick.ts`, "-l", "tick:*"],
  ]);
  assertEquals([code, stdout], [0, "tick:tock\n"]);
});

Deno.test("what cannot be a provider is refused in one line", () => {
  const refusals: [module: string, reason: RegExp][] = [
    ["/no/such/module.ts", /No such file or directory/],
    ["https://localhost:1/provider.ts", /error sending request|Import .* failed/],
    [`${ROOT}core/errors.ts`, /its default export is no function \(core\) => Provider/],
    [`${ROOT}tests/testdata/providers/none.ts`, /returns has no name that probes could begin with/],
    [`${ROOT}tests/testdata/providers/old.ts`, /it follows version 0 of the contract, this is ver/],
    [`${ROOT}tests/testdata/providers/partial.ts`, /it has no function attachments/],
    [`${ROOT}tests/testdata/providers/throws_nothing.ts`, /throws_nothing.ts: undefined/],
    [`${ROOT}tests/testdata/providers/throws.ts`, /throws.ts: no luck$/m],
    [`${ROOT}tests/testdata/providers/class.ts`, /class.ts: Class constructor .* without 'new'/],
    [`${ROOT}tests/testdata/providers/capital.ts`, /probes cannot begin with 'Tick'/],
    [`${ROOT}tests/testdata/providers/short.ts`, /probes cannot begin with 'k'/],
    [`${ROOT}tests/testdata/providers/taken.ts`, /Cannot use two providers named syscall/],
  ];
  for (const [module, reason] of refusals) {
    const { code, stdout, stderr } = btrace(["--provider", module, "-e", "BEGIN { exit(); }"]);
    assertEquals([code, stdout], [1, ""], module);
    // Deno itself reports what it downloads.
    assert(/^(.*Download.*\n)?ERROR: Cannot (load provider|use) .*\n$/.test(stderr), stderr);
    assert(reason.test(stderr), stderr);
  }
});

Deno.test("a provider of the user plane says so on the kernel's", () => {
  const { code, stderr } = btrace([
    ...["--plane", "kernel", "--provider", EXAMPLE, "-e", `log:${EXAMPLE}:line { }`],
  ]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "lines of log files are seen on the user plane (--plane user)");
});

Deno.test("a provider that fails is named in one line", () => {
  for (
    const [name, message] of [
      ["bad_alloc", "Provider tick failed in alloc: it returned undefined, no array"],
      ["bad_run", "Provider tick failed in run: out of luck"],
    ]
  ) {
    const { code, stderr } = btrace([
      ...["--plane", "user", "--provider", `${ROOT}tests/testdata/providers/${name}.ts`],
      ...["-e", "tick:tock { }"],
    ]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `ERROR: ${message}\n`);
    assert(!/\bat \S+:\d+/.test(stderr), stderr);
  }
});

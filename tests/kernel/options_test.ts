// Tests of btrace's options, as a user types them.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { btrace, btraceCommand, kernelTest, output, RunningBtrace } from "../helpers.ts";

function stdout(args: readonly string[]): string {
  const { code, stdout, stderr } = btrace(args);
  assertEquals([code, stderr.replace(/^Attached \d+ probes?\n/, "")], [0, ""]);
  return stdout;
}

kernelTest("-o writes to a file, -q says nothing else", [], () => {
  const file = Deno.makeTempFileSync();
  const result = btrace(["-q", "-o", file, "-e", 'BEGIN { printf("to the file\\n"); }']);
  assertEquals(result, { code: 0, stdout: "", stderr: "" });
  assertEquals(Deno.readTextFileSync(file), "to the file\n\n\n");
  Deno.removeSync(file);
});

kernelTest("-f json is one object a line", [], () => {
  const lines = stdout(["-f", "json", "-e", "BEGIN { print(1); @x = 2; }"]).trim().split("\n");
  assertEquals(lines.map((line) => JSON.parse(line).type), ["attached_probes", "value", "map"]);
});

kernelTest("--dry-run attaches and prints nothing", [], () => {
  const { code, stdout, stderr } = btrace([
    "--dry-run",
    "-e",
    "BEGIN { print(1); } interval:s:1 { }",
  ]);
  assertEquals([code, stdout, stderr], [0, "", ""]);
});

Deno.test("-n checks only", () => {
  assertEquals(btrace(["-n", "-e", "BEGIN { print(1); }"]).code, 0);
  assertEquals(btrace(["-n", "-e", "BEGIN { print($x); }"]).code, 1);
});

Deno.test("--fmt prints the program in its canonical form", () => {
  assertEquals(stdout(["--fmt", "-e", "BEGIN{print(1);}"]), "BEGIN {\n  print(1);\n}\n");
});

Deno.test("-d shows tree, checked program and instructions", () => {
  const text = stdout(["-d", "all", "-e", "BEGIN { @x[comm] = count(); }"]);
  assertStringIncludes(text, "AST");
  assertStringIncludes(text, "@x[string[16]]: count_t, PERCPU_HASH, 4096 entries");
  assertMatch(text, /; begin\n +0: \(bf\) r6 = r1/);
});

Deno.test("-d refuses bpftrace's other stages in a line that lists those that there are", () => {
  for (const stage of ["parse", "codegen-opt", "libbpf", "verifier"]) {
    const { code, stdout, stderr } = btrace(["-d", stage, "-e", "BEGIN { }"]);
    const message =
      `Debug stage ${stage} does not exist here; there are: ast, types, codegen, dis, all`;
    assertEquals([code, stdout, stderr], [1, "", `ERROR: ${message}\n`]);
  }
});

Deno.test("--info names the kernel's features", () => {
  assertMatch(stdout(["--info"]), /System\n {2}OS: linux .*\n[^]*btf: (yes|no)\n/);
});

kernelTest("--test runs tests in order and judges each alone", [], () => {
  const script =
    'test:good { print("here"); } test:bad { errorf("no"); } test:exits { exit(2); } ' +
    "test:returns { return 1; } test:fine { return 0; }";
  const { code, stdout } = btrace(["--test", "-q", "-e", script]);
  // deno-lint-ignore no-control-regex
  const plain = stdout.replace(/\x1b\[\d+m/g, "").replace(/\(\d+ μs\)/g, "(N μs)");
  assertEquals(code, 1);
  assertEquals(
    plain,
    `[==========] Running 5 tests.
[ RUN      ] good
[       OK ] good (N μs)
[ RUN      ] bad
stdin:1:41-53: ERROR: no
[  FAILED  ] bad (N μs)
[ RUN      ] exits
[  FAILED  ] exits (N μs)
[ RUN      ] returns
[  FAILED  ] returns (N μs)
[ RUN      ] fine
[       OK ] fine (N μs)
[==========] 5 tests ran.
[  PASSED  ] 2 tests.
[  FAILED  ] 3 tests, listed below:
[  FAILED  ] bad
[  FAILED  ] exits
[  FAILED  ] returns


`,
  );
});

kernelTest("--bench measures", ["root"], () => {
  const text = stdout(["--bench", "-e", "bench:count { @ = count(); } bench:nothing { }"]);
  assertMatch(
    text,
    /^Benchmark {32}Time\(ns\) {7}Iterations\n-+\ncount {36}\d+ +\d+\nnothing {34}\d+ +\d+\n/,
  );
});

kernelTest("positional and named parameters", [], () => {
  const script = 'BEGIN { printf("%s %d %s\\n", str($1), $2, getopt("who", "nobody")); }';
  assertEquals(stdout(["-q", "-e", script, "one", "2", "--", "--who=me"]), "one 2 me\n\n\n");
  const unknown = btrace(["-e", 'BEGIN { getopt("aa", 1); }', "--", "--bb"]);
  assertEquals(unknown.code, 1);
  assertEquals(
    unknown.stderr,
    "ERROR: unexpected program command line options: --bb\nHINT: expected program options: --aa\n",
  );
  const help = btrace(["-e", 'BEGIN { getopt("aa", 1, "a number"); }', "--", "--help"]);
  assert(help.code !== 0);
  assertStringIncludes(help.stderr, "HINT: expected program options:\n--aa: a number\n");
});

kernelTest("self:signal runs when the tracer gets SIGUSR1", [], async () => {
  await using tracer = new RunningBtrace([
    "-e",
    'self:signal:SIGUSR1 { printf("got it\\n"); exit(); }',
  ]);
  await tracer.attached();
  const { code, stdout } = await tracer.stop("SIGUSR1");
  assertEquals([code, stdout], [0, "got it\n\n\n"]);
});

kernelTest("--probe-filter keeps what matches", [], () => {
  const attached = (filter: string) => {
    const program = "syscall:open*:entry { } BEGIN { exit(); }";
    return btrace(["--probe-filter", filter, "-e", program]).stderr;
  };
  assertEquals(attached("openat$"), "Attached 1 probe\n");
  assertEquals(attached("openat:"), "Attached 2 probes\n");
});

kernelTest("imports and headers are found beside the script and by -I", [], () => {
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(
    `${folder}/lib.bt`,
    "macro plus(a, b) { a + b }\nfn seven() : int64 { return 7; }\n",
  );
  Deno.writeTextFileSync(
    `${folder}/types.h`,
    "#ifndef H\n#define H\nstruct two { int a; int b; };\n#define SEVEN 7\n#endif\n",
  );
  Deno.writeTextFileSync(
    `${folder}/main.bt`,
    'import "lib.bt";\nimport "types.h";\nBEGIN { print(plus(sizeof(struct two), SEVEN)); print(seven()); }\n',
  );
  assertEquals(stdout(["-q", `${folder}/main.bt`]), "15\n7\n\n\n");
  const script = "#include <types.h>\nBEGIN { print(sizeof(struct two)); }";
  assertEquals(stdout(["-q", "-I", folder, "-e", script]), "8\n\n\n");
  assertEquals(
    stdout(["-q", "-I", folder, "--include", "types.h", "-e", "BEGIN { print(SEVEN); }"]),
    "7\n\n\n",
  );
  Deno.writeTextFileSync(`${folder}/lib.bt`, "macro plus(a, b) { a + }");
  const broken = btrace([`${folder}/main.bt`]);
  assertMatch(broken.stderr, /^lib\.bt:1:24-25: ERROR: syntax: expected expression/);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("wrong options are one error with the usage", () => {
  for (
    const [args, message] of [
      [["--nonsense"], "ERROR: unknown option --nonsense\n"],
      [["-f", "xml", "-e", "BEGIN { }"], "ERROR: Invalid value 'xml': expected text or json\n"],
      [["-p", "1", "-c", "ls", "-e", "BEGIN { }"], "ERROR: -c and -p cannot be used together\n"],
      [
        ["-k", "--no-warnings", "-e", "BEGIN { }"],
        "ERROR: -k and --no-warnings cannot be used together\n",
      ],
      [
        ["-d", "nonsense", "-e", "BEGIN { }"],
        "ERROR: Unknown debug stage: nonsense: expected ast, types, codegen, dis, all\n",
      ],
    ] as const
  ) {
    const { code, stdout, stderr } = btrace(args);
    assertEquals([code, stdout], [1, ""]);
    assertEquals(stderr, `${message.trimEnd()}: see btrace --help\n`);
  }
});

kernelTest("-l lists trace events, -lv their fields, structures too", ["tracefs"], () => {
  assertEquals(
    stdout(["-lv", "tracepoint:sched:sched_process_exec"]),
    "tracepoint:sched:sched_process_exec\n    __data_loc char[] filename\n    pid_t pid\n    pid_t old_pid\n",
  );
  assertEquals(
    stdout(["-l", "rawtracepoint:sched_switch"]),
    "rawtracepoint:vmlinux:sched_switch\n",
  );
  assertMatch(stdout(["-l", "rawtracepoint:*sched_sw*"]), /^rawtracepoint:vmlinux:sched_switch$/m);
  assertMatch(
    stdout(["-lv", "struct list_head"]),
    /^vmlinux: struct list_head \{\n\tstruct list_head \*next;\n\tstruct list_head \*prev;\n\};/,
  );
  assertEquals(stdout(["-l", "-e", "BEGIN { } interval:s:1 { }"]), "interval:s:\n");
  assertEquals(
    stdout(["-l", "struct list_hea*,enum pid_typ*"]),
    "struct list_head\nenum pid_type\n",
  );
  assertEquals(
    stdout(["-l", "self:*,tracepoint:raw_syscalls:*"]),
    "self:signal:SIGUSR1\ntracepoint:raw_syscalls:sys_enter\ntracepoint:raw_syscalls:sys_exit\n",
  );
});

kernelTest("without tracefs the error says so, and system calls work", ["unshare"], () => {
  const unmounted = (script: string) => {
    const [command, ...args] = btraceCommand(["-n", "-e", script]);
    return output("unshare", [
      ...["-m", "sh", "-c", 'umount /sys/kernel/tracing /sys/kernel/debug 2>/dev/null; exec "$@"'],
      ...["sh", command, ...args],
    ]);
  };
  assertEquals(
    unmounted("tracepoint:sched:sched_switch { }").stderr,
    "ERROR: Cannot read trace events: tracefs is not mounted: " +
      "mount -t tracefs tracefs /sys/kernel/tracing\n",
  );
  assertEquals(unmounted("tracepoint:syscalls:sys_enter_openat { }").code, 0);
});

kernelTest("missing_probes decides about probes that the kernel refuses", ["root"], () => {
  // A CPU has four watchpoints on x86-64, and a few more on aarch64.
  const points = Array.from({ length: 20 }, (_, i) => `watchpoint:0x1${i + 10}000:8:w`);
  const script = `${points.join(", ")} { } BEGIN { printf("hi\\n"); exit(); }`;
  const run = (how: string, text = script) =>
    btrace(["-e", `config = { missing_probes = "${how}" } ${text}`]);
  const error = run("error");
  assertEquals([error.code, error.stdout], [1, ""]);
  assertMatch(
    error.stderr,
    /^ERROR: Cannot enable watchpoint:\S+: the CPU has no watchpoint left\n$/,
  );
  const warn = run("warn");
  assertEquals([warn.code, warn.stdout], [0, "hi\n\n\n"]);
  const skipped = warn.stderr.match(
    /^WARNING: Unable to attach probe: watchpoint:\S+\. Skipping\.$/gm,
  );
  const attached = Number(/^Attached (\d+) probes$/m.exec(warn.stderr)![1]);
  // BEGIN is one of them.
  assertEquals(skipped!.length + attached, points.length + 1);
  assert(attached > 2, warn.stderr);
  const ignore = run("ignore");
  assertEquals([ignore.stdout, ignore.stderr], ["hi\n\n\n", `Attached ${attached} probes\n`]);
});

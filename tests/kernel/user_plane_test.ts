// Tests of the user plane with real processes: what is traced, what tracing does to the traced
// processes, and what an ordinary user may do.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openDevice } from "../../core/mod.ts";
import { OUTCOME } from "../../core/plugin/mod.ts";
import { openDescriptors } from "../../core/sys/fd.ts";
import { syscall } from "../../providers/mod.ts";
import {
  btrace,
  btraceAsNobody,
  buildProgram,
  codeOf,
  kernelTest,
  nobodyCommand,
  output,
  RunningBtrace,
  testWith,
  until,
} from "../helpers.ts";

const USER = ["--plane", "user"];

/** Finds the process whose thread traces a process; 0 if nobody traces it. */
function tracerOf(pid: number): number {
  const thread = Number(status(pid, "TracerPid") ?? 0);
  return thread === 0 ? 0 : Number(status(thread, "Tgid"));
}

/** Reads a field of /proc/PID/status; undefined if the process is gone. */
function status(pid: number, field: string): string | undefined {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/status`);
    return new RegExp(`^${field}:\\s+(\\S+)`, "m").exec(text)?.[1];
  } catch {
    return undefined;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

testWith("an ordinary user traces a command", ["root", "setpriv"], () => {
  const { code, stdout, stderr } = btraceAsNobody([
    "-v",
    "-c",
    "ls -l",
    "-e",
    'syscall:openat:entry { printf("%s\\n", str(args.filename)); } ' +
    "syscall:*:return /retval < 0/ { @errors[probe] = count(); }",
  ]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "/etc/ld.so.cache\n");
  assertMatch(stdout, /^@errors\[syscall:openat:return\]: \d+$/m);
  assertStringIncludes(
    stderr,
    "Plane: user (the kernel plane needs CAP_BPF and CAP_PERFMON, which this process lacks)\n",
  );
});

testWith("in a user namespace bpf(2) is refused, and the user plane taken", ["unshare"], () => {
  const btraceCommand = ["-v", "-c", "true", "-e", "syscall:execve:return { print(retval); }"];
  const { code, stdout, stderr } = output("unshare", [
    ...["-U", "-r", Deno.execPath(), "run", "-A", "--no-check"],
    ...[new URL("../../tools/btrace.ts", import.meta.url).pathname, ...btraceCommand],
  ]);
  assertEquals([code, stdout], [0, "0\n\n\n"], stderr);
  assertMatch(stderr, /^Plane: user \(the kernel plane is refused: bpf\(2\) says EPERM/);
});

testWith(
  "what the user plane lacks is refused with what would permit it",
  ["root", "setpriv"],
  () => {
    const refusals: [args: string[], message: RegExp][] = [
      [["--plane", "kernel", "-e", "BEGIN { }"], /needs CAP_BPF and CAP_PERFMON, which .*setpriv/],
      [
        ["-e", "syscall:openat:entry { }"],
        /without a process to trace: name one \(-c or -p\).*CAP_BPF/,
      ],
      [["-e", "profile:hz:99 { }"], /without a process to sample: name one \(-c or -p\).*CAP_BPF/],
      [["-e", "rawtracepoint:sched_switch { }"], /CAP_BPF and CAP_PERFMON/],
      [["-e", "BEGIN { print(kstack); }"], /stdin:1:15-21: ERROR: .* CAP_BPF and CAP_PERFMON/],
      [
        ["-e", "BEGIN { print(curtask->pid); }"],
        /stdin:1:15-\d+: ERROR: .* CAP_BPF and CAP_PERFMON/,
      ],
      [
        ["-p", "1", "-e", "syscall:openat:entry { }"],
        /process 1: it belongs to user 0: .*CAP_SYS_PTRACE/,
      ],
      [
        ["-p", "1", "-e", "profile:hz:9 { }"],
        /sample process 1: it is another user's.*CAP_PERFMON/,
      ],
    ];
    for (const [args, message] of refusals) {
      const { code, stdout, stderr } = btraceAsNobody(args);
      assertMatch(stderr, message, args.join(" "));
      assertEquals([code, stdout], [1, ""], args.join(" "));
      assert(!/ {4}at |internal error/.test(stderr), stderr);
    }
  },
);

testWith("own programs are sampled without privilege", ["root", "setpriv", "gcc"], () => {
  const spin = buildProgram("spin");
  const { stdout, stderr } = btraceAsNobody([
    ...["-c", spin, "-e"],
    'profile:hz:99 { @[comm, usermode, reg("ip") > 0] = count(); @frames = min(len(ustack)); }',
  ]);
  const samples = Number(/^@\[spin, 1, true\]: (\d+)$/m.exec(stdout)?.[1]);
  // The program takes a second of CPU time, most of it in user code.
  assert(samples > 80 && samples < 110, stdout + stderr);
  assertMatch(stdout, /^@frames: [2-9]$/m);
});

testWith("-p sees all threads, and lets go of them", ["gcc"], async () => {
  const program = buildProgram("threads", "-pthread");
  const child = new Deno.Command(program, { args: ["300"] }).spawn();
  await until("all threads run", () => status(child.pid, "Threads") === "5");
  await using tracer = new RunningBtrace([
    ...[...USER, "-p", `${child.pid}`, "-e"],
    "syscall:getppid:entry { @t[tid] = count(); @same[pid] = count(); } syscall:getpgid:return { @m++; }",
  ]);
  await tracer.attached();
  assertEquals(tracerOf(child.pid), tracer.pid);
  await pause(500);
  const { stdout } = await tracer.stop();
  assertEquals(stdout.match(/^@t\[\d+\]: [1-9]\d*$/gm)?.length, 4);
  assertMatch(stdout, new RegExp(`^@same\\[${child.pid}\\]: `, "m"));
  assertEquals(status(child.pid, "TracerPid"), "0");
  assertEquals((await child.status).code, 5);
});

testWith("a tracee runs on if the tracer is killed", ["gcc"], async () => {
  const program = buildProgram("threads", "-pthread");
  const child = new Deno.Command(program, { args: ["100"] }).spawn();
  const tracer = new RunningBtrace([
    ...[...USER, "-p", `${child.pid}`, "-e", "syscall:getppid:entry { @ = count(); }"],
  ]);
  await tracer.attached();
  await pause(100);
  await tracer.stop("SIGKILL");
  await until("nobody traces", () => status(child.pid, "TracerPid") === "0");
  assertEquals((await child.status).code, 5);
});

testWith("signals and stops reach the tracee as they would", [], () => {
  const script = 'trap "echo caught" USR1; kill -USR1 $$; (sleep 0.3; kill -CONT $$) & ' +
    "kill -STOP $$; echo resumed; kill -TERM $$";
  const { stdout } = btrace([
    ...[...USER, "-c", `sh -c '${script}'`, "-e"],
    "syscall:kill:entry { @sent[args.sig] = count(); } interval:ms:10 { @ticks++; }",
  ]);
  assertStringIncludes(stdout, "caught\nresumed\n");
  for (const signal of [10, 15, 18, 19]) assertStringIncludes(stdout, `@sent[${signal}]: 1\n`);
  // The program stood still while it was stopped.
  assert(Number(/@ticks: (\d+)/.exec(stdout)![1]) >= 25, stdout);
});

testWith(
  "--seccomp-bpf stops only what is asked for, and ends with the tracer",
  ["gcc"],
  async () => {
    const script = "syscall:openat:entry { @[str(args.filename)] = count(); } " +
      "syscall:getppid:return { @n[comm] = count(); }";
    const calls = buildProgram("calls", "-pthread");
    const [all, few] = [["--plane", "user"], ["--seccomp-bpf"]].map((options) =>
      btrace(["-v", ...options, "-c", calls, "-e", script])
    );
    assertEquals(few.stdout, all.stdout);
    assertEquals([all.code, few.code], [0, 0]);
    const program = buildProgram("threads", "-pthread");
    const tracer = new RunningBtrace([
      ...[
        "--seccomp-bpf",
        "-c",
        `${program} 500`,
        "-e",
        "syscall:getpgid:entry { @pid[pid] = 1; }",
      ],
    ]);
    await tracer.attached();
    const tracees = () =>
      [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) =>
        pid > 0 && tracerOf(pid) === tracer.pid
      );
    await until("one tracee", () => tracees().length === 1);
    const [pid] = tracees();
    await until("a filter", () => status(pid, "Seccomp") === "2");
    assertEquals(status(pid, "NoNewPrivs"), "1");
    await tracer.stop("SIGKILL");
    await until("the process has ended", () => ["Z", undefined].includes(status(pid, "State")));
    const { code, stderr } = btrace(["--seccomp-bpf", "-e", "syscall:openat:entry { }"]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "--seccomp-bpf needs -c");
  },
);

testWith("clocks tick while system calls are traced", [], () => {
  const { stdout } = btrace([
    ...[...USER, "-c", "find /usr/share -name x", "-e"],
    "BEGIN { @start = nsecs; } syscall:*:entry { @calls = count(); } interval:ms:10 { @ticks++; } " +
    "END { @ms = (nsecs - @start) / 1000000; }",
  ]);
  const of = (name: string) => Number(new RegExp(`^@${name}: (\\d+)$`, "m").exec(stdout)?.[1]);
  assert(of("calls") > 1000, stdout);
  const due = of("ms") / 10;
  assert(of("ticks") > due * 0.7 && of("ticks") <= due + 1, stdout);
});

testWith("nothing is lost, however slowly output is read", [], async () => {
  const [command, ...args] = [Deno.execPath(), "run", "-A", "--no-check"];
  const tool = new URL("../../tools/btrace.ts", import.meta.url).pathname;
  const script = 'syscall:read:return { printf("%d %s\\n", retval, "a line of some length"); }';
  const child = new Deno.Command(command, {
    args: [...args, tool, "-q", ...USER, "-c", "head -c 40000000 /dev/zero", "-e", script],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let lines = 0;
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    lines += decoder.decode(chunk).split("a line of some length").length - 1;
    await pause(5);
  }
  // head reads 8 KiB at a time, and a few other files at its start.
  assert(lines > 40000000 / 8192, `${lines}`);
});

testWith("a session of the user plane captures what it was asked for", ["gcc"], async () => {
  const device = openDevice({ providers: [syscall()] });
  {
    using child = device.hold(buildProgram("calls", "-pthread"));
    using session = device.open({ plane: "user", target: child });
    const opens = session.enable("syscall:openat:entry", {
      states: ["comm", "args", "ustack"],
      capture: { filename: "string", flags: "int" },
    });
    const writes = session.enable("syscall:write:entry", { capture: { buf: { bytes: 6 } } });
    const returns = session.enable("syscall:close:return", { states: ["args"] });
    assertEquals(
      codeOf(() => session.enable("syscall:read:entry", { states: ["kstack"] })),
      "EOPNOTSUPP",
    );
    session.start();
    const names: (string | null)[] = [];
    const results: bigint[] = [];
    let written: Uint8Array | null = null;
    for await (const event of session) {
      if (opens.is(event)) {
        names.push(event.captured.filename);
        assertEquals(event.comm, event.captured.filename === "/dev/null" ? "calls" : event.comm);
        assert(event.args![2] === event.captured.flags && event.ustack!.length > 0);
      } else if (writes.is(event)) written = event.captured.buf;
      else if (returns.is(event)) results.push(event.args![0]);
      if (names.includes("/dev/null") && written !== null && results.length >= 3) break;
    }
    session.stop();
    assertEquals(names.slice(-2), ["/no/such/file", "/dev/null"]);
    assertEquals(new TextDecoder().decode(written!), "Linux\n");
    assert(results.includes(-9n));
    const { fired, recorded, filtered, dropped } = session.stats();
    assertEquals(fired, recorded + filtered + dropped);
  }
  assertEquals(openDescriptors(), []);
});

testWith("whatever an action does, nobody stays stopped", ["gcc"], async () => {
  const program = buildProgram("threads", "-pthread");
  for (const way of ["throw", "stop", "close"]) {
    const child = new Deno.Command(program, { args: ["60"] }).spawn();
    await until("all threads run", () => status(child.pid, "Threads") === "5");
    {
      using session = openDevice({ providers: [syscall()] }).open({
        plane: "user",
        target: { pid: child.pid },
      });
      let events = 0;
      session.enable("syscall:getppid:entry", {
        action: {
          user() {
            events++;
            if (way === "throw") throw new Error("an action's own");
            if (way === "stop") session.stop();
            else session.close();
            return OUTCOME.aggregated;
          },
        },
      });
      session.start();
      await until("an event", () => events > 0);
    }
    await until("nobody traces", () => status(child.pid, "TracerPid") === "0");
    // The process that started the child reads its status, not the tracer.
    assertEquals((await child.status).code, 5, way);
  }
});

testWith("other children of the tracer's thread keep their exit status", ["gcc"], async () => {
  const target = new Deno.Command(buildProgram("threads", "-pthread"), { args: ["50"] }).spawn();
  using session = openDevice({ providers: [syscall()] }).open({
    plane: "user",
    target: { pid: target.pid },
  });
  session.enable("syscall:getppid:entry", { states: ["comm"] });
  session.start();
  const codes: number[] = [];
  for (let i = 0; i < 5; i++) {
    const child = new Deno.Command("sh", { args: ["-c", `sleep 0.05; exit ${i}`] }).spawn();
    codes.push((await child.status).code);
  }
  assertEquals(codes, [0, 1, 2, 3, 4]);
  // The session ends when its target ends.
  let events = 0;
  for await (const _ of session) events++;
  assert(events > 10);
  assertEquals((await target.status).code, 5);
});

testWith("a process whose first thread has ended is traced", ["gcc"], async () => {
  const child = new Deno.Command(buildProgram("leader", "-pthread")).spawn();
  await until("the leader has ended", () => status(child.pid, "State") === "Z");
  const script = "syscall:openat:entry { @[str(args.filename), pid == cpid] = count(); " +
    "if (++@n > 5) { clear(@n); exit(); } }";
  const { code, stdout, stderr } = btrace([...USER, "-p", `${child.pid}`, "-e", script]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "@[/etc/hostname, false]: 6\n");
  child.kill("SIGKILL");
  await child.status;
});

testWith("a tracer that is stopped and continued ends as it would", [], async () => {
  for (const plane of ["user", "kernel"]) {
    const tracer = new RunningBtrace([
      ...["--plane", plane, "-c", "sleep 0.6", "-e", "syscall:clock_nanosleep:return { @ = 1; }"],
    ]);
    await tracer.attached();
    Deno.kill(tracer.pid, "SIGSTOP");
    await pause(100);
    Deno.kill(tracer.pid, "SIGCONT");
    const { stdout } = await tracer.result();
    assertStringIncludes(stdout, "@: 1\n");
  }
});

testWith("a command that cannot be run is one error", [], () => {
  for (const command of ["/no/such/program", "/proc/version"]) {
    const { code, stderr } = btrace([...USER, "-c", command, "-e", "syscall:openat:entry { }"]);
    assertEquals(code, 1);
    assertMatch(stderr, /^ERROR: [^\n]+\n$/);
  }
  const { code, stderr } = btrace([...USER, "-p", "4194303", "-e", "syscall:openat:entry { }"]);
  assertEquals(code, 1);
  assertMatch(stderr, /^ERROR: [^\n]*[Nn]o such process\n$/);
  assert(nobodyCommand([]).length > 0);
});

for (const plane of ["user", "kernel"]) {
  const test = plane === "kernel" ? kernelTest : testWith;
  test(
    `calls by the ABI of 32-bit programs are no others' events, and counted, on the ${plane} plane`,
    [
      "gcc",
    ],
    () => {
      const program = buildProgram("int80");
      const run = (script: string) => {
        const { code, stdout, stderr } = btrace([
          ...["-q", "--plane", plane, "-c", program, "-e", script],
        ]);
        assertEquals(code, 0, stderr);
        const left = /(\d+) system calls? by the ABI of 32-bit programs/.exec(stderr)?.[1];
        return { printed: stdout.trim(), left: Number(left ?? 0) };
      };
      const count = 'if (comm == "int80") { @ = count(); } ';
      // The program makes i386's getppid, number 64, which is semget's here; and getppid itself once.
      const both = "syscall:getppid:entry, syscall:semget:entry";
      const seen = run(`${both} { ${count} }`);
      assertEquals(seen.printed, "@: 1");
      assert(seen.left >= 1, `${seen.left} counted`);
      assert(run(`syscall:semget:return { ${count} }`).left >= 1);
      // As in the kernel, of whose tracepoints these are.
      assertEquals(run(`tracepoint:syscalls:sys_enter_semget { ${count} }`), {
        printed: "",
        left: 0,
      });
    },
  );
}

// Tests of tools/kmonitor.ts and of the provider proc: in scripts, on real workloads, and beside
// strace and forkstat.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  btrace,
  buildProgram,
  kernelTest,
  nobodyCommand,
  output,
  ROOT,
  testWith,
  until,
} from "../helpers.ts";

const TOOL = `${ROOT}tools/kmonitor.ts`;

function kmonitor(args: readonly string[]) {
  return output(Deno.execPath(), ["run", "-A", "--no-check", TOOL, ...args]);
}

interface Line {
  readonly event: string;
  readonly pid: number;
  readonly tid: number;
  readonly parent_pid: number;
  readonly boot_ns: string;
  readonly argv?: readonly string[];
  readonly code?: number;
  readonly signal?: number;
  readonly comm: string;
}

/** Runs a command under kmonitor; returns its events, which kmonitor prints as JSON lines. */
function eventsOf(command: string, ...args: readonly string[]): Line[] {
  const { code, stdout, stderr } = kmonitor(["-f", "-j", "-e", "all", "-c", command, ...args]);
  assertEquals([code, stderr], [0, ""]);
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

const count = (events: readonly Line[], name: string) =>
  events.filter(({ event }) => event === name).length;

const WORKLOAD = "sh -c '/bin/true one; sh -c \"exit 3\"; /bin/echo two words >/dev/null; exit 4'";

kernelTest("kmonitor shows a tree, totals, and ends with the command's status", [], () => {
  const { code, stdout } = kmonitor(["-f", "--wait", "--stats", "-c", WORKLOAD]);
  assertEquals(code, 4);
  const lines = stdout.split("\n");
  assertMatch(lines[0], /^TIME +EVENT +PID +TID +PPID COMMAND$/);
  const events = lines.slice(1).filter((line) => /^\d\d:\d\d:\d\d\.\d{6} /.test(line));
  // Events of children are indented.
  assertMatch(stdout, /^\S+ fork +\d+ +\d+ +\d+ {3}sh$/m);
  assertMatch(stdout, /^\S+ exec +\d+ +\d+ +\d+ {3}true \/bin\/true one$/m);
  assertMatch(stdout, /^\S+ exit +\d+ +\d+ +\d+ {3}sh status 3, [\d.]+ ms$/m);
  assertMatch(stdout, /^\S+ exit +\d+ +\d+ +\d+ sh status 4, [\d.]+ ms$/m);
  // There are 3 forks, 2 or 3 executions and 4 exits.
  const executed = events.filter((line) => / exec /.test(line)).length;
  assertEquals(events.length, 7 + executed);
  assertMatch(stdout, new RegExp(`^total +${executed} +4 +3 +${events.length}$`, "m"));
});

for (const source of ["kernel", "ptrace"] as const) {
  kernelTest(`kmonitor --wait waits for whatever ends (${source})`, [], () => {
    assertEquals(kmonitor(["-w", "--source", source, "-c", "sh -c 'kill -KILL $$'"]).code, 137);
    assertEquals(kmonitor(["-w", "--source", source, "-c", "sh -c 'exit 9'"]).code, 9);
  });
}

for (const source of ["kernel", "ptrace"]) {
  kernelTest(`kmonitor -f follows children whose parents end at once (${source})`, ["gcc"], () => {
    const command = ["-f", "--json", "--source", source, "-c", `${buildProgram("double_fork")} 50`];
    const events = kmonitor(command).stdout.trim().split("\n").map((line) => JSON.parse(line));
    const pids = (name: string) =>
      events.filter(({ event }) => event === name).map(({ pid }) => pid).sort();
    assertEquals(pids("process:fork").length, 100);
    // Each birth is told before the end of the parent, and each end is told.
    const [root] = pids("process:exit").filter((pid) => !pids("process:fork").includes(pid));
    assertEquals([...pids("process:fork"), root].sort(), pids("process:exit"));
    const ended = new Set<number>();
    for (const { event, pid, parent_pid } of events) {
      if (event === "process:exit") ended.add(pid);
      if (event === "process:fork") assert(!ended.has(parent_pid), `${pid} after ${parent_pid}`);
    }
  });
}

for (const source of ["kernel", "ptrace", "connector"]) {
  kernelTest(`kmonitor -c shows the command's own start, and its own time (${source})`, [], () => {
    const { stdout } = kmonitor(["--json", "--source", source, "-c", "sleep 0.2"]);
    const events = stdout.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(events.map(({ event }) => event), ["process:exec", "process:exit"]);
    const [exec, exit] = events;
    assertEquals([exec.comm, exec.argv, exec.pid], ["sleep", ["sleep", "0.2"], exit.pid]);
    const seconds = Number(exit.runtime_ns) / 1e9;
    assert(seconds >= 0.2 && seconds < 0.2 + 0.15, `${seconds}`);
    const between = Number(BigInt(exit.boot_ns) - BigInt(exec.boot_ns)) / 1e9;
    assert(Math.abs(between - seconds) < 0.1, `${between} and ${seconds}`);
  });
}

/** Starts kmonitor in the background; collects what it prints. */
function running(args: readonly string[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", TOOL, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    kill: (signal: Deno.Signal) => child.kill(signal),
    async attached() {
      while (!text.includes("COMMAND\n")) text += (await lines.read()).value ?? "";
    },
    async ended() {
      for (let part = await lines.read(); !part.done; part = await lines.read()) text += part.value;
      return { code: (await child.status).code, stdout: text };
    },
  };
}

kernelTest("kmonitor waits for a process that is not its child", [], async () => {
  const child = new Deno.Command("cat", { stdin: "piped", stdout: "null" }).spawn();
  const tool = running(["--wait", "-p", `${child.pid}`]);
  await tool.attached();
  await child.stdin.close();
  await child.status;
  const { code, stdout } = await tool.ended();
  assertEquals(code, 0);
  assertMatch(stdout, new RegExp(`exit +${child.pid} .* cat status 0, `));
});

kernelTest("kmonitor --wait says when it has not seen the end", [], async () => {
  const child = new Deno.Command("cat", { stdin: "piped", stdout: "null" }).spawn();
  assertEquals(kmonitor(["--wait", "-s", "1", "-p", `${child.pid}`]).code, 124);
  const tool = running(["--wait", "-p", `${child.pid}`]);
  await tool.attached();
  tool.kill("SIGINT");
  assertEquals((await tool.ended()).code, 130);
  await child.stdin.close();
  await child.status;
});

kernelTest("kmonitor knows zombies and threads", ["gcc"], async () => {
  const program = buildProgram("threads", "-pthread");
  const child = new Deno.Command(program, { args: ["100000"], stdout: "null" }).spawn();
  try {
    const tasks = () => [...Deno.readDirSync(`/proc/${child.pid}/task`)].map(({ name }) => name);
    while (tasks().length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const tid = tasks().find((one) => one !== `${child.pid}`)!;
    const { code, stderr } = kmonitor(["-p", tid]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `is a thread of process ${child.pid}: use -p ${child.pid}`);
    // This thread waits for kmonitor, so it does not read the child's status: the child stays a
    // zombie.
    child.kill("SIGKILL");
    while (!/^State:\tZ/m.test(Deno.readTextFileSync(`/proc/${child.pid}/status`)));
    const zombie = kmonitor(["--wait", "-p", `${child.pid}`]);
    assertEquals(zombie.code, 1);
    assertStringIncludes(zombie.stderr, `there is no process ${child.pid}`);
  } finally {
    await child.status;
  }
});

kernelTest("scripts have the events on both planes", [], () => {
  const script = `proc:process:exec { printf("exec %s %s\\n", str(args.path), str(args.argv)); }
    proc:process:exit { printf("exit %d %d\\n", args.code, args.signal); @runtime = max((uint64)(args.runtime > 0)); }
    proc:process:abort { printf("abort %d\\n", args.signal); }`;
  const command = "sh -c '/bin/true; sh -c \"exit 5\"; kill -USR1 $$'";
  const [kernel, user] = ["kernel", "user"].map((plane) =>
    btrace(["-q", "--plane", plane, "-e", script, "-c", command])
  );
  assertEquals(kernel.code, 0, kernel.stderr);
  assertEquals(
    kernel.stdout.trim().split("\n").filter((line) => line !== ""),
    [
      ...["exec /bin/true /bin/true", "exit 0 0", "exec /usr/bin/sh sh", "exit 5 0"],
      ...["abort 10", "exit 0 10", "@runtime: 1"],
    ],
  );
  assertEquals(user.stdout, kernel.stdout);
});

kernelTest("a storm of processes and threads is seen to the last one", ["gcc"], () => {
  const program = buildProgram("storm", "-pthread");
  const events = eventsOf(`${program} 10000 10000`);
  assertEquals(
    ["process:fork", "thread:create", "thread:exit", "process:exit", "process:abort"]
      .map((name) => count(events, name)),
    [10_000, 10_000, 10_000, 10_001, 0],
  );
  // Every birth has an exit, with the status that the process was given.
  const living = new Map<number, Line>();
  let born = 0;
  for (const one of events) {
    if (one.event === "process:fork" || one.event === "thread:create") {
      assert(!living.has(one.tid), `${one.tid} is born twice`);
      living.set(one.tid, one);
      if (one.event === "process:fork") assertEquals(one.parent_pid, events.at(-1)!.pid);
      born++;
    } else {
      // The first event is the execution of the command, the last one its end.
      const isOwn = one === events[0] || one === events.at(-1);
      assert(living.delete(one.tid) || isOwn, JSON.stringify(one));
    }
  }
  assertEquals([born, living.size], [20_000, 0]);
  const codes = events.filter(({ event }) => event === "process:exit").map(({ code }) => code);
  assertEquals(codes.filter((code) => code === 63).length, Math.floor(10_000 / 64));
  const times = events.map(({ boot_ns }) => BigInt(boot_ns));
  assert(times.every((time, i) => i === 0 || times[i - 1] <= time), "not in order of time");
});

kernelTest("the proc connector sees a storm as well, or says what it lost", ["gcc"], () => {
  const program = buildProgram("storm", "-pthread");
  const { code, stdout, stderr } = kmonitor([
    ...["-f", "-j", "-e", "all", "--source", "connector", "-c", `${program} 1500 1500`],
  ]);
  assertEquals(code, 0);
  const events: Line[] = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  const seen = ["process:fork", "thread:create", "thread:exit", "process:exit"]
    .reduce((sum, name) => sum + count(events, name), 0);
  const lost = Number(/(\d+) events lost/.exec(stderr)?.[1] ?? 0);
  // Events of other processes may be among the lost ones.
  assert(
    lost === 0 ? seen === 6001 : seen < 6001 && seen + lost >= 6001,
    `${seen} and ${lost} lost`,
  );
});

kernelTest("the arguments of short-lived processes are all seen", [], () => {
  const events = eventsOf(
    "sh -c 'i=0; while [ $i -lt 400 ]; do /bin/true number $i & i=$((i+1)); done; wait'",
  );
  const numbers = events.filter(({ event, argv }) =>
    event === "process:exec" && argv?.[1] === "number"
  ).map(({ argv }) => Number(argv![2]));
  assertEquals(numbers.sort((a, b) => a - b), Array.from({ length: 400 }, (_, i) => i));
});

kernelTest("targets may execute, change user, be killed, live in another namespace", [
  "setpriv",
  "unshare",
], () => {
  const events = eventsOf(
    "sh -c 'setpriv --reuid 65534 /bin/true user; " +
      'unshare --pid --fork --mount-proc sh -c "/bin/true inside; exit 6"; ' +
      'sh -c "kill -KILL \\$\\$"; exec /bin/true last\' 2>/dev/null',
  );
  const words = events.filter(({ event }) => event === "process:exec").map(({ argv }) =>
    argv!.slice(0, 2).join(" ")
  );
  for (const wanted of ["/bin/true user", "/bin/true inside", "/bin/true last"]) {
    assert(words.includes(wanted), `${wanted} is not in ${words}`);
  }
  // The process ids are those of this namespace, not those of the new namespace.
  assert(events.every(({ pid }) => pid > 100));
  assertEquals(events.filter(({ code }) => code === 6).length, 2);
  const aborted = events.filter(({ event }) => event === "process:abort");
  assertEquals(aborted.map(({ signal }) => signal), [9]);
  assertEquals(count(events, "process:exit"), count(events, "process:fork") + 1);
});

kernelTest("a monitor in a namespace of its own counts as that does", ["unshare"], () => {
  const { code, stdout, stderr } = output("unshare", [
    ...["--pid", "--fork", "--mount-proc", Deno.execPath(), "run", "-A", "--no-check", TOOL],
    ...["-f", "-j", "-e", "all", "-c", "sh -c '/bin/true a; exit 3'"],
  ]);
  assertEquals(code, 0, stderr);
  const events: Line[] = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(count(events, "process:fork"), 1);
  const [end] = events.filter(({ event, code }) => event === "process:exit" && code === 3);
  const [fork] = events.filter(({ event }) => event === "process:fork");
  assertEquals(fork.parent_pid, end.pid);
  assert(end.pid < 300, `${end.pid}`);
});

testWith("an ordinary user watches what is his", ["root", "setpriv", "gcc"], () => {
  const program = buildProgram("storm", "-pthread");
  const asNobody = (...args: string[]) => {
    const command = nobodyCommand(args)
      .map((word) => word.replace("tools/btrace.ts", "tools/kmonitor.ts"));
    return output(command[0], command.slice(1), { cwd: "/" });
  };
  const { code, stdout, stderr } = asNobody(
    ...["-f", "-j", "-e", "all", "--wait", "-c", `${program} 50 50`],
  );
  assertEquals([code, stderr.replace(/.*Download.*\n/g, "")], [0, ""]);
  const events: Line[] = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  // Nothing can be lost while ptrace(2) traces the processes.
  assertEquals(
    ["process:fork", "thread:create", "thread:exit", "process:exit"]
      .map((name) => count(events, name)),
    [50, 50, 50, 51],
  );
  const ended = asNobody("--source", "pidfd", "--wait", "-e", "exit", "-c", "sh -c 'exit 7'");
  assertEquals(ended.code, 7, ended.stderr);
});

/** Numbers of forks, executions and exits that a peer has seen. */
type Counts = readonly [forks: number, executions: number, ends: number];

kernelTest("strace -f sees the same set of events", ["strace"], () => {
  const file = Deno.makeTempFileSync();
  const { code } = output("strace", [
    ...["-f", "-o", file, "-e", "trace=fork,vfork,clone,clone3,execve,exit_group", "sh", "-c"],
    WORKLOAD.slice(7, -1),
  ]);
  const text = Deno.readTextFileSync(file);
  Deno.removeSync(file);
  assertEquals(code, 4);
  const number = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  const theirs: Counts = [
    number(/(fork|clone3?)\(.*= \d+$|<\.\.\. (v?fork|clone3?) resumed>.*= \d+$/gm),
    number(/execve\(.*= 0$|<\.\.\. execve resumed>.*= 0$/gm),
    number(/\+\+\+ exited with/g),
  ];
  const events = eventsOf(WORKLOAD);
  const ours: Counts = [
    count(events, "process:fork"),
    count(events, "process:exec"),
    count(events, "process:exit"),
  ];
  assertEquals(ours, theirs);
});

kernelTest("forkstat sees the same set of events", ["forkstat"], async () => {
  const peer = new Deno.Command("forkstat", {
    args: ["-l", "-e", "fork,exec,exit"],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let text = "";
  const reading = (async () => {
    for await (const chunk of peer.stdout.pipeThrough(new TextDecoderStream())) text += chunk;
  })();
  await until("forkstat listens", () => text.includes("\n"));
  const events = eventsOf(WORKLOAD);
  const last = events.findLast(({ event }) => event === "process:exit")!;
  await until("forkstat has seen the end", () => new RegExp(`exit +${last.pid} `).test(text));
  peer.kill("SIGINT");
  await reading;
  const pids = new Set(events.map(({ pid }) => pid));
  const theirs = text.split("\n").map((line) => /(fork|exec|exit) +(\d+) +/.exec(line))
    .filter((match) => match !== null && pids.has(Number(match[2])));
  await peer.status;
  const number = (name: string) => theirs.filter((match) => match![1] === name).length;
  // forkstat reports a fork twice, for the parent and for the child.
  const children = theirs.filter((match) => match![1] === "fork").length;
  assert(children >= count(events, "process:fork"));
  // forkstat also saw the command start: the shell that became the command, and its execution.
  assertEquals(number("exit"), count(events, "process:exit"));
  assert(number("exec") - count(events, "process:exec") <= 2);
  assert(number("exec") >= count(events, "process:exec"));
});

kernelTest("kmonitor leaves nothing when it is told to stop", [], async () => {
  const tool = running(["-s", "20"]);
  await tool.attached();
  tool.kill("SIGINT");
  const { code, stdout } = await tool.ended();
  assertEquals(code, 0);
  assertStringIncludes(stdout, "COMMAND");
});

testWith("kmonitor says what is wrong in one line", [], () => {
  const refusals: [args: string[], message: RegExp][] = [
    [["-p", "4194303"], /^ERROR: Cannot register: there is no process 4194303\n$/],
    [["-p", "x"], /^ERROR: Invalid pid: 'x'\n$/],
    [
      ["-p", "1", "-a"],
      /^ERROR: -a, -p, -c and --cgroup cannot be used together: see kmonitor --help\n$/,
    ],
    [["-f"], /^ERROR: -f needs -p or -c: see kmonitor --help\n$/],
    [["--wait"], /^ERROR: --wait needs -p or -c: see kmonitor --help\n$/],
    [["-e", "nothing"], /^ERROR: Unknown event: nothing: expected fork/],
    [["-s", "0"], /^ERROR: Invalid number of seconds: '0'\n$/],
    [["-c", "no-such-program"], /^ERROR: Failed to run 'no-such-program': No such file/],
    [["--source", "magic"], /^ERROR: Invalid value 'magic': expected auto or kernel/],
    [["extra"], /^ERROR: unknown option extra: see kmonitor --help\n$/],
  ];
  for (const [args, message] of refusals) {
    const { code, stderr } = kmonitor(args);
    assertEquals(code, 1, args.join(" "));
    assertMatch(stderr, message);
  }
});

kernelTest("kmonitor watches a cgroup, a process to come, and sends signals", [], async () => {
  // Own cgroup, whatever it is: a child of this process is in it.
  const own = /^0::(.*)$/m.exec(Deno.readTextFileSync("/proc/self/cgroup"))?.[1];
  const events = async (args: readonly string[], during: () => void | Promise<void>) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", TOOL, "-j", ...args],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const lines: Line[] = [];
    const reading = (async () => {
      let rest = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        const parts = (rest + text).split("\n");
        rest = parts.pop()!;
        lines.push(...parts.map((one) => JSON.parse(one)));
      }
    })();
    // Until the programs are attached nothing is told: things happen until something is.
    const started = Date.now();
    while (lines.length === 0 && Date.now() - started < 30_000) {
      await during();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    child.kill("SIGINT");
    await reading;
    assertEquals(await new Response(child.stderr).text(), "");
    await child.status;
    return lines;
  };
  if (own !== undefined && output("stat", ["/sys/fs/cgroup/cgroup.controllers"]).code === 0) {
    const seen = await events(["--cgroup", own, "-e", "exec"], () => {
      output("true", []);
    });
    assert(seen.some(({ comm }) => comm === "true"), JSON.stringify(seen.slice(0, 3)));
  }
  let signals = 0;
  const count = () => void signals++;
  Deno.addSignalListener("SIGUSR2", count);
  try {
    await events(["-e", "exec", "--signal", `SIGUSR2:${Deno.pid}`], () => {
      output("true", []);
    });
    await until("a signal", () => signals > 0);
  } finally {
    Deno.removeSignalListener("SIGUSR2", count);
  }
  // A number that no process has.
  const free = Number(Deno.readTextFileSync("/proc/sys/kernel/pid_max")) - 1;
  const refused = kmonitor(["-p", `${free}`, "-s", "1"]);
  assertEquals(refused.code, 1);
  assertMatch(refused.stderr, /there is no process/);
  assertEquals(kmonitor(["-p", `${free}`, "--future", "-q", "-s", "1"]).stderr, "");
});

testWith("kmonitor refuses targets and signals that mean nothing", [], () => {
  const refusal = (...args: string[]) => {
    const { code, stderr } = kmonitor(args);
    assertEquals(code, 1);
    return stderr.split("\n")[0];
  };
  assertEquals(
    refusal("-p", "1", "--cgroup", "/"),
    "ERROR: -a, -p, -c and --cgroup cannot be used together: see kmonitor --help",
  );
  assertEquals(refusal("--future"), "ERROR: --future needs -p: see kmonitor --help");
  assertMatch(refusal("--signal", "SIGUSR1"), /^ERROR: Invalid --signal: 'SIGUSR1'/);
  assertEquals(refusal("--signal", "SIGUSR1:no"), "ERROR: Invalid pid: 'no'");
  assertEquals(
    refusal("--signal", `SIGNONE:${Deno.pid}`),
    "ERROR: Cannot send signal SIGNONE: there is none",
  );
  assertEquals(
    refusal("-p", `${Deno.pid}`, "-e", "exec", "--signal", "SIGUSR1:1"),
    "ERROR: --signal with -p or -c tells of the end, too: name exit in -e: see kmonitor --help",
  );
});

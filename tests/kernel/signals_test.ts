// Tests what signals do to the tools: SIGUSR1 opens no debugger.

import { assert, assertEquals } from "@std/assert";
import {
  assertNothingLeft,
  kernelObjects,
  kernelTest,
  output,
  ROOT,
  toolCommand,
  until,
} from "../helpers.ts";
import { processes } from "../marked_processes.ts";

const SIGUSR1 = 10;

/** True if a process has a handler for a signal. */
function catches(pid: number, signal: number): boolean {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const mask = BigInt(`0x${/^SigCgt:\t([0-9a-f]+)/m.exec(status)![1]}`);
  return (mask >> BigInt(signal - 1) & 1n) === 1n;
}

/** Local addresses on which a process listens for TCP connections, as /proc/net/tcp has them. */
function listeningSockets(pid: number): string[] {
  const inodes = new Set<string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const target = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // The descriptor was closed meanwhile.
    }
  }
  return Deno.readTextFileSync(`/proc/${pid}/net/tcp`).split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A" && inodes.has(fields[9]))
    .map((fields) => fields[1]);
}

/** Deno installs its handler of SIGUSR1, which starts the inspector, this long after its start. */
const GRACE_MS = 500;

/** Sends SIGUSR1 before and after Deno's grace period and expects that nothing listens. */
async function assertNoDebugger(command: readonly string[]): Promise<void> {
  const child = new Deno.Command(command[0], {
    args: command.slice(1),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  try {
    await until(`${command.join(" ")} catches SIGUSR1`, () => catches(child.pid, SIGUSR1));
    for (let i = 0; i < 4; i++) {
      child.kill("SIGUSR1");
      await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
      assertEquals(listeningSockets(child.pid), [], command.join(" "));
    }
    // The signal has not ended the process either.
    assert(catches(child.pid, SIGUSR1));
    child.kill("SIGINT");
  } catch (error) {
    try {
      child.kill("SIGKILL");
    } catch {
      // The process has ended by itself.
    }
    const { code, signal } = await child.status;
    const end = `status ${code}, signal ${signal}, ${await stderr}`;
    throw new Error(`${command.join(" ")}: ${end}`, { cause: error });
  } finally {
    await child.status;
  }
  assert(!(await stderr).includes("Debugger"), await stderr);
}

kernelTest("SIGUSR1 opens no debugger in a tool", [], async () => {
  const trace = Deno.makeTempFileSync();
  try {
    await Promise.all([
      toolCommand("btrace", ["-e", "interval:s:60 { }"]),
      toolCommand("btrace", ["--plane", "user", "-c", "sleep 60", "-e", "interval:s:60 { }"]),
      toolCommand("profile", ["--plane", "kernel", "-a"]),
      toolCommand("kmonitor", []),
      toolCommand("ktrace", ["-f", trace, "sleep", "60"]),
      toolCommand("kdump", ["-l", "-f", trace]),
    ].map(assertNoDebugger));
  } finally {
    Deno.removeSync(trace);
  }
});

/** A program that opens a session by the library, and then waits. */
const LIBRARY = `
import { openDevice } from "${ROOT}core/mod.ts";
import { allProviders } from "${ROOT}providers/mod.ts";
Deno.addSignalListener("SIGUSR1", () => console.log("listener"));
using session = openDevice({ providers: allProviders(), keepSigusr1: KEEP }).open();
await new Promise((resolve) => setTimeout(resolve, 3000));
`;

kernelTest("SIGUSR1 opens no debugger in a program with a session", [], async () => {
  const file = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    Deno.writeTextFileSync(file, LIBRARY.replace("KEEP", "false"));
    await assertNoDebugger([Deno.execPath(), "run", "-A", file]);
    // A program with a listener of its own may keep the listener.
    Deno.writeTextFileSync(file, LIBRARY.replace("KEEP", "true"));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", file],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    await until("the listener is there", () => catches(child.pid, SIGUSR1));
    child.kill("SIGUSR1");
    const { stdout } = await child.output();
    assertEquals(new TextDecoder().decode(stdout), "listener\n");
  } finally {
    Deno.removeSync(file);
  }
});

kernelTest("signals while programs are loaded do not refuse the programs", [], async () => {
  const trace = Deno.makeTempFileSync();
  try {
    const [command, ...args] = toolCommand("ktrace", ["-f", trace, "true"]);
    const child = new Deno.Command(command, { args, stderr: "piped" }).spawn();
    const stderr = new Response(child.stderr).text();
    let ended = false;
    const status = child.status.finally(() => ended = true);
    await until("ktrace catches SIGUSR1", () => ended || catches(child.pid, SIGUSR1));
    let sent = 0;
    while (!ended) {
      try {
        child.kill("SIGUSR1");
        sent++;
      } catch {
        break; // It has ended.
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals([(await status).code, await stderr], [0, ""]);
    assert(sent > 20, `only ${sent} signals were sent`);
  } finally {
    Deno.removeSync(trace);
  }
});

/** Processes whose command line is exactly this, stopped ones included, zombies not. */
function running(commandLine: string): number[] {
  return processes().filter((pid) => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() ===
        commandLine;
    } catch {
      return false;
    }
  });
}

/** The ways in which tools run a command. */
const RUNNERS: readonly { name: string; args: (command: string) => string[] }[] = [
  {
    name: "btrace",
    args: (command) => ["-c", command, "-e", 'interval:s:9 { } END { printf("END ran"); }'],
  },
  {
    name: "btrace",
    args: (command) => [
      ...["--plane", "user", "-c", command, "-e", 'interval:s:9 { } END { printf("END ran"); }'],
    ],
  },
  { name: "profile", args: (command) => ["-c", command] },
  { name: "kmonitor", args: (command) => ["-c", command] },
  { name: "kmonitor", args: (command) => ["--source", "ptrace", "-c", command] },
  { name: "ktrace", args: (command) => ["-f", "/dev/null", ...command.split(" ")] },
  { name: "ktrace", args: (command) => ["--sync", "-f", "/dev/null", ...command.split(" ")] },
];

/** A number of seconds that no other test sleeps for. */
let seconds = 7_000_000 + Deno.pid;

/** Starts a tool with a command and sends a signal, or two, after some time; then nothing is left. */
async function assertNothingRuns(
  { name, args }: typeof RUNNERS[number],
  script: (sleep: string) => string,
  signals: readonly Deno.Signal[],
  afterMs?: number,
): Promise<string> {
  const sleep = `sleep ${seconds++}`;
  const [command, ...rest] = toolCommand(name, args(script(sleep)));
  const child = new Deno.Command(command, {
    args: rest,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const outputs = Promise.all([child.stdout, child.stderr].map((one) => new Response(one).text()));
  const what = `${name} ${rest.slice(3).join(" ")} ${signals} after ${afterMs} ms`;
  if (afterMs === undefined) await until(what, () => running(sleep).length > 0);
  else await new Promise((resolve) => setTimeout(resolve, afterMs));
  for (const [i, signal] of signals.entries()) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, 400));
    try {
      child.kill(signal);
    } catch {
      // The tool has ended.
    }
  }
  const start = performance.now();
  await child.status;
  const tookMs = performance.now() - start;
  assert(tookMs < 5000, `${what} took ${tookMs} ms`);
  await until(`${what} leaves ${running(sleep)}`, () => running(sleep).length === 0);
  return (await outputs).join("");
}

for (const signal of ["SIGHUP", "SIGINT", "SIGTERM", "SIGKILL"] as const) {
  kernelTest(`${signal} ends each tool and its command`, [], async () => {
    for (const runner of RUNNERS) {
      const output = await assertNothingRuns(runner, (sleep) => sleep, [signal]);
      if (runner.name === "btrace") assertEquals(output.includes("END ran"), signal !== "SIGKILL");
    }
  });
}

kernelTest("a command that has stopped itself ends with the tool", [], async () => {
  for (const runner of RUNNERS) {
    if (runner.name !== "ktrace") {
      await assertNothingRuns(runner, (sleep) => `sh -c 'kill -STOP $$; exec ${sleep}'`, [
        "SIGTERM",
      ], 700);
    }
    await assertNothingRuns(runner, (sleep) => sleep, ["SIGSTOP", "SIGTERM", "SIGKILL"], 500);
  }
});

kernelTest("a command that ignores SIGTERM is killed", [], async () => {
  for (const runner of RUNNERS.filter(({ name }) => name !== "ktrace")) {
    await assertNothingRuns(runner, (sleep) => `sh -c 'trap "" TERM; exec ${sleep}'`, [
      "SIGTERM",
    ]);
  }
});

kernelTest("a signal at any moment of the start leaves nothing", [], async () => {
  const before = kernelObjects();
  for (const runner of RUNNERS) {
    for (let ms = 20; ms <= 400; ms += 20) {
      await assertNothingRuns(runner, (sleep) => sleep, ["SIGTERM"], ms);
    }
  }
  await assertNothingLeft(before);
});

/** Tools that write more than a pipe holds; NAME stands for a trace file. */
const WRITERS: readonly (readonly string[])[] = [
  ["btrace", "-e", 'rawtracepoint:sys_enter { printf("%d %s\n", pid, comm); }'],
  [
    ...["btrace", "--plane", "user", "-c", "sh -c 'while true; do :; : < /dev/null; done'", "-e"],
    'syscall:*:entry { printf("%s %s\n", probe, comm); }',
  ],
  ["ktrace", "-f", "-", "--format", "json", "sh", "-c", "while true; do : < /dev/null; done"],
  ["ktrace", "--sync", "-f", "-", "sh", "-c", "while true; do : < /dev/null; done"],
  ["kmonitor", "--json", "-c", "sh -c 'while true; do /bin/true; done'", "-f"],
  ["kdump", "-f", "TRACE"],
  ["kdump", "--json", "-l", "-f", "TRACE"],
];

kernelTest("a second signal ends a tool whose output nobody reads", [], async () => {
  const trace = Deno.makeTempFileSync();
  try {
    // Makes a trace that is longer than a pipe.
    output(...split(toolCommand("ktrace", ["-f", trace, "sh", "-c", busy(20_000)])));
    for (const [name, ...args] of WRITERS) {
      const given = args.map((arg) => arg === "TRACE" ? trace : arg);
      const [command, ...rest] = toolCommand(name, given);
      const child = new Deno.Command(command, {
        args: rest,
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      // Deno reads a pipe only when asked, and the pipe is full by then.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const start = performance.now();
      for (const ms of [400, 0]) {
        try {
          child.kill("SIGTERM");
        } catch {
          break; // The first signal was enough.
        }
        await new Promise((resolve) => setTimeout(resolve, ms));
      }
      await child.status;
      const tookMs = performance.now() - start;
      assert(tookMs < 1400, `${name} ${args} took ${tookMs} ms`);
      await child.stdout.cancel();
    }
  } finally {
    Deno.removeSync(trace);
  }
});

/** A shell script that makes some hundred thousand bytes of records. */
function busy(calls: number): string {
  return `i=0; while [ $i -lt ${calls} ]; do i=$((i+1)); : < /dev/null; done`;
}

/** Separates a program from its arguments. */
function split([command, ...args]: string[]): [string, string[]] {
  return [command, args];
}

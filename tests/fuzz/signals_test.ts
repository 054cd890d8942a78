// Sends signals to the tools at random moments, from a fixed seed. Whatever comes, a tool ends, its command
// ends with the tool, a process that was looked at goes on, and nothing is left behind. A longer run by hand:
//
//   FUZZ_SECONDS=600 FUZZ_SEED=5 deno test -A tests/fuzz/signals_test.ts

import { assert, assertEquals } from "@std/assert";
import { statusField } from "../../core/sys/thread.ts";
import { kernelTest, toolCommand } from "../helpers.ts";
import { processes } from "../marked_processes.ts";
import { Random } from "./random.ts";

const SECONDS = Number(Deno.env.get("FUZZ_SECONDS") ?? 0);
const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
/** Rounds without FUZZ_SECONDS. */
const ROUNDS = 12;
/** Longest time in milliseconds from the last signal to the end of the tool. */
const PATIENCE_MS = 20_000;

const SIGNALS: readonly Deno.Signal[] = [
  ...[
    "SIGINT",
    "SIGTERM",
    "SIGHUP",
    "SIGSTOP",
    "SIGUSR1",
    "SIGUSR2",
    "SIGPIPE",
    "SIGQUIT",
  ] as const,
];

/** What a round looks at: a command of the tool's own, or a process that runs already. */
interface Subject {
  readonly command: string;
  readonly pid: number;
}

const SCRIPT =
  'syscall:*:entry { @[comm] = count(); } interval:ms:50 { print(1); } END { print("e"); }';
const STACKS = "profile:hz:99 { @[ustack] = count(); }";

const TOOLS: readonly { name: string; args: (subject: Subject) => string[]; target?: true }[] = [
  { name: "btrace", args: ({ command }) => ["-c", command, "-e", SCRIPT] },
  { name: "btrace", args: ({ command }) => ["--plane", "user", "-c", command, "-e", SCRIPT] },
  { name: "btrace", args: ({ pid }) => ["-p", `${pid}`, "-e", SCRIPT], target: true },
  { name: "btrace", args: ({ pid }) => ["-p", `${pid}`, "-e", STACKS], target: true },
  {
    name: "btrace",
    args: ({ pid }) => ["--plane", "user", "-p", `${pid}`, "-e", SCRIPT],
    target: true,
  },
  { name: "ktrace", args: ({ command }) => ["-f", "/dev/null", ...command.split(" ")] },
  { name: "ktrace", args: ({ command }) => ["--sync", "-f", "/dev/null", ...command.split(" ")] },
  { name: "kmonitor", args: ({ command }) => ["-c", command] },
  { name: "kmonitor", args: ({ command }) => ["--source", "ptrace", "-c", command] },
  { name: "profile", args: ({ command }) => ["-c", command] },
  { name: "profile", args: ({ pid }) => ["-p", `${pid}`], target: true },
  { name: "profile", args: ({ pid }) => ["--plane", "user", "-p", `${pid}`], target: true },
];

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The letter of a process's state; empty if the process is gone. */
function stateOf(pid: number): string {
  try {
    return /^State:\t(\w)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1] ?? "";
  } catch {
    return "";
  }
}

/** Processes whose command line is exactly this, zombies not. */
function running(commandLine: string): number[] {
  return processes().filter((pid) => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim() ===
          commandLine && stateOf(pid) !== "Z";
    } catch {
      return false;
    }
  });
}

/** Files of this project's tools in /tmp. */
function temporaryFiles(): string[] {
  return [...Deno.readDirSync("/tmp")].map(({ name }) => name)
    .filter((name) => /^(dt|btrace|ktrace|kmonitor|profile)[-_.]/.test(name));
}

/** Sends a signal, if the process is still there; goes on with a process that it stops. */
async function send(child: Deno.ChildProcess, signal: Deno.Signal, random: Random): Promise<void> {
  try {
    child.kill(signal);
    if (signal !== "SIGSTOP") return;
    await pause(random.below(200));
    child.kill("SIGCONT");
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** A number of seconds that no other test sleeps for. */
let seconds = 9_000_000 + Deno.pid;

async function round(random: Random, which: number): Promise<void> {
  const { name, args, target } = TOOLS[which % TOOLS.length];
  const command = `sleep ${seconds++}`;
  const looked = target &&
    new Deno.Command("sh", { args: ["-c", "while :; do /bin/true; sleep 0.02; done"] }).spawn();
  const before = temporaryFiles();
  const [tool, ...rest] = toolCommand(name, args({ command, pid: looked?.pid ?? 0 }));
  const options = { args: rest, stdin: "null", stdout: "null", stderr: "piped" } as const;
  const child = new Deno.Command(tool, options).spawn();
  const stderr = new Response(child.stderr).text();
  let ended = false;
  const status = child.status.finally(() => ended = true);
  const told = [name, ...args({ command, pid: 0 })];
  for (let i = random.once(3) ? random.small(6) : 1; i > 0 && !ended; i--) {
    const [ms, signal] = [random.below(random.once(2) ? 50 : 1500), random.pick(SIGNALS)];
    told.push(`${ms} ms`, signal);
    await pause(ms);
    await send(child, signal, random);
  }
  await pause(300);
  if (!ended) await send(child, "SIGINT", random);
  const timer = setTimeout(() => {
    told.push("never ended");
    child.kill("SIGKILL");
  }, PATIENCE_MS);
  await status;
  clearTimeout(timer);
  const what = told.join(" ");
  assert(!what.includes("never ended"), what);
  const text = await stderr;
  assert(!/Uncaught|panicked|internal error|^ +at /m.test(text), `${what}: ${text}`);
  await pause(150);
  assertEquals(running(command), [], what);
  assertEquals(temporaryFiles().filter((one) => !before.includes(one)), [], what);
  if (looked === undefined) return;
  assertEquals(statusField(looked.pid, "TracerPid"), "0", what);
  assert(/[RSD]/.test(stateOf(looked.pid)), `${what}: ${stateOf(looked.pid)}`);
  looked.kill("SIGKILL");
  await looked.status;
}

kernelTest("signals at any moment end tools in order", [], async () => {
  const end = Date.now() + SECONDS * 1000;
  for (let i = 0; SECONDS > 0 ? Date.now() < end : i < ROUNDS; i++) {
    await round(new Random(SEED * 1_000_003 + i), i);
  }
});

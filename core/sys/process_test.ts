// Tests of looking after other processes: process_memory.ts, thread.ts, interrupter.ts, ptrace.ts,
// spawn.ts.

import { assert, assertEquals } from "@std/assert";
import { Interrupter } from "./interrupter.ts";
import { addressOf } from "./memory.ts";
import { readMemory, writeMemory } from "./process_memory.ts";
import { needsShell } from "./shell_words.ts";
import { HeldProcess } from "./spawn.ts";
import { PTRACE, ptrace, waitAny } from "./ptrace.ts";
import { selfThread, Thread, threadsOf } from "./thread.ts";

Deno.test("readMemory() copies up to what cannot be read", () => {
  const bytes = new TextEncoder().encode("some bytes of ours");
  const into = new Uint8Array(bytes.length);
  assertEquals(readMemory(Deno.pid, addressOf(bytes), into), bytes.length);
  assertEquals(into, bytes);
  assertEquals(readMemory(Deno.pid, 8n, into), 0);
  // The last mapping is readable or not, but behind its end there is nothing.
  const last = Deno.readTextFileSync("/proc/self/maps").trim().split("\n").at(-1)!;
  const end = BigInt(`0x${/-([0-9a-f]+)/.exec(last)![1]}`);
  assertEquals(readMemory(Deno.pid, end, into), 0);
});

Deno.test("readMemory() takes more than fits its buffer", () => {
  const bytes = new Uint8Array(200_000).map((_, i) => i * 7);
  const into = new Uint8Array(bytes.length);
  assertEquals(readMemory(Deno.pid, addressOf(bytes), into), bytes.length);
  assertEquals(into, bytes);
});

Deno.test("writeMemory() writes all or says no", () => {
  const bytes = new Uint8Array(8);
  assertEquals(writeMemory(Deno.pid, addressOf(bytes), new Uint8Array([1, 2, 3])), true);
  assertEquals(bytes.slice(0, 4), new Uint8Array([1, 2, 3, 0]));
  assertEquals(writeMemory(Deno.pid, 8n, bytes), false);
});

Deno.test("Thread tells what /proc does", () => {
  const self = selfThread();
  assertEquals([self.pid, self.tid, self.uid], [Deno.pid, Deno.pid, Deno.uid()]);
  assertEquals(self.ppid, Deno.ppid);
  assertEquals(self.comm, Deno.readTextFileSync("/proc/self/comm").trim());
  assert(self.cpu >= 0 && self.commOf(Deno.ppid) !== "");
  const threads = threadsOf(Deno.pid);
  assert(threads.includes(Deno.pid));
  assertEquals(new Thread(threads.at(-1)!).pid, Deno.pid);
});

Deno.test("Interrupter ends a wait that has no timeout", () => {
  using child = new HeldProcess("sleep 1000000");
  using interrupter = new Interrupter();
  interrupter.arm(5);
  assertEquals(waitAny({ wait: true, tracees: new Map([[child.pid, child]]) }), -4);
  interrupter.arm(0);
});

Deno.test("a child that nobody has waited for hides no tracee", () => {
  const forgotten = new HeldProcess("true");
  forgotten.release();
  using child = new HeldProcess("true");
  const path = `/proc/${forgotten.pid}/stat`;
  while (!/\) Z /.test(Deno.readTextFileSync(path)));
  const tracees = new Map([[child.pid, child]]);
  assertEquals(waitAny({ wait: false, tracees }), 0);
  ptrace(PTRACE.cont, child.pid);
  let found = 0;
  for (let i = 0; i < 10_000 && found === 0; i++) found = waitAny({ wait: false, tracees });
  assertEquals(found, child.pid);
  forgotten[Symbol.dispose]();
  assertEquals(waitAny({ wait: false, tracees: new Map() }), -10);
});

Deno.test("needsShell() tells command lines from simple commands", () => {
  const lines: Readonly<Record<string, boolean>> = {
    "ls -l": false,
    "ls > x 2>&1": false,
    "ls &> x": false,
    "echo 'a && b' \"c; d\" e\\;f": false,
    "echo $HOME *.ts": false,
    "a && b": true,
    "a; b": true,
    "a | b": true,
    "a &": true,
    "(a)": true,
    "X=1 a": true,
    "cd /tmp": true,
    "exec a": true,
    "while true": true,
    "a\nb": true,
  };
  for (const [line, expected] of Object.entries(lines)) {
    assertEquals(needsShell(line), expected, line);
  }
});

Deno.test("a command line that only a shell understands runs whole", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const child = new HeldProcess(`touch ${folder}/a && touch ${folder}/b; exit 3`);
    child.release();
    while (child.status === undefined) child.reap();
    assertEquals(child.status >> 8, 3);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["a", "b"]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a held child does not outlive whoever holds the child, whatever ends the holder", async () => {
  const module = new URL("./spawn.ts", import.meta.url).href;
  const script = `import { HeldProcess } from "${module}";
    console.log(new HeldProcess("sleep 1000").pid);
    await new Promise(() => setInterval(() => {}, 1000));`;
  const holder = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", script],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = holder.stdout.getReader();
  const pid = Number(new TextDecoder().decode((await reader.read()).value).trim());
  assert(Deno.statSync(`/proc/${pid}`).isDirectory);
  holder.kill("SIGKILL");
  await holder.status;
  await reader.cancel();
  const isGone = () => {
    try {
      return /\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
    } catch {
      return true;
    }
  };
  for (let i = 0; i < 500 && !isGone(); i++) await new Promise((done) => setTimeout(done, 10));
  assert(isGone());
});

// Tests of looking after other processes: process_memory.ts, thread.ts, interrupter.ts, ptrace.ts,
// spawn.ts.
import { assert, assertEquals } from "@std/assert";
import { Interrupter } from "./interrupter.ts";
import { addressOf } from "./memory.ts";
import { readMemory, writeMemory } from "./process_memory.ts";
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
  using child = new HeldProcess("sleep 5");
  using interrupter = new Interrupter();
  interrupter.arm(5);
  const start = performance.now();
  assertEquals(waitAny({ wait: true, tracees: new Map([[child.pid, child]]) }), -4);
  interrupter.arm(0);
  assert(performance.now() - start < 1000);
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

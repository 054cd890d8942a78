// Tests of the device as a library: sessions, reading, counting, errors.

import { assert, assertEquals } from "@std/assert";
import { toText } from "@std/streams";
import { type DtEvent, openDevice, PROBE_ENTRY } from "../../core/mod.ts";
import { HEADER, OUTCOME, type Pcb } from "../../core/plugin/mod.ts";
import { syscallAttachment, syscalls } from "../../core/sources/syscalls/mod.ts";
import { auxBase } from "../../core/sys/auxv.ts";
import { kernelSymbols } from "../../core/symbols/mod.ts";
import { allProviders, syscall } from "../../providers/mod.ts";
import { cpuMs } from "../cpu_time.ts";
import { buildCaller, codeOf, codeOfAsync, kernelTest, output } from "../helpers.ts";

const OPEN = "syscall:openat:entry";
const SELF = { variable: "pid", operator: "eq", value: Deno.pid } as const;

const device = () => openDevice({ providers: allProviders() });
const openFile = (path = "/dev/null") => Deno.openSync(path).close();

Deno.test("listProbes() tells its size, ENOSPC when the buffer is too small", () => {
  const dt = device();
  const needed = dt.listProbes(undefined, "syscall:open*");
  assert(needed >= 2 * PROBE_ENTRY.bytes);
  assertEquals(codeOf(() => dt.listProbes(new Uint8Array(needed - 1), "syscall:open*")), "ENOSPC");
  const buffer = new Uint8Array(needed);
  assertEquals(dt.listProbes(buffer, "syscall:open*"), needed);
  const view = new DataView(buffer.buffer);
  for (let at = 0; at < needed; at += PROBE_ENTRY.bytes) {
    assert(view.getUint32(at + PROBE_ENTRY.pbn, true) > 0);
  }
});

Deno.test("probeArguments() goes by number: EINVAL for 0 and above the last", () => {
  const dt = device();
  const [probe] = dt.match(OPEN);
  assertEquals(
    dt.probeArguments(probe.pbn).map(({ name, type }) => `${type} ${name}`),
    ["int dfd", "const char * filename", "int flags", "umode_t mode"],
  );
  assertEquals(codeOf(() => dt.probeArguments(0)), "EINVAL");
  assertEquals(codeOf(() => dt.probeArguments(probe.pbn + 1)), "EINVAL");
});

Deno.test("enable() and disable(): ENOENT, EEXIST, EINVAL", () => {
  using session = device().open();
  assertEquals(codeOf(() => session.enable("syscall:nothing:entry" as string)), "ENOENT");
  assertEquals(codeOf(() => session.enable(99999)), "ENOENT");
  assertEquals(codeOf(() => session.enable("nobody:x:y")), "ENOENT");
  assertEquals(codeOf(() => session.enable("interval:us:199")), "EINVAL");
  assertEquals(codeOf(() => session.enable("interval:s:0")), "EINVAL");
  assertEquals(codeOf(() => session.enable("interval:s:4294967296")), "EINVAL");
  const { probe } = session.enable(OPEN);
  assertEquals(codeOf(() => session.enable(OPEN)), "EEXIST");
  assertEquals(codeOf(() => session.enable(probe.pbn)), "EEXIST");
  session.disable(probe.pbn);
  assertEquals(codeOf(() => session.disable(OPEN)), "ENOENT");
  assertEquals(codeOf(() => device().open({ ringBytes: 100_000 })), "EINVAL");
});

Deno.test("start() without a probe is ENOENT, a closed session EBADF", () => {
  const session = device().open();
  assertEquals(codeOf(() => session.start()), "ENOENT");
  session.stop();
  session.close();
  session.close();
  assertEquals(codeOf(() => session.enable(OPEN)), "EBADF");
});

Deno.test("auxBase() of a process, ESRCH of none", () => {
  using session = device().open();
  assertEquals(session.auxBase(Deno.pid), auxBase(Deno.pid));
  assertEquals(codeOf(() => session.auxBase(4194304)), "ESRCH");
});

kernelTest("start() twice is EBUSY, enabling meanwhile too; stop() is idempotent", [], () => {
  using session = device().open();
  session.enable(OPEN);
  session.start();
  assertEquals(session.recording, true);
  assertEquals(codeOf(() => session.start()), "EBUSY");
  assertEquals(codeOf(() => session.enable("syscall:close:entry")), "EBUSY");
  assertEquals(codeOf(() => session.disable(OPEN)), "EBUSY");
  session.stop();
  session.stop();
  assertEquals(session.recording, false);
});

kernelTest("read() returns whole events, EMSGSIZE, EBUSY and EINTR", [], async () => {
  using session = device().open();
  session.enable(OPEN, { states: ["comm", "args"], filter: SELF });
  session.start();
  const size = session.eventSize;
  assertEquals(await codeOfAsync(() => session.read(new Uint8Array(size - 1))), "EMSGSIZE");
  for (let i = 0; i < 5; i++) openFile();
  // The buffer has room for two and a half events.
  const buffer = new Uint8Array(size * 2.5);
  assertEquals(await session.read(buffer), size * 2);
  assertEquals(new DataView(buffer.buffer).getUint32(size + HEADER.size, true), size);
  assertEquals(session.decode(buffer.subarray(0, size))!.args!.length, 4);
  assertEquals(await session.read(buffer), size * 2);
  assertEquals(await session.read(buffer), size);
  const abort = new AbortController();
  const blocked = codeOfAsync(() => session.read(buffer, { signal: abort.signal }));
  assertEquals(await codeOfAsync(() => session.read(buffer)), "EBUSY");
  abort.abort();
  assertEquals(await blocked, "EINTR");
  assertEquals(await codeOfAsync(() => session.read(buffer, { signal: abort.signal })), "EINTR");
  // A blocking read wakes up when an event comes.
  const waiting = session.read(buffer);
  openFile();
  assertEquals(await waiting, size);
  const last = session.read(buffer);
  session.stop();
  assertEquals(await last, 0);
  assertEquals(session.stats().read, 6n);
});

kernelTest("events() is a typed stream that ends when recording stops", [], async () => {
  using session = device().open();
  const opens = session.enable(OPEN, {
    states: ["comm"],
    filter: SELF,
    capture: { filename: "string", flags: "int", dfd: "int", mode: "int" },
  });
  session.start();
  openFile("/dev/null");
  openFile("/dev/zero");
  const names = new TransformStream<DtEvent, string>({
    transform(event, controller) {
      if (!opens.is(event)) return;
      const name: string | null = event.captured.filename;
      const directory: bigint = event.captured.dfd;
      assertEquals(directory, -100n);
      assert(event.comm!.length > 0);
      controller.enqueue(`${name}\n`);
    },
  });
  const collected = toText(session.events().pipeThrough(names));
  setTimeout(() => session.stop(), 50);
  assertEquals(await collected, "/dev/null\n/dev/zero\n");
});

kernelTest("the async iterator can be left and taken up again", [], async () => {
  using session = device().open();
  session.enable("interval:ms:1");
  session.start();
  for (let round = 0; round < 2; round++) {
    for await (const event of session) {
      assertEquals(event.probe, "interval:ms:1");
      break;
    }
  }
});

kernelTest("a stream that was cancelled leaves the session to the next reader", [], async () => {
  using session = device().open();
  session.enable("syscall:getppid:entry", {
    filter: { variable: "pid", operator: "eq", value: 1 },
  });
  session.start();
  const reader = session.events().getReader();
  const pending = reader.read();
  await reader.cancel();
  assertEquals((await pending).done, true);
  const next = session.read(new Uint8Array(session.eventSize));
  session.stop();
  assertEquals(await next, 0);
});

kernelTest("closing ends a read that is pending; start after stop records anew", [], async () => {
  const session = device().open();
  session.enable("interval:ms:1");
  session.start();
  session.stop();
  session.start();
  for await (const event of session) {
    assertEquals(event.probe, "interval:ms:1");
    break;
  }
  session.stop();
  await session.read(new Uint8Array(1 << 20));
  session.start();
  session.close();
  assertEquals(codeOf(() => session.start()), "EBADF");
  const other = device().open();
  other.enable("syscall:getppid:entry", { filter: { variable: "pid", operator: "eq", value: 1 } });
  other.start();
  const pending = other.read(new Uint8Array(other.eventSize));
  other.close();
  assertEquals(await pending, 0);
});

kernelTest(
  "enabling every system call costs as much as enabling one: two programs",
  [],
  async () => {
    const dt = device();
    using session = dt.open();
    const probes = dt.match("syscall:*");
    assert(probes.length > 700);
    for (const { pbn } of probes) session.enable(pbn, { states: ["comm", "args"], filter: SELF });
    const before = cpuMs();
    session.start();
    const used = cpuMs() - before;
    assertEquals(session.programs.length, 2);
    assert(used < 200, `${used} ms`);
    openFile();
    const seen = new Set<string>();
    for await (const event of session) {
      seen.add(event.probe);
      if (seen.has("syscall:openat:entry") && seen.has("syscall:openat:return")) break;
    }
  },
);

kernelTest("filters compare pid and tid, equal and not equal", ["gcc"], () => {
  const caller = buildCaller();
  for (const [variable, operator] of [["pid", "eq"], ["pid", "ne"], ["tid", "eq"]] as const) {
    using session = device().open();
    session.enable("syscall:getppid:entry", {
      filter: { variable, operator, value: Deno.pid },
    });
    session.start();
    output(caller, ["100"]);
    session.stop();
    const { recorded, filtered, fired } = session.stats();
    assertEquals(recorded >= 100n, operator === "ne");
    assertEquals(fired, recorded + filtered);
  }
});

kernelTest(
  "without BTF system calls are read through helpers, with the same events",
  [],
  async () => {
    const provider = Object.assign(syscall(), {
      attachments: (pcbs: readonly Pcb[]) =>
        (["entry", "return"] as const).map((side) =>
          syscallAttachment(
            side === "entry" ? "enter" : "exit",
            pcbs.filter(({ probe }) => probe.name.endsWith(side)).map((pcb) => ({
              pcb,
              number: syscalls().get(pcb.probe.name.split(":")[1])!.number,
            })),
            { btf: null },
          )
        ),
    });
    using session = openDevice({ providers: [provider] }).open();
    const opens = session.enable(OPEN, {
      states: ["args"],
      filter: SELF,
      capture: { filename: "string", flags: "int" },
    });
    const returns = session.enable("syscall:openat:return", {
      filter: SELF,
      capture: { retval: "int" },
    });
    session.start();
    openFile("/dev/zero");
    session.stop();
    const seen: unknown[] = [];
    for await (const event of session) {
      if (opens.is(event)) seen.push(event.captured.filename, event.args!.length);
      else if (returns.is(event)) seen.push(event.captured.retval >= 0n);
    }
    assertEquals(seen, ["/dev/zero", 4, true]);
  },
);

kernelTest("a full ring loses events and says exactly how many", ["gcc"], async () => {
  const caller = buildCaller();
  using session = device().open({ ringBytes: 1 << 16 });
  session.enable("syscall:getppid:entry", { states: ["comm"] });
  session.start();
  output(caller, ["20000"]);
  session.stop();
  let read = 0;
  for await (const event of session) if (event.comm === "caller") read++;
  const stats = session.stats();
  assert(stats.dropped > 0n);
  assertEquals(BigInt(read) + stats.dropped >= 20000n, true);
  assertEquals(stats.recorded + stats.dropped, stats.fired - stats.filtered - stats.recursed);
  assertEquals(stats.read, stats.recorded);
});

kernelTest("string arguments that cannot be read are null", ["gcc"], async () => {
  using session = device().open();
  const opens = session.enable("syscall:getppid:entry", {});
  const accesses = session.enable("syscall:access:entry", {
    filter: { variable: "pid", operator: "ne", value: 1 },
    capture: { filename: { string: 8 } },
  });
  session.start();
  const dir = Deno.makeTempDirSync();
  Deno.writeTextFileSync(
    `${dir}/bad.c`,
    `#include <unistd.h>\n#include <sys/syscall.h>\n` +
      // The path is on the stack, in a page that is present: a program cannot wait for a page to be
      // read in.
      `int main(void){char path[]="/a/long/path";syscall(SYS_access,(char*)16,0);` +
      `syscall(SYS_access,path,0);` +
      `syscall(SYS_getppid);}`,
  );
  output("gcc", ["-o", `${dir}/bad`, `${dir}/bad.c`]);
  output(`${dir}/bad`, []);
  Deno.removeSync(dir, { recursive: true });
  session.stop();
  const names: (string | null)[] = [];
  for await (const event of session) {
    if (accesses.is(event)) names.push(event.captured.filename);
    else assert(opens.is(event));
  }
  assert(names.includes(null));
  assert(names.includes("/a/long"));
});

kernelTest("a kernel stack starts at the tracepoint's caller", [], async () => {
  using session = device().open();
  session.enable("tracepoint:raw_syscalls:sys_enter", { states: ["kstack"], filter: SELF });
  session.start();
  openFile();
  for await (const event of session) {
    // If another tracer uses the tracepoint, the kernel's iterator over its users comes first in
    // the stack.
    const frames = event.kstack!.map((frame) => kernelSymbols().resolve(frame)!.name)
      .filter((name) => !name.startsWith("__traceiter_"));
    assert(frames[0].startsWith("syscall_trace_enter"), frames.join(" "));
    assert(frames.includes("do_syscall_64"));
    break;
  }
});

kernelTest("an action that throws while it is emitted leaves nothing", [], () => {
  using session = device().open();
  session.enable(OPEN, {
    action: {
      kernel: {
        scratchBytes: 0,
        emit() {
          throw new Error("broken action");
        },
      },
    },
  });
  let message = "";
  try {
    session.start();
  } catch (error) {
    message = (error as Error).message;
  }
  assertEquals(message, "broken action");
});

Deno.test("user plane: ticks are delivered or counted as skipped", async () => {
  // In one of the rounds nobody else holds this thread up between two of its steps.
  const rounds: string[] = [];
  for (let i = 0; i < 20; i++) {
    const { ticks, least, most, skipped } = await ticksOfRound();
    assert(skipped >= 8, `${skipped} skipped`);
    assert(ticks <= most, `${ticks} <= ${most}`);
    if (ticks >= least) return;
    rounds.push(`${least} <= ${ticks}`);
  }
  throw new Error(rounds.join("\n"));
});

/** Ticks of a clock of 5 ms while the event loop is held up and after that, and how many are due. */
async function ticksOfRound() {
  using session = device().open({ plane: "user", ringSlots: 8 });
  session.enable("interval:ms:5");
  const before = performance.now();
  session.start();
  const start = performance.now();
  while (performance.now() - start < 60); // The event loop does nothing, while ticks are due.
  await new Promise((resolve) => setTimeout(resolve, 30));
  const stopping = performance.now();
  session.stop();
  const after = performance.now();
  const { recorded, dropped, skippedTicks } = session.stats();
  return {
    ticks: Number(recorded + dropped + skippedTicks),
    skipped: Number(skippedTicks),
    least: (stopping - start) / 5 - 2,
    most: (after - before) / 5 + 2,
  };
}

Deno.test("user plane: start after stop records anew", async () => {
  using session = device().open({ plane: "user" });
  session.enable("interval:ms:1");
  for (let round = 0; round < 2; round++) {
    session.start();
    assertEquals(await session.read(new Uint8Array(session.eventSize)), session.eventSize);
    session.stop();
  }
});

Deno.test("user plane: a full ring drops and counts", async () => {
  using session = device().open({ plane: "user", ringSlots: 2 });
  session.enable("interval:us:500");
  session.start();
  await new Promise((resolve) => setTimeout(resolve, 40));
  session.stop();
  const stats = session.stats();
  assertEquals(stats.recorded, 2n);
  assert(stats.dropped > 0n);
  assertEquals(stats.fired, stats.recorded + stats.dropped);
});

Deno.test("user plane: below 200 microseconds is EINVAL", () => {
  using session = device().open({ plane: "user" });
  assertEquals(codeOf(() => session.enable("interval:us:199")), "EINVAL");
});

Deno.test("user plane: an action is called for each event", async () => {
  using session = device().open({ plane: "user" });
  const { promise, resolve } = Promise.withResolvers<number>();
  session.enable("interval:ms:1", {
    action: {
      user(event) {
        resolve(event.thread.pid);
        return OUTCOME.aggregated;
      },
    },
  });
  session.start();
  assertEquals(await promise, Deno.pid);
  session.stop();
  const { fired, aggregated } = session.stats();
  assert(fired > 0n);
  assertEquals(fired, aggregated);
});

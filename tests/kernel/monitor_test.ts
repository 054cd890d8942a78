// Tests of the monitor: registering targets, and the events that follow.

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  EVENT_BITS,
  type Monitor,
  openMonitor,
  type ProcessEvent,
} from "../../providers/proc-events/mod.ts";
import { buildProgram, codeOf, codeOfAsync, kernelTest, testWith } from "../helpers.ts";

/** Collects events until `last` accepts an event, that event included. */
async function until(monitor: Monitor, last: (event: ProcessEvent) => boolean) {
  const events: ProcessEvent[] = [];
  for await (const event of monitor) {
    events.push(event);
    if (last(event)) return events;
  }
  throw new Error("the monitor was closed");
}

/** Starts a shell that waits for a line on stdin and then runs a script. */
function shell(script: string): { pid: number; go(): Promise<number> } {
  const child = new Deno.Command("sh", {
    args: ["-c", `read line; ${script}`],
    stdin: "piped",
    stdout: "null",
  }).spawn();
  return {
    pid: child.pid,
    async go() {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("go\n"));
      await writer.close();
      return (await child.status).code;
    },
  };
}

const SOURCES = ["kernel", "connector"] as const;

for (const source of SOURCES) {
  kernelTest(`monitor (${source}) tells a target's events, and no other's`, [], async () => {
    using monitor = openMonitor({ source });
    const watched = shell("/bin/true one two; exit 3");
    const other = shell("/bin/true");
    monitor.register(watched.pid, ["process:fork", "process:exec", "process:exit"]);
    assertEquals(monitor.size, 1);
    await other.go();
    await watched.go();
    const events = await until(monitor, ({ name }) => name === "process:exit");
    // The child itself is not watched; its birth is reported because its parent is watched.
    if (events[0].name === "process:exec") events.shift(); // the shell's own exec may come late
    assertEquals(events.map(({ name }) => name), ["process:fork", "process:exit"]);
    const [fork, exit] = events;
    assertEquals([fork.parentPid, exit.pid, exit.code, exit.signal], [
      watched.pid,
      watched.pid,
      3,
      0,
    ]);
    assert(exit.runtimeNs! > 0n && exit.runtimeNs! < 60_000_000_000n);
    assertEquals(monitor.stats().lost, 0n);
  });

  kernelTest(`monitor (${source}) follows a subtree from birth`, [], async () => {
    using monitor = openMonitor({ source });
    const root = shell("sh -c '/bin/true deep; true'; exit 0");
    monitor.register({ subtree: root.pid }, ["process:fork", "process:exec", "process:exit"]);
    await root.go();
    const events = await until(
      monitor,
      ({ name, pid }) => name === "process:exit" && pid === root.pid,
    );
    const names = (name: string) => events.filter((event) => event.name === name);
    assertEquals(names("process:fork").length, 2);
    // The execution of the shell itself may be reported after the registration.
    const executed = names("process:exec").filter(({ pid }) => pid !== root.pid)
      .map(({ argv }) => argv);
    assertEquals(executed.length, 2);
    // The proc connector reports an execution without arguments, and a process that has ended
    // cannot be asked for them.
    if (source === "kernel") {
      assertEquals(executed, [["sh", "-c", "/bin/true deep; true"], ["/bin/true", "deep"]]);
    }
    assertEquals(names("process:exit").length, 3);
    // Events come in the order of time, and parents before their children.
    const times = events.map(({ timestampNs }) => timestampNs);
    assertEquals(times, times.toSorted((a, b) => a < b ? -1 : 1));
  });
}

kernelTest("registering again adds events and replaces the notification", [], async () => {
  using monitor = openMonitor();
  const target = shell("/bin/true");
  const [first, second]: [string[], string[]] = [[], []];
  monitor.register(target.pid, ["process:fork"], ({ name }) => first.push(name));
  monitor.register(target.pid, EVENT_BITS["process:exit"], ({ name }) => second.push(name));
  assertEquals(monitor.size, 1);
  await target.go();
  await until(monitor, ({ name }) => name === "process:exit");
  assertEquals([first, second], [[], ["process:fork", "process:exit"]]);
});

kernelTest("deregistering takes events off, and at none the registration", [], async () => {
  using monitor = openMonitor();
  const target = shell("/bin/true");
  monitor.register(target.pid, 0x7f);
  monitor.deregister(target.pid, ["process:fork", "process:exec"]);
  assertEquals(monitor.size, 1);
  await target.go();
  const events = await until(monitor, ({ name }) => name === "process:exit");
  assertEquals(events.map(({ name }) => name), ["process:exit"]);
  // The target has ended, but its registration still exists.
  monitor.deregister(target.pid, 0x7f);
  assertEquals(monitor.size, 0);
  assertEquals(codeOf(() => monitor.deregister(target.pid)), "EINVAL");
});

kernelTest("registrations are refused as kmonitor's were", [], async () => {
  const monitor = openMonitor();
  assertEquals(codeOf(() => monitor.deregister(Deno.pid)), "EINVAL");
  assertEquals(codeOf(() => monitor.register(4194303, 0x40)), "ESRCH");
  assertEquals(codeOf(() => monitor.register(Deno.pid, 0)), "EINVAL");
  assertEquals(codeOf(() => monitor.register(Deno.pid, 0x80)), "EINVAL");
  assertEquals(codeOf(() => monitor.register(-1, 1)), "EINVAL");
  assertEquals(codeOf(() => monitor.register({ cgroup: "/no/such" }, 1)), "ENOENT");
  assertEquals(codeOf(() => monitor.register(1, 1, { signal: "SIGNONE", pid: 1 })), "EINVAL");
  assertEquals(monitor.size, 0);
  monitor.register(4194303, 0x40, undefined, { future: true });
  assertEquals(monitor.size, 1);
  monitor.close();
  monitor.close();
  assertEquals(codeOf(() => monitor.register(Deno.pid, 1)), "EBADF");
  assertEquals(await Array.fromAsync(monitor), []);
});

/** Tries to start a program under a chosen process id; false if another process took that id. */
async function startAs(pid: number, args: readonly string[]): Promise<boolean> {
  Deno.writeTextFileSync("/proc/sys/kernel/ns_last_pid", `${pid - 1}`);
  const child = new Deno.Command("/bin/true", { args: [...args] }).spawn();
  await child.status;
  return child.pid === pid;
}

/** Finds a process id that no process has, nor will get soon. */
function freePid(): number {
  const most = Number(Deno.readTextFileSync("/proc/sys/kernel/pid_max"));
  for (let pid = most - 100;; pid--) {
    try {
      Deno.statSync(`/proc/${pid}`);
    } catch {
      return pid;
    }
  }
}

kernelTest("a process that does not exist yet can be watched", [], async () => {
  using monitor = openMonitor();
  const pid = freePid();
  monitor.register(pid, ["process:exec", "process:exit"], undefined, { future: true });
  while (!await startAs(pid, ["future"]));
  const events = await until(monitor, ({ name }) => name === "process:exit");
  assertEquals(events.at(-2)!.argv, ["/bin/true", "future"]);
  // A process that gets the same id again is another target.
  while (!await startAs(pid, ["another"]));
  const other = shell("exit 0");
  monitor.register(other.pid, ["process:exit"]);
  await other.go();
  const more = await until(monitor, (event) => event.pid === other.pid);
  assertEquals(more.length, 1);
});

kernelTest("a cgroup's processes are watched", [], async () => {
  const path = `dt-test-${Deno.pid}`;
  const root = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((one) => {
    try {
      return Deno.statSync(`${one}/cgroup.controllers`).isFile;
    } catch {
      return false;
    }
  });
  if (root === undefined) throw new Error("there is no cgroup of version 2 here");
  Deno.mkdirSync(`${root}/${path}`);
  try {
    using monitor = openMonitor();
    monitor.register({ cgroup: path }, ["process:exec", "process:exit"]);
    const inside = shell(`echo $$ > ${root}/${path}/cgroup.procs; exec /bin/true inside`);
    const outside = shell("exec /bin/true outside");
    await outside.go();
    await inside.go();
    const events = await until(monitor, ({ name }) => name === "process:exit");
    assertEquals(events.map(({ pid }) => pid), [inside.pid, inside.pid]);
    assertEquals(events[0].argv, ["/bin/true", "inside"]);
  } finally {
    for (let i = 0; i < 100; i++) {
      try {
        Deno.removeSync(`${root}/${path}`);
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 10)); // ended processes disappear soon
      }
    }
  }
});

kernelTest("an event can be a real-time signal to another process", ["gcc"], async () => {
  const program = buildProgram("rt_monitor");
  const waiting = new Deno.Command(program, { args: ["3"], stdout: "piped" }).spawn();
  const lines = waiting.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await lines.read()).value!;
  assertEquals(text, "ready\n");
  using monitor = openMonitor();
  const target = shell("/bin/true & wait; kill -TERM $$");
  monitor.register(target.pid, 0x78, { signal: "SIGRTMIN", pid: waiting.pid });
  await target.go();
  const [fork] = await until(monitor, ({ name }) => name === "process:exit");
  for (let part = await lines.read(); !part.done; part = await lines.read()) text += part.value;
  assertEquals((await waiting.status).code, 0);
  assertEquals(text.split("\n").slice(1, 4), [
    `SI_QUEUE 0x08 ${fork.pid} 0`,
    `SI_QUEUE 0x10 ${target.pid} 0`,
    `SI_QUEUE 0x40 ${target.pid} 0`,
  ]);
  assertEquals(monitor.stats().signalsLost, 0n);
});

testWith("a signal tells the user of the event's process", ["gcc", "root", "setpriv"], async () => {
  const program = buildProgram("rt_monitor");
  const waiting = new Deno.Command(program, { args: ["1"], stdout: "piped" }).spawn();
  const lines = waiting.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await lines.read()).value!;
  using monitor = openMonitor();
  const user = "setpriv --reuid 65534 --clear-groups";
  const target = shell(`exec ${user} sh -c 'sleep 0.1; /bin/true & wait'`);
  monitor.register(target.pid, ["process:fork"], { signal: "SIGUSR1", pid: waiting.pid });
  await target.go();
  for (let part = await lines.read(); !part.done; part = await lines.read()) text += part.value;
  await waiting.status;
  assertMatch(text, /^SI_QUEUE 0x08 \d+ 65534$/m);
});

testWith("a signal to no process is no request", [], () => {
  using monitor = openMonitor();
  for (const pid of [NaN, 0, -1, 1.5, 2 ** 32]) {
    const register = () => monitor.register("all", ["process:exit"], { signal: "SIGUSR1", pid });
    assertEquals(codeOf(register), "EINVAL");
  }
  for (const signal of ["SIGNONE", "USR1", "SIGRTMIN+99", 0, 65]) {
    const register = () => monitor.register("all", 0x7f, { signal, pid: Deno.pid });
    assertEquals(codeOf(register), "EINVAL");
  }
});

kernelTest("while nobody is registered nothing is attached", [], () => {
  const links = () =>
    JSON.parse(
      new TextDecoder().decode(
        new Deno.Command("bpftool", { args: ["-j", "link", "show"] }).outputSync().stdout,
      ) || "[]",
    ).length;
  const before = links();
  using monitor = openMonitor();
  assertEquals(links(), before);
  monitor.register("all", 0x7f);
  assertEquals(links(), before + 7);
  monitor.deregister("all");
  assertEquals(links(), before);
});

kernelTest("an event costs the same with one target and with ten thousand", [], async () => {
  const cost = async (targets: number) => {
    using monitor = openMonitor();
    for (let i = 0; i < targets; i++) {
      monitor.register(1_000_000 + i, 0x7f, undefined, { future: true });
    }
    const target = shell("i=0; while [ $i -lt 300 ]; do /bin/true & i=$((i+1)); done; wait");
    let spent = 0;
    let seen = 0;
    monitor.register(target.pid, ["process:fork", "process:exit"], () => {
      seen++;
      spent ||= performance.now();
    });
    await target.go();
    await until(monitor, ({ name }) => name === "process:exit");
    assertEquals(seen, 301);
    return performance.now() - spent;
  };
  await cost(1);
  const [one, many] = [await cost(1), await cost(10_000)];
  // If the monitor went through all registrations, the second cost would be thousands of times as
  // high.
  assert(many < one * 3 + 200, `${one} ms, ${many} ms`);
});

testWith("a pidfd tells the end of any process, with its status", [], async () => {
  using monitor = openMonitor({ source: "pidfd" });
  const target = shell("exit 5");
  const killed = shell("kill -KILL $$");
  assertEquals(codeOf(() => monitor.register(target.pid, ["process:exec"])), "EOPNOTSUPP");
  assertEquals(codeOf(() => monitor.register("all", ["process:exit"])), "EOPNOTSUPP");
  monitor.register(target.pid, ["process:exit"]);
  monitor.register(killed.pid, ["process:abort", "process:exit"]);
  await target.go();
  const [end] = await until(monitor, () => true);
  // The exit status of a process that is no child is known since Linux 6.15.
  assertEquals([end.name, end.pid, end.code], ["process:exit", target.pid, 5]);
  await killed.go();
  const ends = await until(monitor, ({ name }) => name === "process:exit");
  assertEquals(ends.map(({ name, signal }) => [name, signal]), [
    ["process:abort", 9],
    ["process:exit", 9],
  ]);
});

for (const source of SOURCES) {
  kernelTest(`what finds no room is counted, to the last event (${source})`, ["gcc"], async () => {
    const program = buildProgram("storm", "-pthread");
    using monitor = openMonitor({ source, bufferBytes: 65536 });
    monitor.register("all", ["process:fork", "process:exit"]);
    // Nothing is read while this thread waits for the program.
    new Deno.Command(program, { args: ["3000"] }).outputSync();
    // The connector numbers its messages on each CPU, so the next message tells how many are
    // missing.
    const last = shell(
      "for cpu in 0 1; do taskset -c $cpu sh -c '/bin/true; /bin/true'; done; exit 9",
    );
    await last.go();
    const events = await until(
      monitor,
      ({ pid, name }) => pid === last.pid && name === "process:exit",
    );
    const seen = events.length;
    const { lost } = monitor.stats();
    // All births and exits are accounted for; some lost events belong to other processes or have
    // other kinds.
    assert(seen > 0 && lost > 0n, `${seen} seen, ${lost} lost`);
    const total = BigInt(seen) + lost;
    assert(total >= 6000n && total < 9000n, `${seen} seen, ${lost} lost`);
  });
}

/** Runs processes with many threads that all end at the same time. */
kernelTest("what ends together is told once, and to the last thread", ["gcc"], async () => {
  const program = buildProgram("herd", "-pthread");
  using monitor = openMonitor();
  const root = shell(`${program} 300 8`);
  monitor.register({ subtree: root.pid }, 0x7f);
  await root.go();
  const events = await until(
    monitor,
    ({ name, pid }) => name === "process:exit" && pid === root.pid,
  );
  // Threads of the last process may be reported after it.
  monitor.close();
  for await (const event of monitor) events.push(event);
  const names = (name: string) => events.filter((event) => event.name === name);
  assertEquals(names("thread:create").length, 2400);
  assertEquals(names("thread:exit").length, 2400);
  const ends = names("process:exit").map(({ pid }) => pid);
  // The shell, the program, and the program's 300 children.
  assertEquals(ends.length, 302);
  assertEquals(new Set(ends).size, 302);
});

kernelTest("a number that is registered again is another process", [], async () => {
  using monitor = openMonitor();
  const first = shell("exit 1");
  monitor.register(first.pid, ["process:exit"]);
  await first.go();
  await until(monitor, ({ name }) => name === "process:exit");
  assertEquals(codeOf(() => monitor.register(first.pid, ["process:exit"])), "ESRCH");
  monitor.register(first.pid, ["process:exit"], undefined, { future: true });
  while (!await startAs(first.pid, ["again"]));
  const [again] = await until(monitor, ({ name }) => name === "process:exit");
  assertEquals([again.pid, again.code], [first.pid, 0]);
});

kernelTest(
  "leaving the loop and coming back loses nothing; two readers are refused",
  [],
  async () => {
    using monitor = openMonitor();
    const target = shell("/bin/true; /bin/true; /bin/true");
    monitor.register({ subtree: target.pid }, ["process:fork", "process:exit"]);
    await target.go();
    let seen = 0;
    for (let ended = false; !ended;) {
      for await (const { name, pid } of monitor) {
        seen++;
        ended = name === "process:exit" && pid === target.pid;
        break;
      }
    }
    assertEquals(seen, 7);
    const waiting = monitor[Symbol.asyncIterator]().next();
    assertEquals(await codeOfAsync(() => monitor[Symbol.asyncIterator]().next()), "EBUSY");
    monitor.close();
    assertEquals((await waiting).done, true);
  },
);

kernelTest("callbacks may throw, and close the monitor", [], async () => {
  const errors: unknown[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error);
  };
  addEventListener("error", onError);
  using monitor = openMonitor();
  const target = shell("/bin/true; /bin/true");
  let calls = 0;
  monitor.register({ subtree: target.pid }, ["process:fork", "process:exit"], () => {
    if (++calls === 3) monitor.close();
    throw new RangeError("in a callback");
  });
  const reading = Array.fromAsync(monitor);
  await target.go();
  const events = await reading;
  removeEventListener("error", onError);
  assertEquals([calls, errors.length], [3, 3]);
  assert(events.length >= 3);
  const times = events.map(({ timestampNs }) => timestampNs);
  assertEquals(times, times.toSorted((a, b) => a < b ? -1 : a > b ? 1 : 0));
});

kernelTest("what has happened is told before it is not wanted any more", [], async () => {
  using monitor = openMonitor();
  const target = shell("exit 2");
  const seen: (number | undefined)[] = [];
  monitor.register(target.pid, ["process:exit"], ({ code }) => seen.push(code));
  await target.go();
  monitor.deregister(target.pid);
  assertEquals(seen, [2]);
  for (const wrong of [null, {}, "x", { subtree: "y" }, { cgroup: "../.." }]) {
    assertEquals(codeOf(() => monitor.register(wrong as never, 1)), "EINVAL");
  }
});

// Tests of clocks and counters on the running kernel.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { openDevice, type Session } from "../../core/mod.ts";
import { onlineCpus } from "../../core/sys/cpu.ts";
import { allProviders } from "../../providers/mod.ts";
import { btrace, codeOf, kernelTest } from "../helpers.ts";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function openSession(): Session {
  return openDevice({ providers: allProviders() }).open();
}

/** Starts a program that keeps one CPU busy until it is disposed. */
function spinOn(cpu: number): AsyncDisposable {
  const child = new Deno.Command("taskset", {
    args: ["-c", `${cpu}`, "sh", "-c", "while :; do :; done"],
  }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

/** Time in milliseconds, on the clock of this process. */
const now = () => performance.now();

for (const [what, busy] of [["idle", false], ["busy", true]] as const) {
  kernelTest(
    `profile: delivered and skipped ticks are elapsed / period, ${what}`,
    [],
    async () => {
      const cpus = onlineCpus();
      await using stack = new AsyncDisposableStack();
      if (busy) { for (const cpu of cpus) stack.use(spinOn(cpu)); }
      for (const periodMs of [1, 7]) {
        using session = openSession();
        session.enable(`profile:ms:${periodMs}`);
        session.prepare();
        const before = now();
        session.start();
        const started = now();
        await sleep(1000);
        const stopping = now();
        session.stop();
        const after = now();
        const { fired, skippedTicks } = session.stats();
        const ticks = Number(fired + skippedTicks);
        // The true start and stop lie between the two times measured for each, so a tick more or
        // less per CPU is right.
        const least = (Math.floor((stopping - started) / periodMs) - 1) * cpus.length;
        const most = (Math.ceil((after - before) / periodMs) + 1) * cpus.length;
        assert(ticks >= least && ticks <= most, `${least} <= ${ticks} <= ${most}`);
        if (busy) assert(Number(fired) > ticks * 0.9, `${fired} of ${ticks}`);
      }
    },
  );
}

kernelTest("profile: ticks that cannot come are skipped, not lost", [], async () => {
  await using _busy = spinOn(0);
  using session = openSession();
  session.enable("interval:us:200");
  const before = now();
  session.start();
  const started = now();
  // The kernel records while this thread is held up, so no tick may be skipped.
  while (now() - started < 300);
  const stopping = now();
  session.stop();
  const after = now();
  const { fired, skippedTicks } = session.stats();
  const ticks = Number(fired + skippedTicks);
  const [least, most] = [(stopping - started) * 5 - 10, (after - before) * 5 + 10];
  assert(ticks >= least && ticks <= most, `${least} <= ${fired} + ${skippedTicks} <= ${most}`);
});

kernelTest("profile: follows CPUs that go and come", ["hotplug", "root"], async () => {
  const online = (value: number) =>
    Deno.writeTextFileSync("/sys/devices/system/cpu/cpu1/online", `${value}`);
  using session = openSession();
  session.enable("profile:ms:5");
  const started = now();
  session.start();
  const cpus: number[] = [];
  const reading = (async () => {
    for await (const { cpu } of session) cpus.push(cpu);
  })();
  let away = 0;
  try {
    online(0);
    away = -now();
    await sleep(700);
    const gone = cpus.length;
    await sleep(300);
    assertEquals(cpus.slice(gone).filter((cpu) => cpu === 1), []);
  } finally {
    away += now();
    online(1);
  }
  await using _busy = spinOn(1);
  await sleep(900);
  const back = cpus.length;
  await sleep(300);
  assert(cpus.slice(back).includes(1));
  session.stop();
  await reading;
  // The session notices within half a second that CPU 1 is offline. Ticks of the rest of the time in
  // which it was offline belong to nobody.
  const { fired, skippedTicks } = session.stats();
  const most = (2 * (now() - started) - away + 500) / 5;
  assert(Number(fired + skippedTicks) <= most, `${fired} + ${skippedTicks} <= ${most}`);
});

kernelTest(
  "profile: a script may ask for more than the kernel can deliver, and is told",
  [],
  () => {
    const { code, stderr } = btrace(["-n", "-e", "profile:us:1 { @ = count(); }"]);
    assertEquals(code, 0);
    assertMatch(stderr, /WARNING: The kernel's clock ticks at most every 10 us/);
    using session = openSession();
    assertEquals(codeOf(() => session.enable("profile:us:199")), "EINVAL");
    session.enable("profile:us:200");
  },
);

kernelTest("software: counts page faults of a program", [], () => {
  const script = 'software:faults:1 /comm == "true"/ { @[usermode] = count(); }';
  const { stdout } = btrace(["-q", "-c", "true", "-e", script]);
  const faults = Number(/@\[1\]: (\d+)/.exec(stdout)?.[1]);
  assert(faults > 10, stdout);
});

kernelTest("software: a default count, an alias, the probe's name", [], () => {
  const script = "s:cpu: { @[probe] = count(); } interval:ms:200 { exit(); }";
  assertMatch(btrace(["-q", "-e", script]).stdout, /@\[software:cpu:\]: \d{2,}/);
});

kernelTest("hardware: says that this machine has no counters", [], () => {
  const { code, stdout, stderr } = btrace(["-e", "hardware:cache-misses:1e6 { @ = count(); }"]);
  if (code === 0) return; // this machine has the counter
  assertEquals(stdout.trim(), "");
  assertMatch(
    stderr,
    /^ERROR: Cannot enable hardware:cache-misses:1000000: this machine has no such hardware counter/m,
  );
});

// Tests what the library does with requests that make no sense, and with events between recordings.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { allProviders } from "../../providers/mod.ts";
import { type EnableRequest, openDevice, type SessionOptions } from "../../core/mod.ts";
import { codeOf, kernelTest, testWith } from "../helpers.ts";

const PROBE = "syscall:getppid:entry";

/** Values that are no id of a process, and what a program might have wanted with them. */
const NO_IDS: readonly unknown[] = [
  ...[NaN, Infinity, -1, 1.5, 2 ** 31, 2 ** 32 + 5, "1", null, undefined, 5n, {}],
];

const BAD: readonly unknown[] = [
  ...NO_IDS.map((value) => ({ filter: { variable: "pid", operator: "eq", value } })),
  { filter: { variable: "uid", operator: "eq", value: 1 } },
  { filter: { variable: "pid", operator: "lt", value: 1 } },
  { filter: { variable: "tree", operator: "eq", value: 1 } },
  ...NO_IDS.map((descendantsOf) => ({ filter: { descendantsOf } })),
  { filter: 7 },
  { states: ["comm", "registers"] },
  { states: "comm" },
  { capture: { arg0: "float" } },
  { capture: { arg0: null } },
  { capture: { arg0: {} } },
  { capture: { arg0: { string: 0 } } },
  { capture: { arg0: { bytes: NaN } } },
  { capture: { nosuch: "int" } },
];

const BAD_OPTIONS: readonly unknown[] = [
  { plane: "moon" },
  ...[0, 1.5, NaN, -1, 2 ** 40, "8"].map((ringSlots) => ({ plane: "user", ringSlots })),
  ...[0, 65537, NaN, 2 ** 31, "x"].map((ringBytes) => ({ plane: "user", ringBytes })),
];

for (const plane of ["kernel", "user"] as const) {
  kernelTest(`requests that make no sense are EINVAL (${plane} plane)`, [], () => {
    const device = openDevice({ providers: allProviders() });
    using session = device.open({
      plane,
      target: plane === "user" ? { pid: Deno.pid } : undefined,
    });
    for (const request of BAD) {
      const code = codeOf(() => session.enable(PROBE, request as EnableRequest));
      assertEquals(code, "EINVAL", Deno.inspect(request));
    }
    // Nothing of them is left: the probe can be enabled.
    session.enable(PROBE, { filter: { variable: "pid", operator: "eq", value: 2 ** 31 - 1 } });
  });
}

testWith("options of a session that make no sense are EINVAL", [], () => {
  const device = openDevice({ providers: allProviders() });
  for (const options of BAD_OPTIONS) {
    const open = () => device.open(options as SessionOptions)[Symbol.dispose]();
    assertEquals(codeOf(open), "EINVAL", Deno.inspect(options));
  }
});

testWith("probes cannot be changed, in no part", [], () => {
  const device = openDevice({ providers: allProviders() });
  const [probe] = device.match("syscall:openat:entry");
  const all: object[] = [probe];
  for (const one of all) {
    assert(Object.isFrozen(one), Deno.inspect(one));
    for (const value of Object.values(one)) {
      if (typeof value === "object" && value !== null && !all.includes(value)) all.push(value);
    }
  }
  assertThrows(() => (probe as { pbn: number }).pbn = 77, TypeError);
  assertEquals(device.match("syscall:openat:entry")[0].pbn, probe.pbn);
  assertEquals(device.listProbes(new Uint8Array(0), "syscall:openat:*"), 2 * 128);
});

for (const plane of ["kernel", "user"] as const) {
  kernelTest(
    `events that are unread at stop() survive the next start (${plane} plane)`,
    [],
    async () => {
      const device = openDevice({ providers: allProviders() });
      using session = device.open({ plane, ringSlots: 16 });
      session.enable("interval:hz:100");
      const record = async (ms: number) => {
        session.start();
        await new Promise((resolve) => setTimeout(resolve, ms));
        session.stop();
      };
      await record(75);
      const { recorded: first } = session.stats();
      await record(75);
      const { recorded } = session.stats();
      assert(first > 2n && recorded > first, `${first} ${recorded}`);
      let seen = 0n;
      session.drainEvents(() => seen++);
      assertEquals([seen, session.stats().read], [recorded, recorded]);
    },
  );

  kernelTest(`read() before start() waits for the start (${plane} plane)`, [], async () => {
    const device = openDevice({ providers: allProviders() });
    using session = device.open({ plane });
    session.enable("interval:hz:100");
    let isDone = false;
    const buffer = new Uint8Array(session.eventSize);
    const reading = session.read(buffer).finally(() => isDone = true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assertEquals(isDone, false);
    session.start();
    assert(await reading > 0);
    session.stop();
    // A session that is closed without a start ends the wait.
    const other = device.open({ plane });
    other.enable("interval:hz:100");
    const second = other.read(buffer);
    other.close();
    assertEquals(await second, 0);
  });
}

testWith("an action that throws is counted once", [], () => {
  const device = openDevice({ providers: allProviders() });
  using session = device.open({ plane: "user" });
  session.enable("interval:hz:100");
  session.prepare();
  const user = () => {
    throw new RangeError("an action's own");
  };
  assertThrows(() => session.run("broken", { user }), RangeError);
  const { fired, recorded, aggregated, dropped, filtered, recursed } = session.stats();
  assertEquals(fired, 1n);
  assertEquals(recorded + aggregated + dropped + filtered + recursed, fired);
});

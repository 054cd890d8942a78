// A fleet on one machine: real agents, a real nats-server, real BPF programs.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connect } from "npm:@nats-io/transport-node@3.4.0";
import { kernelTest, output } from "../helpers.ts";
import { Agent, fleet, objectsOf, programsOfBpf, Server, until } from "./server.ts";

kernelTest(
  "one result of three hosts is the sum of what each has seen",
  ["nats-server"],
  async () => {
    await using server = await Server.start();
    await using _one = await Agent.start(
      server,
      "--unsigned",
      "--host",
      "a.example",
      "-l",
      "zone=x",
    );
    await using _two = await Agent.start(server, "--unsigned", "--host", "b", "-l", "zone=x");
    await using _three = await Agent.start(server, "--unsigned", "--host", "c", "-l", "zone=y");
    const script = `
    tracepoint:syscalls:sys_enter_kill /args.pid == ${Deno.pid} && args.sig == 0/ {
      @count = count(); @sum[args.sig, "k"] = sum(7); @avg = avg(3); @min = min(-5); @max = max(9);
      @hist = hist(5); @lhist = lhist(50, 0, 100, 10); @stats = stats(4); @plain = 1;
      printf("one\\n");
      @seen++;
      if (@seen == 100) { exit(); }
    }`;
    const running = fleet(server, "run", "-f", "json", "--by", "zone", "-d", "60", script);
    await until("three agents trace", () => shows(server, "3 running"));
    const kills = `i=0; while [ $i -lt 100 ]; do kill -0 ${Deno.pid}; i=$((i+1)); done`;
    assertEquals(output("sh", ["-c", kills]).code, 0);
    const result = await running;
    const objects = objectsOf(result);
    const value = (name: string) =>
      Object.fromEntries(
        (objects.find((one) => one.name === name)!.rows as { group: string; value: unknown }[])
          .map((row) => [row.group, row.value]),
      );
    assertEquals(value("@count"), { "zone=x": 200, "zone=y": 100 });
    assertEquals(value("@sum"), { "zone=x": 1400, "zone=y": 700 });
    assertEquals(value("@avg")["zone=x"], { count: 200, average: 3, total: 600 });
    assertEquals(value("@stats")["zone=y"], { count: 100, average: 4, total: 400 });
    assertEquals(value("@min"), { "zone=x": -5, "zone=y": -5 });
    assertEquals(value("@max"), { "zone=x": 9, "zone=y": 9 });
    assertEquals(value("@hist")["zone=x"], [{ min: 4, max: 7, count: 200 }]);
    assertEquals(value("@lhist")["zone=y"], [{ min: 50, max: 59, count: 100 }]);
    assertEquals(value("@plain"), { "zone=x": { "a.example": 1, b: 1 }, "zone=y": { c: 1 } });
    const records = objects.filter(({ type }) => type === "record");
    assertEquals(Map.groupBy(records, ({ host }) => host).get("b")?.length, 100);
    assertEquals(records.length, 300);
    const { hosts } = objects.find(({ type }) => type === "hosts") as {
      hosts: { host: string; phase: string; missing: string[] }[];
    };
    assertEquals(hosts.map(({ host, phase }) => [host, phase]), [
      ["a.example", "ended"],
      ["b", "ended"],
      ["c", "ended"],
    ]);
    assertEquals(result.code, 0, result.stderr);
  },
);

kernelTest(
  "hosts refuse with a reason and a place, and labels choose",
  ["nats-server"],
  async () => {
    await using server = await Server.start();
    assertStringIncludes((await fleet(server, "run", "BEGIN { }")).stderr, "no agent answers");
    await using _one = await Agent.start(
      server,
      "--unsigned",
      "--host",
      "a",
      "-l",
      "role=db,zone=a",
    );
    await using _two = await Agent.start(server, "--unsigned", "--host", "b", "-l", "role=web");
    const wrong = await fleet(server, "run", "-l", "role=db", "BEGIN { @x = count(1); }");
    assertEquals(wrong.code, 1);
    assertMatch(
      wrong.stderr,
      /1 host: 1 refused\n {2}a: refused: script:1:1\d-\d+: ERROR: .*count/,
    );
    const good = await fleet(server, "run", "-l", "role=web", "BEGIN { @ = count(); exit(); }");
    assertEquals([good.code, good.stdout], [0, "\n@: 1\n"], good.stderr);
    const series = "BEGIN { @t = tseries(1, 1s, 5); }";
    assertStringIncludes((await fleet(server, "run", series)).stderr, "tseries()");
  },
);

/** True if jobs are so far, as `fleet ps` shows them. */
async function shows(server: Server, text: string): Promise<boolean> {
  return (await fleet(server, "ps")).stdout.includes(text);
}

kernelTest(
  "a killed agent leaves nothing, and the next one goes on with the job",
  ["nats-server"],
  async () => {
    await using server = await Server.start();
    const script = "tracepoint:sched:sched_switch { @ = count(); } BEGIN { @begun = count(); }";
    const first = await Agent.start(server, "--unsigned", "--host", "a");
    const running = fleet(server, "run", "-d", "60", script);
    let programs: number[];
    try {
      await until("the job runs", () => shows(server, "1 running"));
      programs = first.programs;
      assert(programs.length > 0);
      // What the first one has gathered is published twice a second.
      await new Promise((resolve) => setTimeout(resolve, 1500));
    } finally {
      await first.stop("SIGKILL");
    }
    await until("nothing is attached", () => {
      const all = new Set(programsOfBpf());
      return programs.every((id) => !all.has(id));
    });
    await using second = await Agent.start(server, "--unsigned", "--host", "a");
    await until("the job runs again", () => second.programs.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const [id] = (await fleet(server, "ps")).stdout.split(" ");
    const top = fleet(server, "top", "--by", "host", id);
    assertEquals((await fleet(server, "stop", id)).code, 0);
    const { code, stdout, stderr } = await running;
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "@begun: 2\n");
    assertStringIncludes(stderr, "a: lost: 1 end of a run cut short\n");
    assertStringIncludes((await top).stdout, "a @begun: 2\n");
    assertMatch((await fleet(server, "ps")).stdout, /1 ended {2}stopped/);
    assertEquals(second.programs, []);
    assertEquals(await second.stop(), 0);
  },
);

kernelTest(
  "a job ends at its time without a server, and its result comes later",
  ["nats-server"],
  async () => {
    await using server = await Server.start();
    await using agent = await Agent.start(server, "--unsigned", "--host", "a");
    const script = "END { @e = count(); } tracepoint:sched:sched_switch { @ = count(); }";
    const running = fleet(server, "run", "-d", "8", script);
    await until("the job runs", () => shows(server, "1 running"));
    await server.stop();
    assert(agent.programs.length > 0);
    await until("the job has ended", () => agent.programs.length === 0);
    await server.restart();
    const { code, stdout, stderr } = await running;
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "@e: 1\n");
  },
);

kernelTest(
  "a host that is gone or silent is named, and what it has sent counts",
  ["nats-server"],
  async () => {
    await using server = await Server.start();
    const gone = await Agent.start(server, "--unsigned", "--host", "gone");
    await using _there = await Agent.start(server, "--unsigned", "--host", "there");
    const nats = await connect({ servers: server.url });
    const silent = { host: "silent", labels: {}, jobs: [] };
    nats.subscribe("dt.fleet.hosts", {
      callback: (_error, message) => void message.respond(JSON.stringify(silent)),
    });
    try {
      const running = fleet(server, "run", "-d", "5", "interval:ms:100 { @ = max(7); }");
      await until("the job runs", () => shows(server, "2 running"));
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await gone.stop("SIGKILL");
      const { code, stdout, stderr } = await running;
      assertEquals([code, stdout], [1, "\n@: 7\n"], stderr);
      assertStringIncludes(stderr, "  gone: running, and has not told of its end\n");
      assertStringIncludes(stderr, "  silent: silent\n");
    } finally {
      await nats.close();
    }
  },
);

kernelTest("an agent that was ended in order goes on with its job", ["nats-server"], async () => {
  await using server = await Server.start();
  const first = await Agent.start(server, "--unsigned", "--host", "a");
  const running = fleet(server, "run", "-d", "60", "interval:ms:100 { @ = max(7); }");
  await until("the job runs", () => shows(server, "1 running"));
  assertEquals(await first.stop(), 0);
  assertStringIncludes((await running).stderr, "a: ended: the agent was ended\n");
  await using _second = await Agent.start(server, "--unsigned", "--host", "a");
  await until("the job runs again", () => shows(server, "1 running"));
});

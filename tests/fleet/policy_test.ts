// What agents refuse, and that no message on the bus ends an agent or a collector.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createUser, fromPublic, fromSeed } from "npm:@nats-io/nkeys@2.0.3";
import { connect } from "npm:@nats-io/transport-node@3.4.0";
import { Source } from "../../language/syntax/diagnostics.ts";
import { parse } from "../../language/syntax/parser.ts";
import { type Job, readAnswer, readHostInfo, readJob, readRecords } from "../../tools/fleet/job.ts";
import {
  checkJob,
  checkSyntax,
  openJob,
  type Policy,
  readPolicy,
  sealJob,
  STRICT,
} from "../../tools/fleet/policy.ts";
import { readSnapshot } from "../../tools/fleet/snapshot.ts";
import { Random } from "../fuzz/random.ts";
import { kernelTest, output, toolCommand } from "../helpers.ts";
import { Agent, fleet, Server } from "./server.ts";

const NKEYS = { createUser, fromPublic, fromSeed };
const JOB: Job = {
  id: "abc",
  kind: "run",
  script: "BEGIN { }",
  params: ["1"],
  labels: { role: "db" },
  seconds: 10,
  unsafe: false,
  owner: "me@here",
  issuedMs: 1_000_000,
};

Deno.test("only what a trusted key has signed is opened", () => {
  const [ours, theirs] = [createUser(), createUser()];
  const policy: Policy = { ...STRICT, signers: [ours.getPublicKey()] };
  const open = (text: string) => openJob(text, NKEYS, policy);
  const sealed = sealJob(JOB, NKEYS, ours.getSeed());
  assertEquals(open(sealed), JOB);
  refuses(() => open(sealJob(JOB, NKEYS, undefined)), "not signed");
  refuses(
    () => open(sealJob(JOB, NKEYS, theirs.getSeed())),
    "does not have the signer",
  );
  const { body, key, signature } = JSON.parse(sealed);
  const forged = (change: object) => JSON.stringify({ body, key, signature, ...change });
  refuses(() => open(forged({ body: body.replace("BEGIN", "END") })), "not that of");
  const other = JSON.parse(sealJob(JOB, NKEYS, theirs.getSeed())).signature;
  refuses(() => open(forged({ signature: other })), "not that of");
  refuses(() => open(forged({ signature: "" })), "not that of");
  refuses(() => open(forged({ signature: "*" })), "not that of");
  refuses(() => open(forged({ signature: 1 })), "a signature");
  assertEquals(openJob(sealJob(JOB, NKEYS, undefined), NKEYS, { ...STRICT, unsigned: true }), JOB);
});

Deno.test("a policy bounds what a job asks for", () => {
  const allowsNot = (job: Partial<Job>, policy: Partial<Policy>, nowMs: number, text: string) =>
    refuses(() => checkJob({ ...JOB, ...job }, { ...STRICT, ...policy }, nowMs), text);
  checkJob(JOB, STRICT, JOB.issuedMs);
  allowsNot({ seconds: 11 }, { seconds: 10 }, JOB.issuedMs, "allows 10 s");
  allowsNot({ unsafe: true }, {}, JOB.issuedMs, "no unsafe functions");
  allowsNot({}, {}, JOB.issuedMs + 3_600_000, "3600 s ago");
  allowsNot({}, {}, JOB.issuedMs - 3_600_000, "-3600 s ago");
});

Deno.test("a script that reads files of the host is refused before it is compiled", () => {
  const check = (text: string, policy = STRICT) =>
    checkSyntax(parse(new Source("script", text)), policy);
  check('BEGIN { printf("cat"); @cat = 1; }');
  check("struct s { int a; }; BEGIN { }");
  const scripts = [
    'BEGIN { cat("/etc/shadow"); }',
    'BEGIN { if (1) { @x = 1; } else { cat("/etc/shadow"); } }',
    'BEGIN { $i = 0; while ($i < 1) { cat("/etc/shadow"); $i++; } }',
    'macro m() { cat("/etc/shadow") } BEGIN { m(); }',
    'import "/etc/shadow"; BEGIN { }',
    "#include </etc/shadow>\nBEGIN { }",
    "#inc\\\nlude </etc/shadow>\nBEGIN { }",
  ];
  for (const text of scripts) {
    refuses(() => check(text), "no reading of files");
    check(text, { ...STRICT, files: true });
  }
});

Deno.test("a policy has only members that there are", () => {
  assertEquals(readPolicy('{"seconds": 5, "probes": ["hz:*"]}'), {
    ...STRICT,
    seconds: 5,
    probes: ["hz:*"],
  });
  refuses(() => readPolicy('{"probe": ["x"]}'), "no 'probe'");
  refuses(() => readPolicy('{"unsafe": 1}'), "true or false");
  refuses(() => readPolicy('{"seconds": "5"}'), "a whole number");
  refuses(() => readPolicy("[]"), "a policy");
});

/** Fails unless a call throws an error with this text. */
function refuses(call: () => unknown, text: string): void {
  let message = "";
  try {
    call();
  } catch (error) {
    message = (error as Error).message;
  }
  assertStringIncludes(message, text);
}

/** Messages of all kinds, which are then broken. */
const MESSAGES = [
  JSON.stringify(JOB),
  JSON.stringify({ body: JSON.stringify(JOB) }),
  JSON.stringify({ host: "a", labels: { a: "b" }, jobs: ["x"] }),
  JSON.stringify({ first: 1, texts: ["a\n"] }),
  JSON.stringify({
    ...{ host: "a", incarnation: 1, labels: {}, phase: "ended", reason: "", records: 1 },
    ...{ numbers: { "m/1": 2 }, lost: { x: 1 } },
  }),
  JSON.stringify({
    ...{ map: "m", shard: 1, number: 1, rule: ["hist", true, [0]] },
    rows: [['["k"]', [[1, 2], [null, 3]]]],
  }),
  JSON.stringify({ map: "m", shard: 1, number: 1, rule: null, rows: [["[1]", { integer: "5" }]] }),
];

function broken(random: Random): string {
  const text = [...random.pick(MESSAGES)];
  for (let i = random.small(8); i > 0; i--) {
    const at = random.below(text.length);
    const other = random.pick(MESSAGES);
    const piece = random.pick([
      "",
      "null",
      "-1",
      "1e999",
      "[",
      "]",
      "{}",
      '"',
      "\\",
      "\u0000",
      "𝄞",
    ]);
    const from = random.below(other.length);
    text.splice(at, random.below(6), ...(random.once(2) ? piece : other.slice(from, from + 9)));
  }
  return text.join("");
}

Deno.test("broken messages are read or refused with an error of ours", () => {
  const random = new Random(Number(Deno.env.get("FUZZ_SEED") ?? 1));
  const unsigned = { ...STRICT, unsigned: true };
  const readers = [
    readJob,
    readAnswer,
    readHostInfo,
    readRecords,
    readSnapshot,
    readPolicy,
    (text: string) => openJob(text, NKEYS, unsigned),
  ];
  let refused = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = broken(random);
    for (const read of readers) {
      try {
        read(text);
      } catch (error) {
        refused++;
        const name = (error as Error).constructor.name;
        assert(/^(WireError|SyntaxError|Refusal)$/.test(name), `${name}: ${error}: ${text}`);
      }
    }
  }
  assert(refused > 100_000);
});

kernelTest("an agent runs what its policy allows, whatever else is on the bus", [
  "nats-server",
  "tracefs",
], async () => {
  await using server = await Server.start();
  const folder = Deno.makeTempDirSync();
  try {
    const keyOf = (name: string) => {
      const [command, ...args] = toolCommand("fleet", ["key", `${folder}/${name}`]);
      const { code, stdout, stderr } = output(command, args);
      assertEquals(code, 0, stderr);
      return stdout.trim();
    };
    const [ours] = [keyOf("ours"), keyOf("theirs")];
    assertEquals(Deno.statSync(`${folder}/ours`).mode! & 0o777, 0o600);
    Deno.writeTextFileSync(
      `${folder}/policy`,
      JSON.stringify({
        signers: [ours],
        probes: ["tracepoint:syscalls:*", "interval:*"],
        cpuPercent: 5,
      }),
    );
    await using agent = await Agent.start(server, "--host", "a", "--policy", `${folder}/policy`);
    const run = (...args: string[]) => fleet(server, "run", "-k", `${folder}/ours`, ...args);
    await using bus = await hostile(server.url);
    const refusals: (readonly [Promise<{ stderr: string }>, RegExp])[] = [
      [fleet(server, "run", "BEGIN { }"), /a: refused: the job is not signed/],
      [fleet(server, "run", "-k", `${folder}/theirs`, "BEGIN { }"), /does not have the signer U/],
      [run("tracepoint:sched:sched_switch { }"), /does not allow the probe tracepoint:sched/],
      [run("--unsafe", 'BEGIN { system("true"); }'), /allows no unsafe functions/],
      [run('BEGIN { system("true"); }'), /unsafe/],
      [run('BEGIN { cat("/etc/passwd"); }'), /no reading of files: cat/],
      [run("-d", "4000", "BEGIN { }"), /allows 3600 s/],
      [run("config = { max_map_keys = 100000000 } BEGIN { @[pid] = 1; }"), /the maps may take/],
    ];
    for (const [result, reason] of refusals) assertMatch((await result).stderr, reason);
    // Each statx(2) of this process lets the program count for a millisecond.
    const busy = `tracepoint:syscalls:sys_enter_statx /pid == ${Deno.pid}/ { ` +
      "$i = 0; while ($i < 30000) { @[$i % 9] = count(); $i++; } }";
    const over = run("-d", "30", busy);
    using _load = looks(folder);
    assertMatch((await over).stderr, /a: ended: over budget: its programs took [\d.]+ % of a CPU/);
    const good = await run("BEGIN { @ = count(); exit(); }");
    assertEquals([good.code, good.stdout], [0, "\n@: 1\n"], good.stderr);
    assert(bus.sent() > 500);
    assertStringIncludes(agent.errors, "WARNING: job");
    assertEquals(await agent.stop(), 0);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

/** Sends broken messages to all subjects until disposed. */
async function hostile(servers: string): Promise<AsyncDisposable & { sent(): number }> {
  const connection = await connect({ servers });
  const random = new Random(7);
  let sent = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < 10; i++) {
      const words = Array.from(
        { length: 5 },
        () => random.pick(["a", "1", "%", "%zz", "@m", "abc"]),
      );
      const kind = random.pick(["job", "answer", "maps", "records", "hosts"] as const);
      const count = { job: 1, answer: 2, maps: 5, records: 3, hosts: 0 }[kind];
      const subject = ["dt.fleet", kind, ...words.slice(0, count)].join(".");
      connection.publish(subject, broken(random), random.once(2) ? { reply: "nobody" } : {});
      sent++;
    }
  }, 20);
  return {
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await connection.close();
    },
  };
}

/** Calls statx(2) all the time until disposed. */
function looks(path: string): Disposable {
  const timer = setInterval(() => Deno.statSync(path), 5);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

// The commands of docs/fleet.md, as pasted.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { STRICT } from "../../tools/fleet/policy.ts";
import { kernelTest, ROOT } from "../helpers.ts";
import { until } from "./server.ts";

const GUIDE = Deno.readTextFileSync(`${ROOT}docs/fleet.md`);

/** The blocks of commands of the guide, in order. */
const BLOCKS = [...GUIDE.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands]) => commands);

/** A folder with a program `dt`, which runs the tools of this checkout. */
function withDt(): string {
  const folder = Deno.makeTempDirSync();
  const text = `#!/bin/sh\nexec ${Deno.execPath()} run -A --no-check ${ROOT}tools/dt.ts "$@"\n`;
  Deno.writeTextFileSync(`${folder}/dt`, text, { mode: 0o755 });
  return folder;
}

kernelTest("the guide's fleet on one machine works as pasted", [
  "nats-server",
  "tracefs",
], async () => {
  const [demo, commands, key] = BLOCKS;
  const folder = withDt();
  const env = { PATH: `${folder}:${Deno.env.get("PATH")}` };
  const shell = (text: string, stdout: "piped" | "inherit") =>
    new Deno.Command("sh", {
      args: ["-ec", text],
      cwd: folder,
      env,
      stdin: "null",
      stdout,
      stderr: "piped",
    });
  const fleet = shell(`exec ${demo}`, "piped").spawn();
  let [stdout, stderr] = ["", ""];
  const reading = Promise.all([
    (async () => {
      for await (const text of fleet.stdout.pipeThrough(new TextDecoderStream())) stdout += text;
    })(),
    (async () => {
      for await (const text of fleet.stderr.pipeThrough(new TextDecoderStream())) stderr += text;
    })(),
  ]);
  try {
    await until("the demo runs", () => stdout.includes("A fleet of three"));
    const run = await shell(commands, "piped").output();
    const [out, err] = [run.stdout, run.stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(run.code, 0, err);
    assertStringIncludes(out, "one  role=web,zone=a  -\n");
    assertStringIncludes(out, "zone=b @:\n");
    assertStringIncludes(out, '"value":3}');
    assertEquals([...err.matchAll(/^\d hosts: \d ended$/gm)].length, 2);
    assert(/3 ended/.test(out));
    assertEquals((await shell(key, "piped").output()).code, 0);
    assertEquals(Deno.statSync(`${folder}/fleet-demo.key`).mode! & 0o777, 0o600);
    // Whoever has not the key is let in neither by the server nor by the agents.
    const stranger = (options: string) =>
      shell(`export NATS_URL=nats://127.0.0.1:14222; dt fleet hosts ${options}`, "piped").output();
    for (const options of ["", "-k ops.key"]) {
      const asked = await stranger(options);
      assertEquals(asked.code, 1);
      assertStringIncludes(new TextDecoder().decode(asked.stderr), "ERROR: cannot use NATS at");
    }
  } finally {
    fleet.kill("SIGINT");
    assertEquals([(await fleet.status).code, (await reading, stderr)], [0, ""]);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["dt", "ops.key"]);
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("the guide's table has the policy's members and defaults", () => {
  const rows = [...GUIDE.matchAll(/^\| `(\w+)` +\| `([^`]+)`/gm)];
  assertEquals(
    Object.fromEntries(rows.map(([, name, value]) => [name, JSON.parse(value)])),
    JSON.parse(JSON.stringify(STRICT)),
  );
});

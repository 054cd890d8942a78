// Runs every program of examples/ and looks for a line that it must print.

import { assert } from "@std/assert";
import { kernelTest, ROOT } from "../helpers.ts";
import { serve } from "../serve.ts";

/** Runs an example until it has printed a line that contains `wanted`; calls `poke` meanwhile. */
async function prints(script: string, wanted: string, poke: () => void): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    // Deno runs without configuration, so that the example works for everybody who imports dt by
    // URL.
    args: ["run", "-A", "--no-config", "--no-lock", script],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    cwd: "/",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const timer = setInterval(poke, 20);
  const deadline = setTimeout(() => child.kill("SIGKILL"), 100_000);
  let seen = "";
  try {
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      seen += chunk;
      if (seen.includes(wanted)) break;
    }
  } finally {
    clearInterval(timer);
    clearTimeout(deadline);
  }
  try {
    child.kill("SIGKILL");
  } catch { /* has ended */ }
  await child.status;
  assert(seen.includes(wanted), `${await errors}${seen}`);
  await errors;
}

const FILE = "/etc/hostname";
const openFile = () => Deno.openSync(FILE).close();

kernelTest("examples/open_events.ts prints typed open events", [], async () => {
  await prints(`${ROOT}examples/open_events.ts`, FILE, openFile);
});

kernelTest("the example runs through a URL", [], async () => {
  await using server = serve();
  await prints(`${server.url}/examples/open_events.ts`, FILE, openFile);
});

kernelTest("btrace runs through a URL", [], async () => {
  await using server = serve();
  const args = ["run", "-A", "--no-config", "--no-lock", `${server.url}/tools/btrace.ts`];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...args, "-e", 'BEGIN { printf("by URL\\n"); }'],
    cwd: "/",
  }).output();
  assert(code === 0 && new TextDecoder().decode(stdout).startsWith("by URL\n"));
});

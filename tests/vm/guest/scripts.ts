// Runs the scripts of tools/scripts whose probes only a kernel with kprobes has.

import { assert, assertMatch } from "@std/assert";
import { packagedTool } from "../../../tools/btrace/packaged.ts";
import { kernelTest } from "../../helpers.ts";
import { GUEST_CASES } from "../guest_scripts.ts";
import { script } from "./script.ts";

/** Writes, reads and sends, so that each of the scripts has something to tell, for more than a second. */
async function work(): Promise<void> {
  const file = "/tmp/everyday-data";
  Deno.writeFileSync(file, new Uint8Array(8192));
  for (let i = 0; i < 3; i++) Deno.readFileSync(file);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using server = await accepted;
  await client.write(new TextEncoder().encode("hello"));
  await server.read(new Uint8Array(8));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  Deno.removeSync(file);
}

for (const [name, { expect }] of Object.entries(GUEST_CASES)) {
  kernelTest(`${name} prints something true`, [], async () => {
    const tool = await packagedTool(name);
    assert(tool !== undefined);
    const { stdout } = await script(tool.source.text, work);
    assertMatch(stdout, expect);
  });
}

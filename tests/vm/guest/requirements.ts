// Runs what needs a feature of the kernel: it works, by one way or another, or the refusal names the
// feature.

import { assertStringIncludes } from "@std/assert";
import { isOlder } from "../../../core/bpf/mod.ts";
import { kernelTest } from "../../helpers.ts";
import { REQUIREMENTS } from "../requirements.ts";
import { openLibc, readFile, script } from "./script.ts";

for (const { what, since, needs, otherwise, script: text } of REQUIREMENTS) {
  if (text === undefined) continue;
  kernelTest(`${what}: since Linux ${since}`, [], async () => {
    const lacks = isOlder(Deno.osRelease(), since) && otherwise === undefined;
    using libc = openLibc();
    let refusal = "";
    try {
      await script(text, async () => {
        for (let i = 0; i < 20; i++) {
          readFile("/etc/hosts");
          libc.getppid();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      });
    } catch (error) {
      if (!lacks) throw error;
      refusal = (error as Error).message;
    }
    if (!lacks) return;
    assertStringIncludes(refusal, since);
    if ("helper" in needs) assertStringIncludes(refusal, needs.helper);
  });
}

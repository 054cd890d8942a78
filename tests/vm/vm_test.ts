// Tests in virtual machines of what needs another kernel: kprobes and fentry, and each attach type
// once.

import { assert, assertEquals } from "@std/assert";
import { type Need, ROOT, testWith } from "../helpers.ts";
import { KERNELS } from "./kernels.ts";
import { programsFor, runIn } from "./machine.ts";

/**
 * Limit in seconds. The tests take two minutes on an idle machine; other load counts about
 * thirtyfold, as the CPU is emulated.
 */
const SECONDS = 600;

for (const kernel of KERNELS) {
  const needs: readonly Need[] = ["root", ...programsFor(kernel)];
  const { name, tooOld = false } = kernel;
  const title = tooOld ? "is told to be too old, and the user plane works" : "passes its tests";
  testWith(`a virtual machine with Linux ${name} ${title}`, needs, () => {
    const folder = tooOld ? "tests/vm/too_old" : "tests/vm/guest";
    const tests = [...Deno.readDirSync(`${ROOT}${folder}`)].map((entry) => entry.name)
      .filter((entry) => entry !== "script.ts").map((entry) => `${folder}/${entry}`);
    const { code, stdout, stderr } = runIn(
      kernel,
      // The types are checked outside of the virtual machine.
      `deno test -A --no-check ${tests.sort().join(" ")}`,
      { seconds: SECONDS },
    );
    const counts = /^ok \| (\d+) passed \| 0 failed(.*)/m.exec(stdout);
    assert(code === 0 && counts !== null, `${stdout}\n${stderr}`);
    // No test may be skipped in the virtual machine.
    assert(!/ignored/.test(counts[2]), stdout);
    assertEquals(stdout.match(/^running \d+ tests? from/gm)?.length, tests.length);
  }, { timeout: (SECONDS + 60) * 1000 });
}

// Tests in virtual machines of what needs another kernel: kprobes and fentry, and each attach type
// once.

import { assert, assertEquals } from "@std/assert";
import { type Need, ROOT, testWith } from "../helpers.ts";
import { KERNELS } from "./kernels.ts";
import { programsFor, runIn } from "./machine.ts";

/**
 * Limit in seconds. The tests take a few minutes on an idle machine; other load counts about
 * thirtyfold, as the CPU is emulated.
 */
const SECONDS = 1500;

for (const kernel of KERNELS) {
  if (kernel.onDemand && Deno.env.get("VM_KERNELS") !== "all") continue;
  const needs: readonly Need[] = [
    "root",
    ...(kernel.tests.includes("oracle") ? ["oracle" as const] : []),
    ...programsFor(kernel),
  ];
  testWith(`a virtual machine with Linux ${kernel.name} passes its tests`, needs, () => {
    // One folder after the other: what one forbids until the next boot is forbidden to the next.
    const folders = kernel.tests.map((folder) =>
      [...Deno.readDirSync(`${ROOT}tests/vm/${folder}`)].map((entry) => entry.name)
        .filter((entry) => entry !== "script.ts")
        .map((entry) => `tests/vm/${folder}/${entry}`).sort()
    );
    const { code, stdout, stderr } = runIn(
      kernel,
      // The types are checked outside of the virtual machine.
      folders.map((tests) => `deno test -A --no-check ${tests.join(" ")}`).join(" && "),
      { seconds: SECONDS },
    );
    const counts = [...stdout.matchAll(/^ok \| \d+ passed \| 0 failed(.*)/gm)];
    assert(code === 0 && counts.length === folders.length, `${stdout}\n${stderr}`);
    // No test may be skipped in the virtual machine.
    assert(counts.every(([, rest]) => !/ignored/.test(rest)), stdout);
    assertEquals(
      stdout.match(/^running \d+ tests? from/gm)?.length,
      folders.flat().length,
    );
  }, { timeout: (SECONDS + 60) * 1000 });
}

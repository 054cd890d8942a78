// What only other kernels can do, in virtual machines: kprobes and fentry, and each attach type once.

import { assert, assertEquals } from "@std/assert";
import { type Need, ROOT, testWith } from "../helpers.ts";
import { KERNELS } from "./kernels.ts";
import { PROGRAMS, runIn } from "./machine.ts";

/** Two minutes on an idle machine; whatever else it does comes on top, under emulation thirtyfold. */
const SECONDS = 600;

const needs: readonly Need[] = ["root", "bpftool", ...PROGRAMS];

for (const kernel of KERNELS) {
  testWith(`a virtual machine with Linux ${kernel.name} passes its tests`, needs, () => {
    const tests = [...Deno.readDirSync(`${ROOT}tests/vm/guest`)].map(({ name }) => name)
      .filter((name) => name !== "script.ts").map((name) => `tests/vm/guest/${name}`);
    const { code, stdout, stderr } = runIn(
      kernel,
      // Types are checked outside.
      `deno test -A --no-check ${tests.sort().join(" ")}`,
      { seconds: SECONDS },
    );
    const counts = /^ok \| (\d+) passed \| 0 failed(.*)/m.exec(stdout);
    assert(code === 0 && counts !== null, `${stdout}\n${stderr}`);
    // Nothing is skipped there.
    assert(!/ignored/.test(counts[2]), stdout);
    assert(Number(counts[1]) >= 20, stdout);
    assertEquals(stdout.match(/^running \d+ tests? from/gm)?.length, tests.length);
  }, { timeout: (SECONDS + 60) * 1000 });
}

// Tests what works under restrictions of the kernel, which last until the end of this machine.

import { btrace, btraceAsNobody, kernelTest, output } from "../../helpers.ts";
import { checkCell } from "../../systems/cells.ts";
import { COLUMNS, COMMANDS, KERNELS } from "../../systems/hardened.ts";
import { assertEquals } from "@std/assert";

for (const restriction of KERNELS) {
  kernelTest(restriction.what, ["root", "setpriv"], () => {
    const { code, stderr } = output("sh", ["-c", restriction.setup!]);
    assertEquals(code, 0, stderr);
    for (const column of Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]) {
      const run = column === "kernel" ? btrace : btraceAsNobody;
      checkCell(restriction[column], column, run(COMMANDS[column].args));
    }
  });
}

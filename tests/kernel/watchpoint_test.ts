// Tests of what the provider watchpoint refuses. In a virtual machine breakpoints may never fire,
// so firing is tested on an emulated CPU: tests/vm/guest/watchpoint.ts.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { BpfProgram } from "../../core/bpf/mod.ts";
import { openDevice } from "../../core/mod.ts";
import { allProviders } from "../../providers/mod.ts";
import { btrace, kernelTest, output } from "../helpers.ts";

kernelTest("watchpoint says what it cannot watch", [], () => {
  const refusals: [probe: string, message: string][] = [
    ["watchpoint:0x1000:4:wr", "the letters of the mode must be sorted and different"],
    ["watchpoint:0x1000:4:wx", "this architecture watches r, rw, w or x"],
    ["watchpoint:0x1001:4:w", "the address must be a multiple of 4"],
  ];
  for (const [probe, message] of refusals) {
    const { code, stderr } = btrace(["-e", `${probe} { }`]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `Cannot watch ${probe}: ${message}`);
  }
  // The language refuses these, in bpftrace's words.
  assertStringIncludes(
    btrace(["-e", "watchpoint:0x1000:3:w { }"]).stderr,
    "ERROR: watchpoint length must be one of (1,2,4,8)\n",
  );
  assertStringIncludes(
    btrace(["-e", "watchpoint:0x1000:4:z { }"]).stderr,
    "ERROR: watchpoint mode must be combination of (r,w,x)\n",
  );
  assertStringIncludes(
    btrace(["-e", "watchpoint:main:4:w { }"]).stderr,
    "ERROR: Invalid function/address argument: invalid integer: main\n",
  );
  // The CPU has four debug registers.
  const five = [0, 1, 2, 3, 4].map((i) => `watchpoint:0x10${i}0:8:w`);
  const { code, stderr } = btrace(["-e", `${five.join(", ")} { @ = count(); }`]);
  assertEquals(code, 1);
  assertMatch(stderr, /^ERROR: .*the CPU has no watchpoint left/m);
});

kernelTest("every perf program has a name of its own in bpftool", [], () => {
  using session = openDevice({ providers: allProviders() }).open();
  const names = {
    "interval:s:1": "dt_clock",
    "profile:hz:99": "dt_clock",
    "software:page-faults:100": "dt_software",
    "hardware:cycles:1000000": "dt_hardware",
    "watchpoint:0x1000:8:w": "dt_watchpoint",
  };
  for (const probe of Object.keys(names)) session.enable(probe);
  // Loads the programs and attaches none: not every machine counts cycles.
  session.prepare();
  const { stdout } = output("bpftool", ["-j", "prog", "show"]);
  const ids = new Set(session.programs.map((program) => (program as BpfProgram).info().id));
  const shown = (JSON.parse(stdout) as { id: number; name: string }[])
    .filter(({ id }) => ids.has(id)).map(({ name }) => name);
  assertEquals(shown.toSorted(), Object.values(names).toSorted());
});

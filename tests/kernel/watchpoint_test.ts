// Tests of what the provider watchpoint refuses. In a virtual machine breakpoints may never fire,
// so firing is tested on an emulated CPU: tests/vm/guest/watchpoint.ts.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { btrace, kernelTest } from "../helpers.ts";

kernelTest("watchpoint says what it cannot watch", [], () => {
  const refusals: [probe: string, message: string][] = [
    ["watchpoint:0x1000:3:w", "the length must be 1, 2, 4 or 8"],
    ["watchpoint:0x1000:4:z", "the mode is made of r (read), w (write), x (execute)"],
    ["watchpoint:0x1000:4:wr", "the letters of the mode must be sorted and different"],
    ["watchpoint:0x1000:4:wx", "this architecture watches r, rw, w or x"],
    ["watchpoint:0x1001:4:w", "the address must be a multiple of 4"],
    ["watchpoint:main:4:w", "'main' is no address"],
  ];
  for (const [probe, message] of refusals) {
    const { code, stderr } = btrace(["-e", `${probe} { }`]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `Cannot watch ${probe}: ${message}`);
  }
  // The CPU has four debug registers.
  const five = [0, 1, 2, 3, 4].map((i) => `watchpoint:0x10${i}0:8:w`);
  const { code, stderr } = btrace(["-e", `${five.join(", ")} { @ = count(); }`]);
  assertEquals(code, 1);
  assertMatch(stderr, /^ERROR: .*the CPU has no watchpoint left/m);
});

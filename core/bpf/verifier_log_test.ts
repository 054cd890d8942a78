// Tests of the one-line summary of the verifier's log.

import { assertEquals } from "@std/assert";
import { verifierSummary } from "./verifier_log.ts";

Deno.test("verifierSummary() finds the complaint and its instruction", () => {
  const log = `func#0 @0
0: R1=ctx() R10=fp0
0: (79) r0 = *(u64 *)(r1 +8)          ; R0_w=scalar() R1=ctx()
1: (79) r0 = *(u64 *)(r0 +0)
R0 invalid mem access 'scalar'
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`;
  assertEquals(
    verifierSummary(log),
    "R0 invalid mem access 'scalar' (at instruction 1: r0 = *(u64 *)(r0 +0))",
  );
});

Deno.test("verifierSummary() takes a log without instructions as it is", () => {
  assertEquals(verifierSummary("unreachable insn 7\n"), "unreachable insn 7");
  assertEquals(verifierSummary(""), "no reason");
});

// Tests of the one-line summary of the verifier's log.

import { assertEquals } from "@std/assert";
import { missingHelper, VerifierError, verifierSummary } from "./verifier_log.ts";

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
  assertEquals(verifierSummary(""), undefined);
});

Deno.test("verifierSummary() takes statistics for no complaint", () => {
  const statistics = "processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0\n";
  assertEquals(verifierSummary(statistics), undefined);
  assertEquals(verifierSummary(`func#0 @0\n0: (95) exit\n${statistics}`), undefined);
});

Deno.test("VerifierError says what is true of a program that is too large", () => {
  const message = (log: string) => new VerifierError("E2BIG", "p", log).message;
  assertEquals(
    message("BPF program is too large. Processed 1000001 insn\nprocessed 1000001 insns\n"),
    "Cannot load program p: there are too many ways through the program for the kernel, which " +
      "follows 1000001 instructions",
  );
  assertEquals(
    message("The sequence of 8193 jumps is too complex.\nprocessed 9 insns\n"),
    "Cannot load program p: there are too many conditions in the program for the kernel, which " +
      "takes fewer than 8193 in a row",
  );
  assertEquals(
    message("processed 1 insns\n"),
    "Cannot load program p: the kernel refused the program after the verifier had accepted it " +
      "(E2BIG)",
  );
});

Deno.test("missingHelper() tells the version of a helper that the verifier does not know", () => {
  assertEquals(missingHelper("0: (85) call unknown#208\ninvalid func unknown#208\n"), {
    name: "bpf_ktime_get_tai_ns",
    since: "6.1",
  });
  assertEquals(missingHelper("unknown func bpf_loop#181\n"), { name: "bpf_loop", since: "5.17" });
  const newer = "program of this type cannot use helper bpf_find_vma#180\n";
  assertEquals(missingHelper(newer), { name: "bpf_find_vma", since: "5.17" });
  assertEquals(missingHelper("unknown func bpf_probe_read_kernel#113\n"), undefined);
  assertEquals(missingHelper("R0 !read_ok\n"), undefined);
});

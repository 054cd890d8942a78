// Tests the row of kprobe: and fentry: in the README's table of capabilities.

import { assertEquals, assertMatch } from "@std/assert";
import { missingFeature } from "../../../core/bpf/mod.ts";
import { btraceAsNobody, kernelTest, ROOT } from "../../helpers.ts";

kernelTest(
  "an ordinary user needs two capabilities for functions of the kernel",
  ["setpriv"],
  () => {
    // Without kprobe_multi a kprobe is a perf event, which Debian's level 3 keeps from ordinary users.
    const paranoid = "/proc/sys/kernel/perf_event_paranoid";
    if (missingFeature("kprobe_multi") !== undefined) Deno.writeTextFileSync(paranoid, "2");
    const row = Deno.readTextFileSync(`${ROOT}README.md`).split("\n")
      .find((line) => line.startsWith("| `kprobe:`, `fentry:` "))!;
    const capabilities = row.match(/CAP_\w+/g)!;
    assertEquals(capabilities, ["CAP_BPF", "CAP_PERFMON"]);
    const script = "kprobe:vfs_read { @k = count(); } fentry:vfs_read { @f = count(); }";
    const args = ["-e", script, "-c", "head -c 10 /etc/hosts"];
    const { code, stdout, stderr } = btraceAsNobody(args, capabilities);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /@f: \d+\n/);
    for (const one of capabilities) {
      const less = btraceAsNobody(args, capabilities.filter((other) => other !== one));
      assertEquals(less.code, 1);
      assertMatch(less.stderr, /ERROR: /);
    }
  },
);

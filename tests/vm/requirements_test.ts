// Tests the list of what parts of the language need of the kernel, and the documentation made of it.

import { assert, assertEquals } from "@std/assert";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { featureSince, helperSince, isOlder } from "../../core/bpf/mod.ts";
import { btrace, ROOT, testWith } from "../helpers.ts";
import { REQUIREMENTS, requirementsTable } from "./requirements.ts";

const FILE = `${ROOT}docs/kernels.md`;
/** Helpers by their names in the kernel. */
const IDS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(BPF_FUNC).map(([name, id]) => [`bpf_${name}`, id]),
);

Deno.test("docs/kernels.md has the table of what is needed", () => {
  const text = Deno.readTextFileSync(FILE);
  const table = /^\| what .*?(?=\n\n|\n*$(?![\s\S]))/ms.exec(text)![0];
  if (Deno.env.get("UPDATE_GOLDENS") === "1") {
    Deno.writeTextFileSync(FILE, text.replace(table, () => requirementsTable()));
  } else {
    assertEquals(table, requirementsTable());
  }
});

Deno.test("the versions of features are those that the features tell", () => {
  for (const { since, needs } of REQUIREMENTS) {
    if ("feature" in needs) assertEquals(featureSince(needs.feature), since, needs.feature);
  }
});

testWith("no program calls a newer helper than its script is said to need", ["bpf"], () => {
  for (const { since, needs, script } of REQUIREMENTS) {
    // The kernel of this machine may have no probes of functions.
    if (script === undefined || /\b(kprobe|fentry):/.test(script)) continue;
    const { stdout, code, stderr } = btrace(["-d", "all", "-e", script]);
    assertEquals(code, 0, stderr);
    const called = new Set([...stdout.matchAll(/\bcall (bpf_\w+)/g)].map(([, name]) => name));
    assert(called.size > 0, stdout);
    if ("helper" in needs) {
      assert(called.has(needs.helper), `${script} does not call ${needs.helper}`);
      assertEquals(helperSince(IDS[needs.helper]), since);
    }
    for (const name of called) {
      const version = helperSince(IDS[name]);
      if (version !== undefined && "helper" in needs) {
        assert(!isOlder(since, version), `${script} calls ${name} of Linux ${version}`);
      }
    }
  }
});

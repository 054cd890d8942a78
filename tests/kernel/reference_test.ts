// The reference of the language: its examples print what it says, and all its forms say the same.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runExample, toolsPage } from "../../package/reference.ts";
import { OUTPUTS } from "../../language/reference/generated/outputs.ts";
import { helpText, keyOf, languagePage, SECTIONS } from "../../language/reference/render.ts";
import { btrace, kernelTest, ROOT } from "../helpers.ts";

for (const plane of ["kernel", "user"] as const) {
  kernelTest(`examples of the reference print what it shows (${plane} plane)`, [], async () => {
    const wrong: string[] = [];
    for (const { title, entries } of SECTIONS) {
      for (const [name, entry] of Object.entries(entries)) {
        if (entry.example === undefined || (entry.only ?? plane) !== plane) continue;
        const expected = OUTPUTS[keyOf(title, name)];
        const actual = (await runExample(entry, plane)).trim();
        const same = entry.varies ? (actual === "") === (expected === "") : actual === expected;
        if (!same) wrong.push(`${title}/${name}: ${actual}, not ${expected}`);
      }
    }
    assertEquals(wrong, []);
  }, { timeout: 120_000 });
}

for (const [name, make] of [["language", languagePage], ["tools", toolsPage]] as const) {
  Deno.test(`docs/${name}.md is what the tables make`, async () => {
    const fmt = new Deno.Command(Deno.execPath(), {
      args: ["fmt", "--ext", "md", "-"],
      ...{ cwd: ROOT, stdin: "piped", stdout: "piped" },
    }).spawn();
    const writer = fmt.stdin.getWriter();
    await writer.write(new TextEncoder().encode(await make()));
    await writer.close();
    const page = new TextDecoder().decode((await fmt.output()).stdout);
    const path = `${ROOT}docs/${name}.md`;
    if (Deno.env.get("UPDATE_GOLDENS") === "1") await Deno.writeTextFile(path, page);
    assertEquals(await Deno.readTextFile(path), page);
  });
}

Deno.test("--help NAME shows the entry, also by another name of a probe", () => {
  for (const name of ["hist", "tracepoint", "comm"]) {
    assertEquals(btrace(["--help", name]).stdout, helpText(name)!);
  }
  assertEquals(btrace(["--help", "kr"]).stdout, helpText("kretprobe")!);
  const { code, stderr } = btrace(["--help", "hits"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "did you mean hist?");
  assertMatch(btrace(["--help"]).stdout, /^USAGE:/);
});

Deno.test("each kind of probe that is listed has an entry", () => {
  const page = languagePage();
  const kinds = new Set(
    btrace(["-l", "*"]).stdout.split("\n").filter((line) => line !== "").map((line) =>
      line.split(":")[0]
    ),
  );
  assert(kinds.size > 5);
  for (const kind of kinds) assert(page.includes(`### ${kind}\n`), kind);
});

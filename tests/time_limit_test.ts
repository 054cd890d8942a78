// Tests that no test can hang: each kind of hanging test fails under its name, and its children end
// with it.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { output, ROOT } from "./helpers.ts";
import { processes, variableOf } from "./marked_processes.ts";

/** Tests that hang, each with a child that never ends. */
const HANGING = `
import "${ROOT}tests/time_limit.ts";

const endless = () => new Deno.Command("sleep", { args: ["1000000"] });

Deno.test({ name: "waits for a promise", timeout: 500, fn: async () => {
  endless().spawn();
  await new Promise(() => setInterval(() => {}, 100));
} });
Deno.test("waits for a child", { timeout: 500 }, () => {
  new Deno.Command("setsid", { args: ["sleep", "1000000"] }).spawn();
  endless().outputSync();
});
Deno.test({ name: "waits for one child after the other", timeout: 500 }, () => {
  for (;;) endless().outputSync();
});
Deno.test({ name: "loops", timeout: 500, fn() {
  endless().spawn();
  for (;;);
} });
Deno.test("fails", () => {
  endless().spawn();
  throw new Error("at once");
});
Deno.test(function passes() {});
`;

Deno.test("a test that hangs fails by its name, and what it has started ends", () => {
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/hanging_test.ts`, HANGING);
  const variable = "DT_HANGING";
  const value = crypto.randomUUID();
  const { code, stdout } = output(
    Deno.execPath(),
    ["test", "-A", "--no-check", `${folder}/hanging_test.ts`],
    { cwd: folder, env: { [variable]: value, NO_COLOR: "1" } },
  );
  Deno.removeSync(folder, { recursive: true });
  assertEquals(code, 1);
  for (const name of ["a promise", "a child", "one child after the other"]) {
    assertStringIncludes(stdout, `waits for ${name} ... FAILED`);
  }
  assertStringIncludes(stdout, "loops ... FAILED");
  assertEquals(stdout.match(/Test timed out after 500ms/g)?.length, 4, stdout);
  assertStringIncludes(stdout, "fails => ./hanging_test.ts:");
  assertStringIncludes(stdout, "1 passed | 5 failed");
  assertEquals(processes().filter((pid) => variableOf(pid, variable) === value), []);
});

Deno.test("every test file has time limits", () => {
  const tests = testFiles();
  assert(tests.length > 50);
  const all = Deno.makeTempFileSync({ suffix: ".ts" });
  Deno.writeTextFileSync(all, tests.map((file) => `import "${ROOT}${file}";\n`).join(""));
  const { stdout } = output(
    Deno.execPath(),
    ["info", "--json", "--config", `${ROOT}deno.json`, all],
  );
  Deno.removeSync(all);
  const graph = new Map<string, string[]>();
  for (const { specifier, dependencies = [] } of JSON.parse(stdout).modules as Module[]) {
    graph.set(specifier, dependencies.flatMap(({ code }) => code?.specifier ?? []));
  }
  const limit = `file://${ROOT}tests/time_limit.ts`;
  const reaches = (module: string, seen: Set<string>): boolean => {
    if (module === limit) return true;
    if (seen.has(module)) return false;
    seen.add(module);
    return graph.get(module)?.some((one) => reaches(one, seen)) ?? false;
  };
  // Examples are what users write: tests/run.ts loads the limits before them.
  const own = tests.filter((file) => !file.startsWith("examples/"));
  assertEquals(own.filter((file) => !reaches(`file://${ROOT}${file}`, new Set())), []);
});

/** A module as deno info tells of it. */
interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
}

/** Every file with tests, as a path from the root: of this machine and of virtual ones. */
function testFiles(folder = ""): string[] {
  return [...Deno.readDirSync(ROOT + folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return /^(\.|node_modules)/.test(name) ? [] : testFiles(`${folder}${name}/`);
    const hasTests = name.endsWith("_test.ts") ||
      folder === "tests/vm/guest/" && name !== "script.ts";
    return hasTests ? [folder + name] : [];
  });
}

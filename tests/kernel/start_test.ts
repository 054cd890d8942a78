// What a script's start loads. The modules are a golden, so that none joins them unseen: each costs
// a fifth of a millisecond. `deno task golden` rewrites it.

import { assertEquals } from "@std/assert";
import { lazyProviders } from "../../providers/lazy.ts";
import { allProviders } from "../../providers/mod.ts";
import { kernelTest, output, ROOT } from "../helpers.ts";

const LIST = `${ROOT}tests/testdata/modules_at_start.txt`;

/** Scripts, each by the letter that marks its modules in the golden. */
const SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  B: ["-e", "BEGIN { exit(); }"],
  T: ["--dry-run", "-e", "tracepoint:syscalls:sys_enter_openat { @[comm] = count(); }"],
  U: ["--dry-run", "-e", "uprobe:libc:malloc { @[ustack] = count(); }"],
};

/** Modules that a run of btrace evaluates: those for which V8 reports coverage. */
function modulesOf(args: readonly string[]): Set<string> {
  const folder = Deno.makeTempDirSync();
  try {
    const { code, stderr } = output(Deno.execPath(), [
      ...["run", "-A", `--coverage=${folder}`, `${ROOT}tools/btrace.ts`],
      ...args,
    ]);
    assertEquals(code, 0, stderr);
    return new Set(
      Array.from(Deno.readDirSync(folder), ({ name }) => {
        const { url } = JSON.parse(Deno.readTextFileSync(`${folder}/${name}`)) as { url: string };
        return url.replace(`file://${ROOT}`, "").replace(/^.*(?=npm\/)/, "");
      }),
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

kernelTest("the modules that a start loads are the checked-in list", ["tracefs"], () => {
  const loaded = Object.entries(SCRIPTS).map(([letter, args]) =>
    [letter, modulesOf(args)] as const
  );
  const all = [...new Set(loaded.flatMap(([, modules]) => [...modules]))].sort();
  const head = loaded.map(([letter, modules]) =>
    `${letter}: ${modules.size} modules: ${SCRIPTS[letter].at(-1)}\n`
  );
  const lines = all.map((file) =>
    `${loaded.map(([letter, modules]) => modules.has(file) ? letter : " ").join("")} ${file}\n`
  );
  const actual = [...head, ...lines].join("");
  if (Deno.env.get("UPDATE_GOLDENS") === "1") Deno.writeTextFileSync(LIST, actual);
  assertEquals(actual, Deno.readTextFileSync(LIST));
});

Deno.test("providers that are loaded when wanted are the same as all providers", async () => {
  const lazy = lazyProviders();
  assertEquals(lazy.map(({ name }) => name), allProviders().map(({ name }) => name));
  for (const provider of lazy) {
    assertEquals((await provider.load() as { name: string }).name, provider.name);
  }
});

// Tests which module may import which. Imports go one way:
//   sys, asm → btf, symbols → dwarf, tracefs → bpf → contract → planes → device → sources → providers
//   → language → tools

import { assert, assertEquals } from "@std/assert";
import { output, ROOT } from "./helpers.ts";

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
  }[];
}

/** Reads the imports of every module of this repository; paths are relative to the root. */
function imports(): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  for (const root of exported()) {
    const { stdout } = output(Deno.execPath(), ["info", "--json", ROOT + root], { cwd: ROOT });
    for (const { specifier, dependencies = [] } of JSON.parse(stdout).modules as Module[]) {
      if (!specifier.startsWith(`file://${ROOT}`)) continue;
      const file = specifier.slice(`file://${ROOT}`.length);
      const targets = dependencies.map((one) =>
        one.code?.specifier ?? one.type?.specifier ?? one.specifier
      ).map((target) => target.replace(`file://${ROOT}`, ""));
      graph.set(file, targets);
    }
  }
  return graph;
}

function exported(): string[] {
  const { exports } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
  return Object.values(exports as Record<string, string>).map((path) => path.replace("./", ""));
}

/**
 * For a folder, and the folders below it without a rule of their own: what its modules may import.
 */
type Rules = Readonly<Record<string, readonly string[]>>;

/** Modules that any module may import, since they import nothing themselves. */
const GROUND = [
  "core/errors.ts",
  "core/c_type.ts",
  "core/duration.ts",
  "core/lazy_part.ts",
  "core/safe_text.ts",
  "core/signal_names.ts",
  "core/until_aborted.ts",
];

/**
 * A rule for each folder, from the bottom up: the folders and files that its modules may import
 * beside each other. A name that ends in a slash stands for the whole folder.
 */
const RULES: Rules = {
  "core/sys/": GROUND,
  "core/asm/": GROUND,
  "core/btf/": [...GROUND, "core/sys/"],
  "core/symbols/": [...GROUND, "core/sys/"],
  "core/dwarf/": [...GROUND, "core/sys/", "core/symbols/", "node:process"],
  "core/tracefs/": GROUND,
  "core/bpf/": [...GROUND, "core/sys/", "core/asm/", "core/btf/"],
  "core/contract/": [...GROUND, "core/asm/"],
  "core/kernel_plane/": [
    ...GROUND,
    ...["core/contract/", "core/asm/", "core/sys/", "core/btf/", "core/bpf/"],
  ],
  "core/user_plane/": [...GROUND, "core/contract/"],
  "core/device/": [
    ...GROUND,
    ...["core/contract/", "core/kernel_plane/", "core/user_plane/", "core/sys/", "core/bpf/"],
  ],
  // The sources, which providers share, use the contract and the kernel below it.
  "core/sources/": [
    ...GROUND,
    ...["core/contract/", "core/kernel_plane/", "core/device/", "core/asm/", "core/sys/"],
    ...["core/btf/", "core/bpf/", "core/symbols/"],
  ],
  "core/plugin/": ["core/"],
  "core/": ["core/"],

  "providers/function/": ["core/"],
  "providers/iter/": ["core/"],
  "providers/proc-events/": ["core/"],
  "providers/profile/": ["core/"],
  "providers/static/": ["core/", "node:diagnostics_channel"],
  "providers/syscall/": ["core/"],
  "providers/watchpoint/": ["core/"],
  "providers/": ["core/", "providers/"],

  "language/model/": [...GROUND, "core/contract/", "core/device/", "language/syntax/"],
  "language/syntax/": [...GROUND, "language/model/"],
  "language/ctypes/": ["core/btf/", "core/dwarf/", "language/model/", "language/syntax/"],
  "language/check/": [
    ...[...GROUND, "core/contract/event_layout.ts", "language/ctypes/"],
    ...["language/model/", "language/syntax/"],
  ],
  "language/output/": ["core/", "language/model/", "language/syntax/", "language/compile.ts"],
  // Code for the kernel plane and code for the user plane never import each other.
  "language/kernel/": [
    ...["core/", "language/check/", "language/model/", "language/syntax/", "language/compile.ts"],
  ],
  "language/user/": [
    ...["core/", "language/check/", "language/model/", "language/syntax/", "language/compile.ts"],
  ],
  "language/reference/": ["language/model/"],
  "language/names/": ["core/", "language/compile.ts", "npm:"],
  "language/": ["core/", "language/", "providers/mod.ts"],
  "testing/": ["core/", "language/mod.ts", "node:"],

  // No tool imports another tool, except that kdump imports the formats that ktrace writes, and that systrace
  // is ktrace's recorder with kdump's tables.
  "tools/cli/": ["core/", "language/syntax/", "npm:"],
  "tools/btrace/": [
    ...["core/", "providers/mod.ts", "providers/lazy.ts", "language/", "tools/cli/"],
    ...["tools/scripts/", "deno.json"],
  ],
  "tools/profile/": ["core/", "providers/mod.ts", "language/", "tools/cli/", "deno.json"],
  "tools/kmonitor/": ["core/", "providers/proc-events/mod.ts", "tools/cli/", "deno.json"],
  "tools/ktrace/formats/": [
    ...[...GROUND, "core/sources/syscalls/", "tools/ktrace/systems/"],
    "tools/ktrace/recorder/request.ts",
  ],
  "tools/ktrace/systems/": [
    ...[...GROUND, "core/sources/syscalls/", "core/sys/", "tools/ktrace/formats/"],
  ],
  "tools/ktrace/": [
    ...["core/", "providers/mod.ts", "providers/proc-events/mod.ts", "tools/cli/", "deno.json"],
  ],
  "tools/kdump/": [
    ...[...GROUND, "core/sources/syscalls/", "tools/cli/", "tools/ktrace/formats/"],
    ...["tools/ktrace/systems/", "language/output/output_buffer.ts", "deno.json"],
  ],
  "tools/systrace/": [
    ...["core/", "tools/cli/", "tools/kdump/", "tools/ktrace/", "deno.json"],
  ],
  "tools/fleet/": ["core/", "language/", "tools/cli/", "deno.json"],
  "tools/": [
    ...["tools/", "core/sys/output_file.ts", "language/syntax/diagnostics.ts", "deno.json"],
  ],
};

/** Finds the folder whose rule a module follows: the innermost folder with a rule. */
function floorOf(file: string): string | undefined {
  for (let end = file.lastIndexOf("/"); end > 0; end = file.lastIndexOf("/", end - 1)) {
    const folder = file.slice(0, end + 1);
    if (RULES[folder] !== undefined) return folder;
  }
}

Deno.test("imports go one way", () => {
  const wrong: string[] = [];
  const graph = imports();
  assert(graph.size > 60);
  for (const [file, targets] of graph) {
    if (file === "deno.json") continue;
    const own = GROUND.includes(file) ? undefined : floorOf(file);
    if (own === undefined && !GROUND.includes(file)) {
      wrong.push(`${file} has no rule`);
      continue;
    }
    const may = own === undefined ? [] : [own, ...RULES[own]];
    for (const target of targets) {
      const allowed = may.some((one) =>
        one.endsWith("/") || one.endsWith(":") ? target.startsWith(one) : target === one
      );
      if (!allowed) wrong.push(`${file} → ${target}`);
    }
  }
  assertEquals(wrong, []);
});

/** Folders whose modules are read in one direction. */
const WITHOUT_CIRCLE = ["core/contract/", "language/check/"];

for (const folder of WITHOUT_CIRCLE) {
  Deno.test(`the modules of ${folder} import each other without a circle`, () => {
    const graph = imports();
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]) => {
      assert(!path.includes(file), `circle: ${[...path, file].join(" → ")}`);
      if (done.has(file)) return;
      for (const target of graph.get(file) ?? []) {
        if (target.startsWith(folder)) visit(target, [...path, file]);
      }
      done.add(file);
    };
    for (const file of graph.keys()) if (file.startsWith(folder)) visit(file, []);
    assert(done.size > 10);
  });
}

Deno.test("only core/sys names Deno.dlopen and UnsafePointer", () => {
  for (const file of sources()) {
    if (file.startsWith("core/sys/")) continue;
    const text = Deno.readTextFileSync(ROOT + file);
    assertEquals(/Deno\.(dlopen|Unsafe)/.test(text), false, file);
  }
});

Deno.test("what says it is pure does no I/O and reaches no module that does", () => {
  const graph = imports();
  const pure = [...graph.keys()].filter((file) =>
    Deno.readTextFileSync(ROOT + file).startsWith("// Pure: no I/O, no FFI.")
  );
  assert(pure.length > 40);
  for (const file of pure) {
    const text = Deno.readTextFileSync(ROOT + file).replace(/Deno\.build\.arch/g, "");
    assertEquals(/\bDeno\./.test(text), false, file);
    for (const target of graph.get(file)!) {
      assert(
        pure.includes(target) || /generated|errors\.ts|mod\.ts|_client\.js$/.test(target) ||
          /^core\/[a-z_]+\.ts$/.test(target) || target.startsWith("language/output/"),
        `${file} → ${target}`,
      );
      assertEquals(
        /^core\/(sys|bpf)\/(?!percpu|arch\/mod)/.test(target),
        false,
        `${file} → ${target}`,
      );
    }
  }
});

Deno.test("importing the library opens nothing", () => {
  const modules = exported().filter((path) => !path.startsWith("tools/")).map((path) =>
    `import "${ROOT}${path}";`
  ).join("");
  // The module gets no permission, so opening a library or reading a file would throw.
  const script = Deno.makeTempFileSync({ suffix: ".ts" });
  Deno.writeTextFileSync(script, modules);
  const limited = output(Deno.execPath(), ["run", "--no-prompt", "--no-config", script], {
    cwd: "/",
  });
  Deno.removeSync(script);
  assertEquals([limited.code, limited.stderr], [0, ""]);
});

function sources(): string[] {
  const files: string[] = [];
  const walk = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(ROOT + folder)) {
      if (isDirectory) walk(`${folder}/${name}`);
      else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) files.push(`${folder}/${name}`);
    }
  };
  for (const folder of ["core", "language", "providers", "tools"]) walk(folder);
  return files;
}

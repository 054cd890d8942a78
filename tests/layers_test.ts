// Who may import whom. Imports go one way:
//   sys, asm → btf, symbols → bpf → core → providers → tools

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

/** Every module of this repository with what it imports, as paths from the root. */
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

/** The first rule whose files match says what they may import. */
const RULES: readonly { files: RegExp; may: RegExp }[] = [
  { files: /^core\/(errors|c_type|duration)\.ts$/, may: /^$/ },
  { files: /^core\/sys\//, may: /^core\/(sys\/|errors\.ts$)/ },
  { files: /^core\/asm\//, may: /^core\/(asm\/|errors\.ts$)/ },
  { files: /^core\/(btf|symbols)\//, may: /^core\/(btf\/|symbols\/|sys\/|errors\.ts$)/ },
  { files: /^core\/tracefs\//, may: /^core\/(tracefs\/|errors\.ts$)/ },
  { files: /^core\/bpf\//, may: /^core\/(bpf|sys|asm|btf)\/|^core\/errors\.ts$/ },
  // What providers share of the system calls: uses the contract, and the kernel below it.
  { files: /^core\/syscalls\//, may: /^core\// },
  // What a provider in a module of its own is given.
  { files: /^core\/plugin\//, may: /^core\// },
  // What is known of tasks.
  { files: /^core\/tasks\//, may: /^core\// },
  // What providers share of places in files.
  { files: /^core\/uprobes\//, may: /^core\// },
  {
    files: /^core\/(device|kernel_plane)\.ts$/,
    may: /^core\/([a-z_]+\.ts$|asm\/|sys\/|bpf\/|btf\/)/,
  },
  { files: /^core\/mod\.ts$/, may: /^core\/[a-z_]+\.ts$/ },
  { files: /^core\/[a-z_]+\.ts$/, may: /^core\/([a-z_]+\.ts$|asm\/)/ },
  // What providers share of perf events.
  { files: /^core\/perf\//, may: /^core\// },
  { files: /^providers\/mod\.ts$/, may: /^(core|providers)\// },
  { files: /^providers\/syscall\//, may: /^(core|providers\/syscall)\// },
  { files: /^providers\/function\//, may: /^(core|providers\/function)\// },
  { files: /^providers\/proc-events\//, may: /^(core|providers\/proc-events)\// },
  { files: /^providers\/iter\//, may: /^(core|providers\/iter)\// },
  { files: /^providers\/watchpoint\//, may: /^(core|providers\/watchpoint)\// },
  { files: /^providers\/profile\//, may: /^(core|providers\/profile)\// },
  {
    files: /^providers\/static\/channels\.ts$/,
    may: /^(core|providers\/static)\/|^node:diagnostics_channel$/,
  },
  { files: /^providers\/static\//, may: /^(core|providers\/static)\// },
  {
    files: /^tools\/btrace\/lang\//,
    may: /^tools\/btrace\/lang\/|^core\/(c_type|duration)\.ts$/,
  },
  {
    files: /^tools\/btrace\/ctypes\//,
    may: /^tools\/btrace\/(lang|ctypes)\/|^core\/btf\/(parse|types)\.ts$/,
  },
  { files: /^tools\/btrace\/(storage|map_layout)\.ts$/, may: /^tools\/btrace\/(lang\/|ir\.ts$)/ },
  { files: /^tools\/btrace\/ir\.ts$/, may: /^tools\/btrace\/lang\// },
  {
    files: /^tools\/btrace\/passes\//,
    may: /^tools\/btrace\/(lang\/|ctypes\/|passes\/|ir\.ts$)|^core\/(c_type|duration)\.ts$/,
  },
  {
    files: /^tools\/btrace\/codegen\//,
    may:
      /^tools\/btrace\/(lang\/|passes\/|codegen\/|(ir|storage|map_layout|output\/plan)\.ts$)|^core\//,
  },
  {
    files: /^tools\/btrace\/interp\//,
    may:
      /^tools\/btrace\/(lang\/|passes\/|output\/|interp\/|(ir|storage|map_layout|loaded|compile)\.ts$)|^core\//,
  },
  {
    files: /^tools\/btrace\/output\//,
    may: /^tools\/btrace\/(lang\/|output\/|ir\.ts$)|^core\//,
  },
  { files: /^tools\/deps\.ts$/, may: /^npm:|^tools\/types\// },
  { files: /^tools\/symbols\//, may: /^(tools\/(symbols\/|deps\.ts$)|core\/)/ },
  {
    files: /^tools\/kmonitor/,
    may: /^(tools|core)\/|^providers\/proc-events\/mod\.ts$|^deno\.json$/,
  },
  {
    files: /^tools\/ktrace\/(formats|recorder\/request\.ts|points\.ts|captures\.ts)/,
    may: /^tools\/ktrace\/|^core\/errors\.ts$|^core\/syscalls\//,
  },
  {
    files: /^tools\/ktrace/,
    may: /^(tools|core)\/|^providers\/(proc-events\/)?mod\.ts$|^deno\.json$/,
  },
  {
    files: /^tools\/kdump/,
    may:
      /^tools\/(kdump\/|(command_line|deps|signals)\.ts$|btrace\/terminal\.ts$|ktrace\/(formats|systems|points|record))|^core\/syscalls\/mod\.ts$|^deno\.json$/,
  },
  { files: /^tools\/profile/, may: /^(tools|core)\/|^providers\/mod\.ts$|^deno\.json$/ },
  {
    files: /^tools\//,
    may:
      /^tools\/(btrace|symbols)\/|^tools\/(deps|command_line|signals)\.ts$|^core\/|^providers\/mod\.ts$|^deno\.json$/,
  },
  { files: /^deno\.json$/, may: /^$/ },
];

Deno.test("imports go one way", () => {
  const wrong: string[] = [];
  const graph = imports();
  assert(graph.size > 60);
  for (const [file, targets] of graph) {
    const rule = RULES.find(({ files }) => files.test(file));
    if (rule === undefined) {
      wrong.push(`${file} has no rule`);
      continue;
    }
    for (const target of targets) if (!rule.may.test(target)) wrong.push(`${file} → ${target}`);
  }
  assertEquals(wrong, []);
});

Deno.test("device.ts alone wires core to sys and bpf", () => {
  const graph = imports();
  const reach = [...graph].filter(([file, targets]) =>
    /^core\/[a-z_]+\.ts$/.test(file) && targets.some((one) => /^core\/(sys|bpf)\//.test(one))
  ).map(([file]) => file);
  assertEquals(reach.sort(), ["core/device.ts", "core/kernel_plane.ts"]);
});

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
          /^core\/[a-z_]+\.ts$/.test(target) || target.startsWith("tools/btrace/output/"),
        `${file} → ${target}`,
      );
      assertEquals(/^core\/(sys|bpf)\/(?!percpu)/.test(target), false, `${file} → ${target}`);
    }
  }
});

Deno.test("importing the library opens nothing", () => {
  const modules = exported().filter((path) => !path.startsWith("tools/")).map((path) =>
    `import "${ROOT}${path}";`
  ).join("");
  // Without any permission: opening a library or reading a file would throw.
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
  for (const folder of ["core", "providers", "tools"]) walk(folder);
  return files;
}

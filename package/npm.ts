// Makes the package for npm: the tools as JavaScript for the `deno` that npm installs beside them, manual
// pages and completions. `deno task npm [FOLDER]`, then `npm publish` there.
//
//   bin/dt.js btrace.js …  start deno with the tool of their name  (launch.js)
//   dist/                  the bundle: a file for each tool, and what they share; scripts/ as they are
//   man/, completions/

import denoJson from "../deno.json" with { type: "json" };
import { TOOLS } from "../tools/dt.ts";

const ROOT = new URL("..", import.meta.url).pathname;
/** Version of Deno that the package wants: the one that it is tested with. */
const DENO = Deno.version.deno;
/** Commands that the package installs; other tools are run by `dt NAME`. */
const COMMANDS = ["dt", "btrace", "ktrace", "kdump", "kmonitor"];
/** Entries of the bundle. */
const ENTRIES = ["dt", ...Object.keys(TOOLS)];

/**
 * Places in the code that name a file beside them, and where that file is in the bundle. The bundler keeps such
 * a name as it is and moves the code.
 */
const PLACES: readonly (readonly [name: RegExp, file: string])[] = [
  [/\.\.\/(scripts\/\$\{\w+\}\.bt)/g, "./$1"],
  [/\.\.\/\.\.\/ktrace\.ts/g, "./ktrace.js"],
];

/**
 * An import on demand. Deno reads what such imports name before the first line of a program runs, unless the
 * name is an expression: few commands need more than a third of the files.
 */
const ON_DEMAND = /\bimport\("(\.\/[^"]+)"\)/g;

async function run(command: string, args: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command(command, { args: [...args], cwd: ROOT }).spawn()
    .status;
  if (!success) throw new Error(`${command} failed`);
}

async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await filesIn(`${folder}/${name}`));
    else found.push(`${folder}/${name}`);
  }
  return found;
}

async function bundle(to: string): Promise<void> {
  await run(Deno.execPath(), [
    // Not minified: esbuild then inlines a `using` variable that is used once, and nothing disposes it.
    ...["bundle", "--quiet", "--platform", "deno", "--code-splitting", "--outdir", to],
    ...ENTRIES.map((name) => `tools/${name}.ts`),
  ]);
  const unfound = new Set([...PLACES.map(([name]) => name), ON_DEMAND]);
  for (const file of await filesIn(to)) {
    let text = await Deno.readTextFile(file);
    for (const [name, target] of [...PLACES, [ON_DEMAND, 'import("$1".slice())'] as const]) {
      const replaced = text.replace(name, target);
      if (replaced !== text) unfound.delete(name);
      text = replaced;
    }
    await Deno.writeTextFile(file, text);
  }
  if (unfound.size > 0) throw new Error(`The bundle has no longer: ${[...unfound].join(", ")}`);
  await Deno.mkdir(`${to}/scripts`);
  for (const file of await filesIn(`${ROOT}tools/scripts`)) {
    if (file.endsWith(".bt")) {
      await Deno.copyFile(file, `${to}/scripts/${file.split("/").at(-1)}`);
    }
  }
}

/** A command: a program of Node that becomes deno as far as Node can. */
function launcher(name: string): string {
  return `#!/usr/bin/env node
require("./launch.js").launch(${JSON.stringify(name)});
`;
}

/** Makes the package in a folder, which is emptied. */
export async function makePackage(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(`${folder}/bin`, { recursive: true });
  await bundle(`${folder}/dist`);
  await Deno.copyFile(`${ROOT}package/launch.js`, `${folder}/bin/launch.js`);
  for (const name of COMMANDS) {
    await Deno.writeTextFile(`${folder}/bin/${name}.js`, launcher(name), { mode: 0o755 });
  }
  for (const name of ["README.md", "LICENSE"]) {
    await Deno.copyFile(ROOT + name, `${folder}/${name}`);
  }
  const dt = ["run", "-A", "--quiet", "tools/dt.ts"];
  await run(Deno.execPath(), [...dt, "--man", `${folder}/man`]);
  await Deno.mkdir(`${folder}/completions`);
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [...dt, "--completions", shell],
      cwd: ROOT,
    }).output();
    await Deno.writeFile(`${folder}/completions/dt.${shell}`, stdout);
  }
  const { name, version, license } = denoJson;
  const pages = (await filesIn(`${folder}/man`)).map((file) => `./man/${file.split("/").at(-1)}`);
  const packageJson = {
    name: name.replace(/^.*\//, ""),
    version,
    license,
    description: "Dynamic tracing for Linux in TypeScript: bpftrace's language on Deno",
    os: ["linux"],
    engines: { node: ">=18" },
    bin: Object.fromEntries(COMMANDS.map((name) => [name, `bin/${name}.js`])),
    man: pages.sort(),
    files: ["bin", "dist", "man", "completions"],
    dependencies: { deno: DENO },
  };
  await Deno.writeTextFile(`${folder}/package.json`, `${JSON.stringify(packageJson, null, 2)}\n`);
}

if (import.meta.main) {
  const folder = Deno.args[0] ?? `${ROOT}npm`;
  await makePackage(folder);
  console.log(`made ${folder}: npm pack ${folder}`);
}

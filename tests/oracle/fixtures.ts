// Files that cases name: both tracers run in one folder that has them, programs compiled.

import { cacheFolder } from "./oracle.ts";

const SOURCES = new URL("fixtures/", import.meta.url).pathname;
let prepared: string | undefined;

/** A word that changes with the files; only those count that a text mentions, if one is given. */
export function fixturesHash(text?: string): string {
  let hash = 0;
  for (const name of names()) {
    if (text !== undefined && !text.includes(name.replace(/\.c$/, ""))) continue;
    for (const char of `${name}\n${Deno.readTextFileSync(SOURCES + name)}`) {
      hash = (Math.imul(hash, 31) + char.codePointAt(0)!) | 0;
    }
  }
  return (hash >>> 0).toString(16);
}

/** The folder in which both tracers run. Made once for each state of the files. */
export function workFolder(): string {
  if (prepared !== undefined) return prepared;
  const folder = `${cacheFolder()}/work-${fixturesHash()}`;
  try {
    Deno.statSync(folder);
    return prepared = folder;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  Deno.mkdirSync(cacheFolder(), { recursive: true });
  const temporary = Deno.makeTempDirSync({ dir: cacheFolder(), prefix: "making-" });
  for (const name of names()) {
    Deno.copyFileSync(SOURCES + name, `${temporary}/${name}`);
    if (name.endsWith(".c")) compile(name, temporary);
  }
  Deno.chmodSync(temporary, 0o755);
  try {
    Deno.renameSync(temporary, folder);
  } catch {
    // Another run was faster.
    Deno.removeSync(temporary, { recursive: true });
  }
  return prepared = folder;
}

function compile(name: string, folder: string): void {
  const { success, stderr } = new Deno.Command("gcc", {
    args: [
      "-g",
      "-O1",
      "-no-pie",
      "-fno-omit-frame-pointer",
      "-pthread",
      "-o",
      name.replace(/\.c$/, ""),
      name,
    ],
    cwd: folder,
    stderr: "piped",
  }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

function names(): string[] {
  return [...Deno.readDirSync(SOURCES)].map(({ name }) => name).sort();
}

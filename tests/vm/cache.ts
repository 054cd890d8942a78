// The folder in which kernels and what else a virtual machine needs are kept between runs, outside
// the checkout. Folders appear there whole or not at all.

import { run } from "../command.ts";

/** Folder of the cache. */
export function cacheFolder(): string {
  const base = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? "/root"}/.cache`;
  return `${base}/dt-vm`;
}

/**
 * Returns the path of a folder in the cache, which `fill` makes if it is not there yet. Two runs at
 * a time do not disturb each other: the first to end names its folder.
 *
 * @param fill Fills the new folder that it is given.
 */
export function cached(name: string, fill: (folder: string) => void): string {
  const path = `${cacheFolder()}/${name}`;
  if (isFolder(path)) return path;
  Deno.mkdirSync(cacheFolder(), { recursive: true });
  const folder = Deno.makeTempDirSync({ dir: cacheFolder(), prefix: "making-" });
  try {
    fill(folder);
    Deno.chmodSync(folder, 0o755);
    run("mv", ["-T", "-n", folder, path]);
  } finally {
    run("rm", ["-rf", folder]);
  }
  return path;
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

// Lists the programs and libraries that processes have mapped, for probes that go into all of them.

import { filePath, isDeleted, isFile, parseMaps } from "./mappings.ts";

/**
 * Lists the programs and libraries that a process has mapped.
 *
 * @param pid Process id.
 * @returns Paths that this process can open: through /proc/PID/root if the process is in another
 * mount namespace. Empty if the process is gone or this user may not look at it.
 */
export function executableFiles(pid: number): string[] {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/maps`);
  } catch {
    return [];
  }
  const found = new Set<string>();
  for (const mapping of parseMaps(text)) {
    if (!isFile(mapping) || isDeleted(mapping) || mapping.path.startsWith("[")) continue;
    const path = filePath(mapping);
    const reached = [path, `/proc/${pid}/root${path}`].find((one) =>
      inodeOf(one) === mapping.inode
    );
    if (reached !== undefined) found.add(reached);
  }
  return [...found];
}

/** Lists the programs and libraries that any process has mapped, each file once. */
export function allExecutableFiles(): string[] {
  const found = new Map<string, string>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    for (const path of executableFiles(Number(name))) {
      const key = identityOf(path);
      if (key === undefined) continue; // the process ended meanwhile
      // A path outside /proc stays valid when the process ends.
      if (!found.has(key) || !path.startsWith("/proc/")) found.set(key, path);
    }
  }
  return [...found.values()];
}

/** A text that is equal for two paths exactly if they lead to the same file. */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = Deno.statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/** Inode that a path leads to; undefined if it leads nowhere. */
function inodeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).ino ?? undefined;
  } catch {
    return undefined;
  }
}

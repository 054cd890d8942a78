// Files that processes execute code of.

import { filePath, isDeleted, isFile, parseMaps } from "./mappings.ts";

/**
 * Paths of the programs and libraries that a process has mapped, as this process reaches them: through
 * /proc/PID/root if it is in another mount namespace. Empty if it is gone or not ours to look at.
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

/** The same of all processes, each file once. */
export function allExecutableFiles(): string[] {
  const found = new Map<string, string>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    for (const path of executableFiles(Number(name))) {
      const key = identityOf(path);
      if (key === undefined) continue; // gone with its process
      // A path that does not go through a process lasts longer.
      if (!found.has(key) || !path.startsWith("/proc/")) found.set(key, path);
    }
  }
  return [...found.values()];
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = Deno.statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).ino ?? undefined;
  } catch {
    return undefined;
  }
}

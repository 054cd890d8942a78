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
  const root = `/proc/${pid}/root`;
  for (const mapping of parseMaps(text)) {
    if (!isFile(mapping) || isDeleted(mapping) || mapping.path.startsWith("[")) continue;
    const path = filePath(mapping);
    const reached = [path, ...belowRoot(root, path)].find((one) => inodeOf(one) === mapping.inode);
    if (reached !== undefined) found.add(reached);
  }
  return [...found];
}

/**
 * Paths at which a file may be for us that a process has mapped.
 *
 * @param root Where the root of the process is: /proc/PID/root.
 * @param path Path of the file as the kernel tells it: of a process in chroot(2), it starts outside.
 */
export function belowRoot(root: string, path: string): string[] {
  try {
    const outside = Deno.readLinkSync(root);
    if (outside !== "/" && path.startsWith(`${outside}/`)) {
      return [root + path, root + path.slice(outside.length)];
    }
  } catch {
    // The process has ended, or its root is not ours to see.
  }
  return [root + path];
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

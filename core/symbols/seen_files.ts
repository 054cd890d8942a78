// Files as another process sees them: in its mount namespace, below its root.

import { executableFiles } from "./mapped_files.ts";

/** What names of files mean to a process. */
export interface SeenFiles {
  /** Programs and libraries that the process has mapped, by paths through its root. */
  mapped(): string[];
  /** The path by which we reach the file that a probe of that type names. */
  reach(type: string, file: string): string;
}

/** Files as a process sees them. Static probes are always those of the process itself. */
export function seenFiles(pid: number): SeenFiles {
  return {
    mapped: () => executableFiles(pid).map((path) => below(pid, path)),
    reach: (type, file) => reachFile(pid, file, type === "usdt"),
  };
}

function below(pid: number, path: string): string {
  return path.startsWith("/proc/") ? path : `/proc/${pid}/root${path}`;
}

/**
 * The path by which we reach the file that a name means to a process. What a path leads both to is named
 * as it was.
 *
 * @param pid Process id.
 * @param file A path, perhaps with wildcards, or a library by its name alone.
 * @param always True if every path shall go through the root of the process.
 */
function reachFile(pid: number, file: string, always: boolean): string {
  const isPattern = file.includes("*");
  if (!file.includes("/")) return isPattern ? file : libraryOf(pid, file) ?? file;
  const shared = sharesFiles(pid);
  if (!always && shared) return file;
  if (file.startsWith("/")) return below(pid, file);
  // Relative paths are relative to our folder, which others may not see.
  return shared && !isPattern ? below(pid, absolute(file)) : file;
}

/** The library of a process that a name without a folder means: "libc", "libc.so.6". */
function libraryOf(pid: number, name: string): string | undefined {
  const found = executableFiles(pid).find((path) => {
    const base = path.slice(path.lastIndexOf("/") + 1);
    return base === name || name.startsWith("lib") && base.startsWith(`${name}.so`);
  });
  return found === undefined || sharesFiles(pid) ? found : below(pid, found);
}

/** True if a path leads a process to where it leads us. */
function sharesFiles(pid: number): boolean {
  try {
    const [own, other] = [Deno.statSync("/"), Deno.statSync(`/proc/${pid}/root`)];
    return own.dev === other.dev && own.ino === other.ino &&
      Deno.readLinkSync("/proc/self/ns/mnt") === Deno.readLinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return true; // it has ended, which others tell
  }
}

/** A path from the root, without "." and "..". */
function absolute(path: string): string {
  const found: string[] = [];
  for (const name of `${Deno.cwd()}/${path}`.split("/")) {
    if (name === "..") found.pop();
    else if (name !== "" && name !== ".") found.push(name);
  }
  return `/${found.join("/")}`;
}

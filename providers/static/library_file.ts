// The file of a process's tracepoints. Tracers of other processes find the file in the folder of temporary
// files by the process's id. The file is removed when the process ends, or, if a signal or an error has ended
// the process, when another process of the user declares tracepoints.

import { mappedPath, parseMaps } from "../../core/symbols/mod.ts";

const PREFIX = "dt-static-";
const NAME = /^dt-static-(\d+)-(.+)-[^-]*\.so$/;

/** Folder of these files. */
function folder(): string {
  return Deno.env.get("TMPDIR") || "/tmp";
}

/** Writes the file of this process. */
export function writeLibrary(namespace: string, image: Uint8Array<ArrayBuffer>): string {
  const name = `${PREFIX}${Deno.pid}-${namespace}-`;
  const path = Deno.makeTempFileSync({ dir: folder(), prefix: name, suffix: ".so" });
  Deno.writeFileSync(path, image);
  // Whoever may trace us must be able to read it; only we may change it.
  Deno.chmodSync(path, 0o755);
  globalThis.addEventListener("unload", () => remove(path));
  removeLeftovers();
  return path;
}

/** A library that a process has mapped now. */
export interface MappedLibrary {
  /** A path that leads to the mapped file even if its name leads to another file by now. */
  readonly path: string;
  /** Id of the process that has mapped the library. */
  readonly pid: number;
}

/** Libraries of living processes that belong to the user of the process and are mapped by it. */
export function mappedLibraries(): MappedLibrary[] {
  return names().flatMap(({ path, pid }) => {
    try {
      const file = Deno.lstatSync(path);
      if (
        !file.isFile || file.size > MOST_BYTES || file.uid !== Deno.statSync(`/proc/${pid}`).uid
      ) {
        return [];
      }
      const mapping = parseMaps(Deno.readTextFileSync(`/proc/${pid}/maps`))
        .find((one) => one.path === path && one.inode === file.ino);
      if (mapping === undefined) return [];
      const direct = mappedPath(pid, mapping);
      // Without the capability to follow the kernel: nobody but the file's owner could replace it.
      return [{ path: isFile(direct) ? direct : path, pid }];
    } catch {
      return []; // it has ended, or is not ours to look at
    }
  });
}

/** Most bytes of such a file: more than any library that is made here. */
const MOST_BYTES = 1 << 20;

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function names(): { path: string; pid: number }[] {
  const found = [];
  try {
    for (const { name, isFile } of Deno.readDirSync(folder())) {
      const parts = isFile ? NAME.exec(name) : null;
      if (parts !== null) found.push({ path: `${folder()}/${name}`, pid: Number(parts[1]) });
    }
  } catch {
    // Not ours to read.
  }
  return found.sort((a, b) => a.pid - b.pid);
}

/** Removes files of processes of this user that have ended. */
function removeLeftovers(): void {
  for (const { path, pid } of names()) {
    try {
      if (Deno.lstatSync(path).uid !== Deno.uid()) continue;
      Deno.statSync(`/proc/${pid}`);
    } catch (error) {
      // What may not be looked at is not known to have ended.
      if (error instanceof Deno.errors.NotFound) remove(path);
    }
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Gone, or another user's.
  }
}

// The file behind a process's tracepoints: other tracers, and ours from outside, find it in the folder of
// temporary files by the process's id. It goes when the process ends, or, if that was killed, when
// another process declares tracepoints.

const PREFIX = "dt-static-";
const NAME = /^dt-static-(\d+)-(.+)-[^-]*\.so$/;

/** Where such files are. */
function folder(): string {
  return Deno.env.get("TMPDIR") || "/tmp";
}

/** Writes a file of this process. */
export function writeLibrary(namespace: string, image: Uint8Array<ArrayBuffer>): string {
  const name = `${PREFIX}${Deno.pid}-${namespace}-`;
  const path = Deno.makeTempFileSync({ dir: folder(), prefix: name, suffix: ".so" });
  Deno.writeFileSync(path, image);
  // Whoever may trace us must be able to read it; only we may change it.
  Deno.chmodSync(path, 0o755);
  globalThis.addEventListener("unload", () => remove(path));
  for (const one of libraryFiles()) if (!isAlive(one.pid)) remove(one.path);
  return path;
}

/** Files of processes, also of those that have died. */
export function libraryFiles(): { path: string; pid: number; namespace: string }[] {
  const found = [];
  try {
    for (const { name, isFile } of Deno.readDirSync(folder())) {
      const parts = isFile ? NAME.exec(name) : null;
      if (parts === null) continue;
      found.push({
        path: `${folder()}/${name}`,
        pid: Number(parts[1]),
        namespace: parts[2],
      });
    }
  } catch {
    // Not ours to read.
  }
  return found.sort((a, b) => a.pid - b.pid);
}

/** True if a process has that id. */
export function isAlive(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Gone, or another user's.
  }
}

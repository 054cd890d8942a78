// Makes the file system that a virtual machine starts from: Deno with its libraries, busybox,
// kernel modules. machine.ts boots it.

import { copyPackages, ROOT } from "../helpers.ts";
import { run } from "./command.ts";
import { cacheFolder, type KernelImage } from "./kernel_image.ts";

const FOLDERS = [
  "usr/bin",
  "usr/lib64",
  "proc",
  "sys",
  "dev",
  "tmp",
  "etc",
  "root",
  "shared",
  "run",
];
/** Links in the root folder, as Debian has them: programs and libraries are looked for there. */
const LINKS = { bin: "usr/bin", sbin: "usr/bin", lib: "usr/lib", lib64: "usr/lib64" };

/**
 * Programs copied from this machine instead of busybox. Busybox's shell runs some of its own
 * programs without executing them, but btrace waits for an execution.
 */
const PROGRAMS = ["sh", "cat", "head", "sleep", "true", "bpftool", "setpriv", "cp", "chmod"];

/** Returns the path of the archive, which is made anew when one of its parts has changed. */
export function initramfs(name: string, { modules }: KernelImage): string {
  const archive = `${cacheFolder()}/${name}/root.cpio`;
  const sources = [Deno.execPath(), `${ROOT}tests/vm/init.sh`, `${ROOT}tests/vm/initramfs.ts`];
  const stamp = sources.map((path) => `${path} ${Deno.statSync(path).mtime?.getTime()}`).join("\n");
  if (read(`${archive}.stamp`) === stamp) return archive;
  const root = Deno.makeTempDirSync();
  try {
    fill(root, modules);
    const own = `${archive}.${Deno.pid}`;
    run("sh", ["-c", `find . | cpio -o -H newc --quiet > '${own}'`], { cwd: root });
    Deno.renameSync(own, archive);
    Deno.writeTextFileSync(`${archive}.stamp`, stamp);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
  return archive;
}

/** Finds the file of a program; a shell would answer that some programs are its own. */
function found(name: string): string {
  const places = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].map((folder) => `${folder}/${name}`);
  const path = places.find((one) => exists(one));
  if (path === undefined) throw new Error(`There is no ${name} on this machine`);
  return path;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Copies a program and its libraries to the new root. */
function addProgram(root: string, name: string, path: string): void {
  const program = Deno.realPathSync(path);
  const copy = `${root}/usr/bin/${name}`;
  run("rm", ["-f", copy]);
  Deno.copyFileSync(program, copy);
  Deno.chmodSync(copy, 0o755);
  for (const [library] of run("ldd", [program]).matchAll(/\/\S+/g)) {
    const to = `${root}${Deno.realPathSync(library.replace(/[^/]*$/, ""))}`;
    Deno.mkdirSync(to, { recursive: true });
    Deno.copyFileSync(Deno.realPathSync(library), `${to}/${library.split("/").at(-1)}`);
  }
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

function fill(root: string, modules: readonly string[]): void {
  Deno.chmodSync(root, 0o755);
  for (const folder of FOLDERS) Deno.mkdirSync(`${root}/${folder}`, { recursive: true });
  const busybox = run("sh", ["-c", "command -v busybox"]).trim();
  Deno.copyFileSync(busybox, `${root}/usr/bin/busybox`);
  for (const applet of run(busybox, ["--list"]).trim().split("\n")) {
    if (applet !== "busybox") Deno.symlinkSync("busybox", `${root}/usr/bin/${applet}`);
  }
  addProgram(root, "deno", Deno.execPath());
  for (const name of PROGRAMS) addProgram(root, name, found(name));
  for (const [link, target] of Object.entries(LINKS)) Deno.symlinkSync(target, `${root}/${link}`);
  Deno.mkdirSync(`${root}/modules`);
  modules.forEach((path, i) => {
    Deno.copyFileSync(path, `${root}/modules/${i}-${path.split("/").at(-1)}`);
  });
  copyPackages(`${root}/root/.cache/deno`);
  Deno.writeTextFileSync(`${root}/etc/passwd`, "root:x:0:0:root:/root:/bin/sh\n");
  Deno.writeTextFileSync(`${root}/etc/group`, "root:x:0:\n");
  Deno.writeTextFileSync(`${root}/etc/hosts`, "127.0.0.1 localhost\n");
  Deno.copyFileSync(`${ROOT}tests/vm/init.sh`, `${root}/init`);
  Deno.chmodSync(`${root}/init`, 0o755);
}

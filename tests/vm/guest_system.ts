// Makes the file system that a virtual machine starts from: Deno, busybox, some programs of Debian
// with their libraries, and the kernel's modules. machine.ts boots it.

import { copyPackages, ROOT } from "../helpers.ts";
import { run } from "../command.ts";
import { Archive } from "../debian.ts";
import { cached } from "./cache.ts";
import { kernelImage } from "./kernel_image.ts";
import type { Kernel, Processor } from "./kernels.ts";

const FOLDERS = [
  ...["usr/bin", "usr/lib64", "proc", "sys", "dev", "tmp", "etc", "root"],
  ...["shared", "run", "modules"],
];
/** Links in the root folder, as Debian has them: programs and libraries are looked for there. */
const LINKS = { bin: "usr/bin", sbin: "usr/bin", lib: "usr/lib", lib64: "usr/lib64" };

/**
 * Programs of Debian that stand in for busybox's. Busybox's shell runs some of its own programs
 * without executing them, but btrace waits for an execution.
 */
const PROGRAMS = ["cat", "head", "sleep", "true", "bpftool", "setpriv", "cp", "chmod", "dash"];
/** Packages with these programs, with busybox and with the libraries of Deno. */
const PACKAGES = ["dash", "coreutils", "util-linux", "bpftool", "libgcc-s1", "busybox-static"];
/** Suite of the packages, whatever the kernel. */
const SUITE = "trixie";

/**
 * Writes the archive of the file system for a kernel. An archive may be several ones in a row: the
 * first, which is the same for all kernels of a processor, is kept.
 */
export function writeInitramfs(to: string, kernel: Kernel): void {
  const folder = Deno.makeTempDirSync();
  try {
    run("cp", ["-r", kernelImage(kernel).modules, `${folder}/modules`]);
    Deno.copyFileSync(`${ROOT}tests/vm/init.sh`, `${folder}/init`);
    Deno.chmodSync(`${folder}/init`, 0o755);
    fillCache(`${folder}/root/.cache/deno`);
    pack(folder, `${folder}.cpio`);
    run("sh", ["-c", `cat '${base(kernel.processor)}' '${folder}.cpio' > '${to}'`]);
  } finally {
    run("rm", ["-rf", folder, `${folder}.cpio`]);
  }
}

/**
 * Fills Deno's cache with this checkout's modules as JavaScript, which takes under half a second
 * here and more than ten when emulated.
 */
function fillCache(folder: string): void {
  copyPackages(folder);
  const tests = ["guest", "oracle", "hardened", "too_old"].map((name) => `${ROOT}tests/vm/${name}`);
  const modules = [`${ROOT}tools`, ...tests]
    .flatMap((from) => [...Deno.readDirSync(from)].map(({ name }) => `${from}/${name}`))
    .filter((path) => path.endsWith(".ts"));
  run(Deno.execPath(), ["cache", "--no-check", "--quiet", ...modules], {
    cwd: ROOT,
    env: { DENO_DIR: folder },
  });
}

/** Returns the path of the archive that all kernels of a processor have in common. */
function base(processor: Processor): string {
  const name = `base-${processor.name}-deno-${Deno.version.deno}`;
  const folder = cached(name, (made) => {
    const root = `${made}/root`;
    Deno.mkdirSync(root);
    fill(root, processor);
    pack(root, `${made}/base.cpio`);
    run("rm", ["-rf", root]);
  });
  return `${folder}/base.cpio`;
}

function pack(root: string, to: string): void {
  Deno.chmodSync(root, 0o755);
  run("sh", ["-c", `find . | cpio -o -H newc --quiet > '${to}'`], { cwd: root });
}

function fill(root: string, processor: Processor): void {
  for (const folder of FOLDERS) Deno.mkdirSync(`${root}/${folder}`, { recursive: true });
  for (const [link, target] of Object.entries(LINKS)) Deno.symlinkSync(target, `${root}/${link}`);
  // This machine's busybox tells the names, since that of the other processor cannot be started.
  for (const applet of run("busybox", ["--list"]).trim().split("\n")) {
    if (applet !== "busybox") Deno.symlinkSync("busybox", `${root}/usr/bin/${applet}`);
  }
  const system = unpackedSystem(processor);
  for (const name of PROGRAMS) addProgram(root, name, found(system, name), system);
  addProgram(root, "busybox", found(system, "busybox"), system);
  addProgram(root, "sh", found(system, "dash"), system);
  addProgram(root, "deno", denoOf(processor), system);
  Deno.copyFileSync(`${system}/${processor.loader}`, `${root}/${processor.loader}`);
  Deno.writeTextFileSync(`${root}/etc/passwd`, "root:x:0:0:root:/root:/bin/sh\n");
  Deno.writeTextFileSync(`${root}/etc/group`, "root:x:0:\n");
  Deno.writeTextFileSync(`${root}/etc/hosts`, "127.0.0.1 localhost\n");
}

/** Returns a folder with Debian's packages for a processor, unpacked. */
function unpackedSystem(processor: Processor): string {
  return cached(`system-${SUITE}-${processor.name}`, (made) => {
    using archive = new Archive(SUITE, processor.name);
    const names = PACKAGES.flatMap((name) => archive.dependencies(name, { recursive: true }));
    archive.unpack([...new Set(names)], made);
  });
}

/** Returns the path of Deno for a processor: this one, or that of npm's package. */
function denoOf({ arch, deno }: Processor): string {
  if (arch === Deno.build.arch) return Deno.execPath();
  const version = Deno.version.deno;
  const folder = cached(`deno-${arch}-${version}`, (made) => {
    run("npm", ["pack", "--silent", `${deno}@${version}`], { cwd: made });
    run("sh", ["-c", "tar xzf ./*.tgz --strip-components=1 && rm ./*.tgz"], { cwd: made });
  });
  return `${folder}/deno`;
}

/** Finds the file of a program. */
function found(system: string, name: string): string {
  const places = ["usr/bin", "usr/sbin", "bin", "sbin"].map((one) => `${system}/${one}/${name}`);
  const path = places.find((one) => exists(one));
  if (path === undefined) throw new Error(`Debian's ${SUITE} has no ${name} in its packages`);
  return path;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Copies a program to the new root, with its libraries. */
function addProgram(root: string, name: string, path: string, system: string): void {
  const copy = `${root}/usr/bin/${name}`;
  run("rm", ["-f", copy]);
  Deno.copyFileSync(path, copy);
  Deno.chmodSync(copy, 0o755);
  addLibraries(root, path, system);
}

/** Copies the libraries that a file needs, and those that these need. */
function addLibraries(root: string, path: string, system: string): void {
  for (const [, name] of run("readelf", ["-d", path]).matchAll(/\(NEEDED\).*\[(.*)\]/g)) {
    if (name.startsWith("ld-linux")) continue;
    const [library] = run("find", [`${system}/usr/lib`, "-name", name]).split("\n");
    if (library === "") throw new Error(`Debian's ${SUITE} has no ${name} for ${path}`);
    const to = root + library.slice(system.length);
    if (exists(to)) continue;
    Deno.mkdirSync(to.replace(/[^/]*$/, ""), { recursive: true });
    Deno.copyFileSync(library, to);
    addLibraries(root, library, system);
  }
}

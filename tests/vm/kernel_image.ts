// Downloads a Debian kernel and unpacks what a virtual machine needs of it: the image, and the
// modules that give access to the host's files. Nothing is installed.

import { run, runForBytes } from "../command.ts";
import { Archive } from "../debian.ts";
import { cached } from "./cache.ts";
import type { Kernel } from "./kernels.ts";

/** The files of a kernel that a virtual machine needs. */
export interface KernelImage {
  /** Path of the kernel: an ELF file, or the image of an arm64 kernel. */
  readonly kernel: string;
  /** Path of the folder with the modules; the order of their names is that of loading. */
  readonly modules: string;
}

/** Modules for the ports and the folders; what they depend on is added, what is built in is not. */
const MODULES = ["virtio_pci", "virtio_console", "9pnet_virtio", "9p"];

/** Programs that unpack, by the first bytes of what they unpack. */
const UNPACKERS: readonly (readonly [program: string, start: readonly number[]])[] = [
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58]],
  ["lz4", [0x02, 0x21, 0x4c, 0x18]],
  ["gzip", [0x1f, 0x8b]],
];

/** Returns a kernel from the cache; downloads it first if it is not there. */
export function kernelImage({ suite, processor }: Kernel): KernelImage {
  const folder = cached(`kernel-${suite}-${processor.name}`, (made) => {
    const packages = `${made}/packages`;
    using archive = new Archive(suite, processor.name);
    const meta = `linux-image-${processor.name}`;
    const image = archive.dependencies(meta).find((name) => /^linux-image-\d/.test(name));
    if (image === undefined) throw new Error(`${suite} has no kernel behind ${meta}`);
    // The package is empty in newer suites, and depends on one of the binary and one of modules.
    const parts = archive.dependencies(image)
      .filter((name) => /^linux-(binary|modules)-\d/.test(name));
    archive.unpack([image, ...parts], packages);
    const [boot] = find(packages, "vmlinuz*");
    Deno.writeFileSync(`${made}/kernel`, kernelOf(boot));
    Deno.mkdirSync(`${made}/modules`);
    const done = new Set<string>();
    for (const name of MODULES) addModule(name, packages, `${made}/modules`, done);
    run("rm", ["-rf", packages]);
  });
  return { kernel: `${folder}/kernel`, modules: `${folder}/modules` };
}

/** Unpacks a module behind those that it depends on. */
function addModule(name: string, packages: string, to: string, done: Set<string>): void {
  if (done.has(name)) return;
  done.add(name);
  const [file] = find(packages, `${name}.ko*`);
  if (file === undefined) return;
  const bytes = file.endsWith(".ko") ? Deno.readFileSync(file) : unpack(file);
  const [, needed] = /\0depends=([^\0]*)\0/.exec(new TextDecoder("latin1").decode(bytes))!;
  for (const one of needed.split(",")) {
    if (one !== "") addModule(one, packages, to, done);
  }
  const place = `${[...Deno.readDirSync(to)].length}`.padStart(2, "0");
  Deno.writeFileSync(`${to}/${place}-${name}.ko`, bytes);
}

/**
 * Returns the kernel of a boot image. That of arm64 is the kernel itself. One for x86 tells where
 * its packed ELF file lies, and the last four bytes there are not packed
 * (Documentation/arch/x86/boot.rst); qemu starts the ELF file a second faster than the image.
 */
function kernelOf(path: string): Uint8Array {
  const bytes = Deno.readFileSync(path);
  const view = new DataView(bytes.buffer);
  if (new TextDecoder().decode(bytes.subarray(56, 60)) === "ARMd") return bytes;
  if (new TextDecoder().decode(bytes.subarray(0x202, 0x206)) !== "HdrS") {
    throw new Error(`${path}: neither an image for x86 nor a plain one for arm64`);
  }
  const start = (bytes[0x1f1] + 1) * 512 + view.getUint32(0x248, true);
  const packed = `${path}.packed`;
  Deno.writeFileSync(packed, bytes.subarray(start, start + view.getUint32(0x24c, true) - 4));
  return unpack(packed);
}

/** Unpacks a file, whatever it is packed with. */
function unpack(path: string): Uint8Array {
  const bytes = Deno.readFileSync(path);
  const found = UNPACKERS.find(([, start]) => start.every((byte, i) => bytes[i] === byte));
  if (found === undefined) throw new Error(`${path}: packed in an unknown way`);
  return runForBytes("sh", ["-c", `${found[0]} -dc <'${path}'`]);
}

/** Finds files by name. */
function find(folder: string, name: string): string[] {
  return run("find", [folder, "-type", "f", "-name", name]).split("\n").filter(Boolean);
}

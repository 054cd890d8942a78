// Downloads a Debian kernel and unpacks it without installing: the ELF file that qemu boots (by
// PVH, a second faster than a bzImage), and the modules that give access to the host's files.

import { run } from "./command.ts";
import type { Kernel } from "./kernels.ts";

/** The files of a kernel that a virtual machine needs. */
export interface KernelImage {
  /** Path of the kernel as an ELF file. */
  readonly vmlinux: string;
  /** Paths of the modules, in the order in which they must be loaded. */
  readonly modules: readonly string[];
}

/** Modules of the 9p file system, each behind those that it depends on. */
const MODULES = ["netfs", "9pnet", "9pnet_virtio", "9p"];
const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/** Folder in which kernels are kept between runs. */
export function cacheFolder(): string {
  const base = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`;
  return `${base}/dt-vm`;
}

/** Returns a kernel from the cache; downloads it first if it is not there. */
export function kernelImage(kernel: Kernel): KernelImage {
  const folder = `${cacheFolder()}/${kernel.name}`;
  const image = {
    vmlinux: `${folder}/vmlinux`,
    modules: MODULES.map((name) => `${folder}/${name}.ko`),
  };
  try {
    Deno.statSync(image.vmlinux);
    return image;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const work = Deno.makeTempDirSync();
  try {
    run("apt-get", ["download", "-qq", buildOf(kernel.package)], { cwd: work });
    run("sh", ["-c", "dpkg-deb -x ./*.deb ."], { cwd: work });
    Deno.mkdirSync(`${work}/ready`);
    const [boot] = [...Deno.readDirSync(`${work}/boot`)].map(({ name }) => name)
      .filter((name) => name.startsWith("vmlinuz-"));
    Deno.writeFileSync(`${work}/ready/vmlinux`, unpack(Deno.readFileSync(`${work}/boot/${boot}`)));
    for (const name of MODULES) {
      const found = run("find", ["lib", "usr/lib", "-name", `${name}.ko.xz`], { cwd: work }, [
        0,
        1,
      ]);
      run("sh", ["-c", `xz -dc '${found.split("\n")[0]}' > ready/${name}.ko`], { cwd: work });
    }
    Deno.mkdirSync(cacheFolder(), { recursive: true });
    // Another process may have made the same copy meanwhile, which is as good.
    const own = `${folder}.${Deno.pid}`;
    run("cp", ["-r", "ready", own], { cwd: work });
    run("sh", ["-c", `mv -T '${own}' '${folder}' 2>/dev/null || rm -rf '${own}'`]);
    Deno.statSync(image.vmlinux);
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
  return image;
}

/** Finds the package that a Debian meta package depends on today. */
function buildOf(meta: string): string {
  const find = () =>
    /Depends: (linux-image-\S+)/.exec(run("apt-cache", ["depends", meta], {}, [0, 100]))?.[1];
  let found = find();
  if (found === undefined) {
    run("apt-get", ["update", "-qq"]);
    found = find();
  }
  if (found === undefined) throw new Error(`There is no package ${meta}`);
  return found;
}

/** Unpacks the kernel from a vmlinuz: a zstd stream between other data. */
function unpack(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((_, i) => ZSTD_MAGIC.every((byte, j) => bytes[i + j] === byte));
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(file, bytes.subarray(start));
    // zstd complains about the data behind the stream, but what it has written is complete.
    const { stdout } = new Deno.Command("zstd", { args: ["-dcq", file], stderr: "null" })
      .outputSync();
    if (new TextDecoder().decode(stdout.subarray(1, 4)) !== "ELF") {
      throw new Error("Cannot find the kernel in its image: no zstd stream with an ELF file");
    }
    return stdout;
  } finally {
    Deno.removeSync(file);
  }
}

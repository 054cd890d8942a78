// A virtual machine that runs one command as root and ends.

import { type Need, ROOT } from "../helpers.ts";
import { cacheFolder as oracleFolder, findOracle } from "../oracle/oracle.ts";
import { writeInitramfs } from "./guest_system.ts";
import { kernelImage } from "./kernel_image.ts";
import type { Kernel } from "./kernels.ts";

/** Exit status and output of the command. */
export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Programs that a virtual machine needs beside those of a Debian system, from the packages
 * qemu-system-x86 or qemu-system-arm, busybox-static, binutils, cpio, zstd and xz-utils; and Node's
 * npm for a processor that is not this machine's.
 */
export function programsFor({ processor }: Kernel): Need[] {
  const own = processor.arch === Deno.build.arch;
  const common: Need[] = ["apt-get", "busybox", "readelf", "cpio", "zstd", "xz"];
  return [processor.qemu, ...common, ...(own ? [] : ["npm" as const])];
}

/**
 * Boots a kernel and runs a command line (sh) in this checkout, which is read-only there.
 *
 * @throws {Error} The machine ended without an exit status; the message has the text of its
 * console.
 */
export function runIn(kernel: Kernel, command: string, options: { seconds: number }): Result {
  const shared = Deno.makeTempDirSync();
  try {
    const initramfs = `${shared}/initramfs`;
    writeInitramfs(initramfs, kernel);
    Deno.writeTextFileSync(`${shared}/project`, ROOT.replace(/\/$/, ""));
    Deno.writeTextFileSync(`${shared}/command`, command);
    if (hasOracle(kernel)) Deno.writeTextFileSync(`${shared}/oracle`, "");
    const { code, stderr } = new Deno.Command("timeout", {
      args: ["--foreground", "-k", "5", `${options.seconds}`, ...qemu(kernel, initramfs, shared)],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).outputSync();
    const read = (name: string) => {
      try {
        return Deno.readTextFileSync(`${shared}/${name}`);
      } catch {
        return "";
      }
    };
    const [stdout, errors, status] = [read("out"), read("err"), read("status")];
    if (status !== "") return { code: Number(status), stdout, stderr: errors };
    const reason = code === 124 ? `timed out after ${options.seconds} s` : `ended (qemu ${code})`;
    throw new Error(
      `The machine ${reason} without a status\n${new TextDecoder().decode(stderr)}` +
        `--- its output\n${stdout}\n--- its errors\n${errors}\n--- its console\n${read("console")}`,
    );
  } finally {
    Deno.removeSync(shared, { recursive: true });
  }
}

/** True if this machine has the oracle of the language, and the virtual machine can run it. */
function hasOracle({ processor }: Kernel): boolean {
  return processor.arch === Deno.build.arch && findOracle() !== undefined;
}

/**
 * Command line of qemu. The two CPUs are emulated in one thread, since that boots a second faster
 * than two threads.
 */
function qemu(kernel: Kernel, initramfs: string, shared: string): string[] {
  const { processor } = kernel;
  const file = (name: string) => ["-chardev", `file,id=${name},path=${shared}/${name}`];
  const port = (name: string) => ["-device", `virtserialport,chardev=${name},name=${name}`];
  const folder = (path: string, tag: string, more = "") => [
    "-virtfs",
    `local,path=${path},mount_tag=${tag},security_model=none,multidevs=remap${more}`,
  ];
  return [
    ...[processor.qemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...processor.machine,
    ...["-accel", "tcg,thread=single", "-smp", "2", "-m", "1536"],
    ...["-kernel", kernelImage(kernel).kernel, "-initrd", initramfs],
    ...["-append", `console=${processor.console} quiet panic=-1 oops=panic`],
    ...[...file("console"), "-serial", "chardev:console"],
    ...[...file("out"), ...file("err")],
    ...["-device", "virtio-serial-pci", ...port("out"), ...port("err")],
    ...folder(ROOT, "project", ",readonly=on"),
    ...(hasOracle(kernel) ? folder(oracleFolder(), "oracle", ",readonly=on") : []),
    ...folder(shared, "shared"),
  ];
}

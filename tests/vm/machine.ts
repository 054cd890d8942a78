// A virtual machine that runs one command as root and ends.

import { ROOT } from "../helpers.ts";
import { initramfs } from "./initramfs.ts";
import { kernelImage } from "./kernel_image.ts";
import type { Kernel } from "./kernels.ts";

/** Exit status and output of the command. */
export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Programs that a virtual machine needs, from Debian's packages qemu-system-x86, busybox-static,
 * cpio, zstd and xz-utils.
 */
export const PROGRAMS = ["qemu-system-x86_64", "busybox", "cpio", "zstd", "xz"] as const;

/**
 * Boots a kernel and runs a command line (sh) in this checkout, which is read-only there.
 *
 * @throws {Error} The machine ended without an exit status; the message has the text of its
 * console.
 */
export function runIn(kernel: Kernel, command: string, options: { seconds: number }): Result {
  const image = kernelImage(kernel);
  const root = initramfs(kernel.name, image);
  const shared = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${shared}/project`, ROOT.replace(/\/$/, ""));
    Deno.writeTextFileSync(`${shared}/command`, command);
    const { code, stderr } = new Deno.Command("timeout", {
      args: ["-k", "5", `${options.seconds}`, ...qemu(image.vmlinux, root, shared)],
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

/**
 * Command line of qemu. The two CPUs are emulated in one thread, since that boots a second faster
 * than two threads.
 */
function qemu(vmlinux: string, root: string, shared: string): string[] {
  const file = (name: string) => ["-chardev", `file,id=${name},path=${shared}/${name}`];
  const port = (name: string) => ["-device", `virtserialport,chardev=${name},name=${name}`];
  const folder = (path: string, tag: string, more = "") => [
    "-virtfs",
    `local,path=${path},mount_tag=${tag},security_model=none,multidevs=remap${more}`,
  ];
  return [
    ...["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-machine", "q35", "-accel", "tcg,thread=single", "-cpu", "max", "-smp", "2", "-m", "1536"],
    ...["-kernel", vmlinux, "-initrd", root],
    ...["-append", "console=ttyS0 quiet panic=-1 oops=panic"],
    ...[...file("console"), "-serial", "chardev:console"],
    ...[...file("out"), ...file("err")],
    ...["-device", "virtio-serial-pci", ...port("out"), ...port("err")],
    ...folder(ROOT, "project", ",readonly=on"),
    ...folder(shared, "shared"),
  ];
}

// The kernels on which tests run in virtual machines, beside the kernel of this machine, and the
// processors that these kernels are for.

/** A processor that qemu emulates, with the names that others have for it. */
export interface Processor {
  /** Debian's name. */
  readonly name: "amd64" | "arm64";
  /** Name in Deno.build.arch. */
  readonly arch: "x86_64" | "aarch64";
  /** Program of qemu. */
  readonly qemu: "qemu-system-x86_64" | "qemu-system-aarch64";
  /** Arguments of qemu: the machine and the model of the CPU. */
  readonly machine: readonly string[];
  /** Device of the kernel's console. */
  readonly console: string;
  /** Where programs look for the dynamic loader. */
  readonly loader: string;
  /** npm package that has Deno for this processor. */
  readonly deno: string;
}

const amd64: Processor = {
  name: "amd64",
  arch: "x86_64",
  qemu: "qemu-system-x86_64",
  machine: ["-machine", "q35", "-cpu", "max"],
  console: "ttyS0",
  loader: "usr/lib64/ld-linux-x86-64.so.2",
  deno: "@deno/linux-x64-glibc",
};

const arm64: Processor = {
  name: "arm64",
  arch: "aarch64",
  qemu: "qemu-system-aarch64",
  // To emulate pointer authentication takes ten times the CPU of everything else.
  machine: ["-machine", "virt,gic-version=3", "-cpu", "max,pauth=off"],
  console: "ttyAMA0",
  loader: "usr/lib/ld-linux-aarch64.so.1",
  deno: "@deno/linux-arm64-glibc",
};

/** A kernel that Debian packages. */
export interface Kernel {
  /** Name of the kernel in the names of tests, and for `run.ts -k`. */
  readonly name: string;
  /** Suite of Debian's archive whose `linux-image-…` is meant. */
  readonly suite: string;
  /** Processor that the kernel is for. */
  readonly processor: Processor;
  /** Folders of tests/vm with the tests that run there. */
  readonly tests: readonly string[];
  /** True if the tests run only where VM_KERNELS is `all`: the whole matrix takes half an hour. */
  readonly onDemand?: boolean;
}

/** All kernels on which the tests run; the first is the one that `run.ts` takes by itself. */
export const KERNELS: readonly Kernel[] = [
  { name: "6.12", suite: "trixie", processor: amd64, tests: ["guest", "oracle", "hardened"] },
  { name: "6.1", suite: "bookworm", processor: amd64, tests: ["guest"] },
  { name: "newest", suite: "unstable", processor: amd64, tests: ["guest"] },
  { name: "5.10", suite: "bullseye", processor: amd64, tests: ["too_old"] },
  { name: "arm64", suite: "trixie", processor: arm64, tests: ["guest"], onDemand: true },
  {
    name: "arm64-newest",
    suite: "unstable",
    processor: arm64,
    tests: ["guest"],
    onDemand: true,
  },
];

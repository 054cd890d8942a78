// The kernels on which tests run in virtual machines, beside the kernel of this machine.

/** A kernel that Debian packages. */
export interface Kernel {
  /** Name of the kernel in the names of tests, and for `run.ts -k`. */
  readonly name: string;
  /** Debian meta package that depends on the newest build of the kernel. */
  readonly package: string;
}

/** All kernels on which the tests run. */
export const KERNELS: readonly Kernel[] = [
  { name: "6.12", package: "linux-image-6.12-amd64" },
];

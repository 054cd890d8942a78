// The kernels that tests run on beside the machine's own: one line each.

/** A kernel of Debian's. */
export interface Kernel {
  /** How the tests name it. */
  readonly name: string;
  /** The package that depends on its newest build. */
  readonly package: string;
}

/** All of them. */
export const KERNELS: readonly Kernel[] = [
  { name: "6.12", package: "linux-image-6.12-amd64" },
];

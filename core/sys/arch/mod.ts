// The processor that we run on.

import type { Arch } from "./arch.ts";
import { aarch64 } from "./aarch64.ts";
import { x86_64 } from "./x86_64.ts";

/** The architecture of this process. */
export const arch: Arch = Deno.build.arch === "aarch64" ? aarch64 : x86_64;

export { aarch64, type Arch, x86_64 };

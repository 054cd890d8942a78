// The architecture that this process runs on, chosen from the tables of its neighbours.

import type { Arch } from "./arch.ts";
import { aarch64 } from "./aarch64.ts";
import { x86_64 } from "./x86_64.ts";

/** The constants of the architecture that this process runs on. */
export const arch: Arch = Deno.build.arch === "aarch64" ? aarch64 : x86_64;

export { aarch64, type Arch, x86_64 };

// The registers of a probed program, as every probe whose context begins with struct pt_regs has them.

import type { Location } from "../contract/context.ts";
import { arch } from "../sys/arch/mod.ts";

/** A location for each register: "reg:ip" and the like. */
export const REGISTER_LOCATIONS: Readonly<Record<string, Location>> = Object.fromEntries(
  Object.entries(arch.registers).map(([name, at]) => [`reg:${name}`, { path: [at], size: 8 }]),
);

/** Names of these locations, as a probe lists them. */
export const REGISTER_NAMES: readonly string[] = Object.keys(REGISTER_LOCATIONS);

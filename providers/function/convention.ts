// What a function's caller and the function have agreed on: struct pt_regs as both kinds of function
// probes see it.

import type { ArgumentSpec } from "../../core/contract/probe.ts";
import type { Location } from "../../core/contract/context.ts";
import { arch } from "../../core/sys/arch/mod.ts";
import { REGISTER_LOCATIONS } from "../../core/sources/registers.ts";

/** struct pt_regs: registers, arguments by the C convention, what a function returns. */
export const LOCATIONS: Readonly<Record<string, Location>> = {
  ...REGISTER_LOCATIONS,
  ...Object.fromEntries(
    arch.functionArguments.map((name, i) => [`arg${i}`, word(arch.registers[name])]),
  ),
  retval: word(arch.registers[arch.functionResult]),
};

function word(offset: number): Location {
  return { path: [offset], size: 8 };
}

/** What arrives in registers. */
export const ARGUMENTS: readonly ArgumentSpec[] = arch.functionArguments.map((_, i) => ({
  name: `arg${i}`,
  type: "unsigned long",
  at: `arg${i}`,
}));

/** What a function returns, as long as nobody says more. */
export const RESULT = "unsigned long";

// Types and functions of the programs that a script traces. A module of its own, since few scripts need it:
// who compiles one that does hands `programs()` in.

import { openDebugInfo } from "../core/dwarf/debug_info.ts";
import { ProgramTypes } from "./ctypes/program_types.ts";
import type { ProgramScope } from "./ctypes/scope.ts";

/**
 * Makes what finds the debug information of programs and libraries, for `compile()`; undefined for those
 * that have none. Each is opened once.
 */
export function programs(): (path: string) => ProgramScope | undefined {
  const known = new Map<string, ProgramScope | undefined>();
  return (path) => {
    if (!known.has(path)) {
      const info = openDebugInfo(path);
      known.set(path, info && new ProgramTypes(info));
    }
    return known.get(path);
  };
}

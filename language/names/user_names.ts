// Names of user code for a run: what processes map is remembered from the start.

import { errorCode } from "../../core/errors.ts";
import type { Symbolizer } from "../../core/symbols/mod.ts";
import { openSymbolizer } from "./open_symbolizer.ts";
import type { Script } from "../compile.ts";

/**
 * Opens a symbolizer that watches what the script can see.
 *
 * @param pid The process of -p or -c.
 */
export async function openUserNames(
  { plane, config }: Script,
  pid: number | undefined,
): Promise<Symbolizer> {
  const symbolizer = await openSymbolizer({ demangle: config.cppDemangle });
  try {
    symbolizer.watch({ pid, alone: plane === "user" });
  } catch (error) {
    // Not permitted: what lives when it is printed has names all the same.
    const code = errorCode(error);
    if (code !== "EACCES" && code !== "EPERM") {
      symbolizer[Symbol.dispose]();
      throw error;
    }
  }
  return symbolizer;
}

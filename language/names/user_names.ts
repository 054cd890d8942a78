// Names of user code for a run: the symbolizer remembers files that processes map from the start.

import { errorCode } from "../../core/errors.ts";
import type { Symbolizer } from "../../core/symbols/mod.ts";
import { openSymbolizer } from "./open_symbolizer.ts";
import type { Script } from "../compile.ts";

/**
 * Opens a symbolizer that watches the processes that the script can see.
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
    // Watching is not permitted: only processes that still live when they are printed have names.
    const code = errorCode(error);
    if (code !== "EACCES" && code !== "EPERM") {
      symbolizer[Symbol.dispose]();
      throw error;
    }
  }
  return symbolizer;
}

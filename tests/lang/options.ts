// Reads the options that a golden script asks for in a comment.

import type { PlaneName } from "../../core/mod.ts";
import { parseOptions } from "../../tools/btrace/options.ts";

/** Parses the command line after `// OPTIONS:` in a script, e.g. `// OPTIONS: -f json a b`. */
export function optionsOf(text: string) {
  const line = /^\/\/ OPTIONS: (.*)$/m.exec(text)?.[1] ?? "";
  const args = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
  const options = parseOptions(["-e", "BEGIN", ...args]);
  return {
    options,
    compile: {
      plane: (options.plane === "user" ? "user" : "kernel") as PlaneName,
      params: options.positional,
      named: options.named,
      unsafe: options.unsafe,
      warnings: options.warnings,
    },
  };
}

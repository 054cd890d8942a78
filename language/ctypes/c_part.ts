// All that a script with a C part needs, as one module: lazy.ts loads the module on demand.

export { Definitions, parseDefinitions } from "./definitions.ts";
export { HeaderFiles } from "./header_files.ts";
export { cMacroExpansion } from "./script_macros.ts";

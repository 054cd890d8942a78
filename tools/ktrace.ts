#!/usr/bin/env -S deno run -A
/**
 * ktrace: records what a program does, for kdump. `ktrace.ts --help` says how.
 * @module
 */

import "./cli/at_start.ts";
import { main } from "./ktrace/cli.ts";

export { main };

if (import.meta.main) Deno.exit(await main(Deno.args));

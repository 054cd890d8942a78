#!/usr/bin/env -S deno run -A
/**
 * kdump: shows what ktrace has recorded. `kdump.ts --help` says how.
 * @module
 */

import "./cli/at_start.ts";
import { main } from "./kdump/cli.ts";

export { main };

if (import.meta.main) Deno.exit(await main(Deno.args));

#!/usr/bin/env -S deno run -A
/**
 * systrace: shows system calls as strace does, without stopping programs. `systrace.ts --help` says how.
 * @module
 */

import "./cli/at_start.ts";
import { main } from "./systrace/cli.ts";

export { main };

if (import.meta.main) Deno.exit(await main(Deno.args));

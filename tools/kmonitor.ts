#!/usr/bin/env -S deno run -A
/**
 * kmonitor: tells of processes and threads, live: births, executions, ends. `kmonitor.ts --help` says how.
 * @module
 */

import "./cli/at_start.ts";
import { main } from "./kmonitor/cli.ts";

export { main };

if (import.meta.main) Deno.exit(await main(Deno.args));

#!/usr/bin/env -S deno run -A
/**
 * btrace: bpftrace's language on dt. `btrace --help` says how.
 * @module
 */

import "./cli/at_start.ts";
import { inWorker, main } from "./btrace/cli.ts";

export { main };

if (import.meta.main && !inWorker) Deno.exit(await main(Deno.args));

#!/usr/bin/env -S deno run -A
/**
 * fleet: one script on many hosts, one exact result. `fleet --help` says how.
 * @module
 */

import "./cli/at_start.ts";
import { main } from "./fleet/cli.ts";

export { main };

if (import.meta.main) Deno.exit(await main(Deno.args));

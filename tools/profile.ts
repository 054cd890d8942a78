#!/usr/bin/env -S deno run -A
/**
 * profile: where the CPU's time goes, or where threads wait, as a flame graph. `profile.ts --help` says
 * how.
 * @module
 */

import "./cli/at_start.ts";
import { main } from "./profile/cli.ts";

export { main };

if (import.meta.main) Deno.exit(await main(Deno.args));

// btrace that tells, as its last line on stderr, the most memory in KiB that it has used.

import { main } from "../../tools/btrace/cli.ts";

const status = await main(Deno.args);
const kib = /^VmHWM:\s*(\d+)/m.exec(Deno.readTextFileSync("/proc/self/status"))![1];
console.error(kib);
Deno.exit(status);

// Runs a command line in a virtual machine:
//
//   deno run -A tests/vm/run.ts [-k KERNEL] [-t SECONDS] 'COMMAND LINE'

import { parseArgs } from "../../tools/cli/deps.ts";
import { KERNELS } from "./kernels.ts";
import { hasProgram } from "../helpers.ts";
import { programsFor, runIn } from "./machine.ts";

const { k, t = "600", _: [command = ""] } = parseArgs(Deno.args, { string: ["k", "t", "_"] });
const kernel = k === undefined ? KERNELS[0] : KERNELS.find(({ name }) => name === k);
if (kernel === undefined) {
  console.error(`There is no kernel ${k}: ${KERNELS.map(({ name }) => name).join(", ")}`);
  Deno.exit(1);
}
const lacks = programsFor(kernel).filter((name) => !hasProgram(name));
if (lacks.length > 0) {
  console.error(`A virtual machine with ${kernel.name} needs ${lacks.join(", ")}`);
  Deno.exit(1);
}
const { code, stdout, stderr } = runIn(kernel, String(command), { seconds: Number(t) });
await Deno.stdout.write(new TextEncoder().encode(stdout));
await Deno.stderr.write(new TextEncoder().encode(stderr));
Deno.exit(code);

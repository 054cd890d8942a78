// Goldens in pairs: a script x.bt, and the instructions that its actions become, x.asm. `deno task
// golden` rewrites the goldens; read the diff. Needs no kernel.

import { assertEquals } from "@std/assert";
import { Assembler, disassemble } from "../../core/asm/mod.ts";
import { openDevice } from "../../core/mod.ts";
import { CPU_BLOCK, RingOutput } from "../../core/plugin/mod.ts";
import { x86_64 } from "../../core/sys/arch/mod.ts";
import { allProviders } from "../../providers/mod.ts";
import { compile } from "../../language/compile.ts";
import { generate } from "../../language/kernel/generate.ts";

const HERE = new URL(".", import.meta.url).pathname;
const RING = { fd: 1 };
const CONTROL = { fd: 2 };
const ZEROS = { fd: 3 };
const FIRST_MAP = 4;

/** A layout as core/sources/syscalls makes it on x86-64 with BTF. */
const LAYOUT = {
  id: "test",
  locations: Object.fromEntries([
    ...x86_64.syscallArguments.map((offset, i) => [`arg${i}`, { path: [0, offset], size: 8 }]),
    ["number", { path: [8], size: 8 }],
    ["retval", { path: [8], size: 8 }],
  ]),
};

function listing(text: string): string {
  const device = openDevice({ providers: allProviders() });
  const script = compile({ name: "stdin", text }, device);
  const maps = [...script.maps.keys()].map((name, i) => [name, { fd: FIRST_MAP + i }] as const);
  const actions = generate(script).actions({ maps: new Map(maps), zeros: ZEROS });
  let out = "; map 1 ring, 2 control, 3 zeros" +
    maps.map(([name, { fd }]) => `, ${fd} ${name}`).join("") + "\n";
  for (const { name, action } of actions) {
    const asm = new Assembler();
    action.emit({
      asm,
      layout: LAYOUT,
      skipFrames: 0,
      ring: new RingOutput(RING, CONTROL, 1 << 22),
      control: CONTROL,
      scratch: CPU_BLOCK.scratch,
    });
    out += `; ${name}, ${action.scratchBytes} bytes of scratch memory\n`;
    out += disassemble(asm.dropUnreachable().assemble());
  }
  return out;
}

for (const { name } of Deno.readDirSync(HERE)) {
  if (!name.endsWith(".bt")) continue;
  Deno.test(`code of ${name}`, () => {
    const golden = HERE + name.replace(/\.bt$/, ".asm");
    const actual = listing(Deno.readTextFileSync(HERE + name));
    if (Deno.env.get("UPDATE_GOLDENS") === "1") Deno.writeTextFileSync(golden, actual);
    assertEquals(actual, Deno.readTextFileSync(golden));
  });
}

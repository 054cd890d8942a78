// Prints for -d the syntax tree, the checked program or the instructions.

import { Assembler, disassemble } from "../../core/asm/mod.ts";
import { CPU_BLOCK } from "../../core/contract/blocks.ts";
import type { Location } from "../../core/contract/context.ts";
import { RingOutput } from "../../core/kernel_plane/ring_output.ts";
import type { Script } from "../../language/compile.ts";
import { generate } from "../../language/kernel/generate.ts";
import type { STAGES } from "./options.ts";
import { typeName } from "../../language/model/types.ts";

/** Text of a script as one stage of the compiler leaves it. */
export function dump(script: Script, stage: typeof STAGES[number]): string {
  switch (stage) {
    case "ast":
      return `\nAST\n-------------------\n${tree(script.parsed.clauses)}`;
    case "types":
      return `\nChecked program\n-------------------\n${maps(script)}${
        tree(script.program.clauses.map(({ probes, predicate, body }) => ({
          probes: probes.map(({ name }) => name),
          predicate,
          body,
        })))
      }`;
    case "codegen":
    case "dis":
      return `\nInstructions\n-------------------\n${instructions(script)}`;
  }
}

function maps({ maps: all }: Script): string {
  let text = "";
  for (const [name, { type, layout }] of all) {
    const key = type.key === undefined ? "" : `[${typeName(type.key)}]`;
    text += `${name}${key}: ${typeName(type.value)}, ${layout.type}, ${layout.entries} entries\n`;
  }
  return text;
}

/** Text of a syntax tree, one node a line. */
function tree(value: unknown, indent = ""): string {
  if (Array.isArray(value)) return value.map((one) => tree(one, indent)).join("");
  if (typeof value !== "object" || value === null) return `${indent}${String(value)}\n`;
  const node = value as Record<string, unknown>;
  const head = String(node.kind ?? node.op ?? "");
  const simple: string[] = [];
  let inner = "";
  for (const [key, one] of Object.entries(node)) {
    if (["kind", "op", "span", "clause"].includes(key) || one === undefined) continue;
    if (key === "type") {
      const type = one as { kind?: string; name?: string };
      simple.push(`:: ${type.kind === undefined ? tree(one).trim() : typeName(one as never)}`);
    } else if (typeof one === "object" && one !== null && key !== "map" && key !== "local") {
      const text = tree(one, `${indent}  `);
      if (text.trim() !== "") inner += `${indent} ${key}:\n${text}`;
    } else {
      const named = one as { name?: string };
      simple.push(typeof one === "object" ? named.name || "(temporary)" : String(one));
    }
  }
  return `${indent}${[head, ...simple].filter((one) => one !== "").join(" ")}\n${inner}`;
}

/** Instructions of each distinct action, as if all values stood at the start of the context. */
function instructions(script: Script): string {
  const map = { fd: 0 };
  const actions = generate(script).actions({
    maps: new Map([...script.maps.keys()].map((name) => [name, map])),
    zeros: map,
    stacks: map,
  });
  const anywhere: Location = { path: [0], size: 8 };
  const shown = new Set<object>();
  let text = "";
  for (const { name, action } of actions) {
    if (shown.has(action)) continue;
    shown.add(action);
    const asm = new Assembler();
    action.emit({
      asm,
      layout: { id: "any", locations: new Proxy({}, { get: () => anywhere }) },
      skipFrames: 0,
      ring: new RingOutput(map, map, 1 << 22),
      control: map,
      scratch: CPU_BLOCK.scratch,
    });
    text += `; ${name}\n${disassemble(asm.dropUnreachable().assemble())}`;
  }
  return text;
}

// ARCHITECTURE.md says which files an addition to the language touches: they must exist, and hold what
// the section names.

import { assert, assertEquals } from "@std/assert";
import { ROOT } from "./helpers.ts";

/** The section, from its heading to the next one of its level. */
function section(): string {
  const text = Deno.readTextFileSync(`${ROOT}ARCHITECTURE.md`);
  const start = text.indexOf("## How to add …\n");
  assert(start >= 0, "ARCHITECTURE.md has no section of that name");
  return text.slice(start, text.indexOf("\n## ", start + 1));
}

/** True if a file declares a name at its top level. */
function declares(file: string, symbol: string): boolean {
  const kinds = "const|function|class|interface|type";
  return new RegExp(`^(export )?(abstract )?(${kinds}) ${symbol}\\b`, "m").test(file);
}

Deno.test("the section on additions names files and symbols that exist", () => {
  const wrong: string[] = [];
  let count = 0;
  for (const line of section().split("\n")) {
    if (!line.startsWith("- ")) continue;
    const match = /^- `([\w./]+)` — `(\w+)`/.exec(line);
    assert(match !== null, `neither file nor symbol: ${line}`);
    const [, path, symbol] = match;
    count++;
    try {
      if (!declares(Deno.readTextFileSync(ROOT + path), symbol)) wrong.push(`${path}: ${symbol}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      wrong.push(`${path} does not exist`);
    }
  }
  assertEquals(wrong, []);
  assert(count > 15);
});

Deno.test("each addition names as many files as it says", () => {
  const numbers = ["No", "One", "Two", "Three", "Four", "Five"];
  const parts = section().split("\n### ").slice(1);
  assert(parts.length >= 4);
  for (const part of parts) {
    const said = /\b(Two|Three|Four|Five) files:\n\n((- .*\n( {2}.*\n)*)+)/.exec(part);
    if (said === null) continue;
    const [, number, list] = said;
    assertEquals(list.match(/^- /gm)?.length, numbers.indexOf(number), part.split("\n")[0]);
  }
});

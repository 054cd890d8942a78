// The list of cases that fail today, which is to become empty.

import { type Answer, type Case, kindOf, KINDS, lineOf, nameOf } from "./case.ts";

const FILE = new URL("known_failures.txt", import.meta.url);

/** Characters that are shown of a command line: names are what counts. */
const WIDTH = 160;

/** Names of the cases that are known to fail. */
export function readFailures(): Set<string> {
  const lines = Deno.readTextFileSync(FILE).split("\n");
  return new Set(lines.filter((line) => /^\w/.test(line)).map((line) => line.split(" ")[0]));
}

/** Writes the list, grouped by what is wrong and by area. */
export function writeFailures(
  failing: readonly { readonly one: Case; readonly expected: Answer; readonly got: Answer }[],
): void {
  const lines: string[] = [];
  for (const kind of KINDS) {
    const members = failing.filter(({ expected, got }) => kindOf(expected, got) === kind);
    if (members.length === 0) continue;
    lines.push(`# btrace ${kind}: ${members.length}`);
    lines.push(
      ...members.map(({ one }) => `${nameOf(one)} ${lineOf(one).slice(0, WIDTH)}`).sort(),
      "",
    );
  }
  Deno.writeTextFileSync(FILE, lines.join("\n"));
}

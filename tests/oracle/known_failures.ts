// The list of cases that fail today, which is to become empty.

import { type Answer, type Case, kindOf, KINDS, lineOf, nameOf } from "./case.ts";

const FILE = new URL("known_failures.txt", import.meta.url);

/** Characters that are shown of a command line: names are what counts. */
const WIDTH = 160;

/** Names of the cases that are known to fail, with what is wrong. */
export function readFailures(): Map<string, string> {
  const failures = new Map<string, string>();
  let kind = "";
  for (const line of Deno.readTextFileSync(FILE).split("\n")) {
    kind = /^# btrace (.*): \d+$/.exec(line)?.[1] ?? kind;
    if (/^\w/.test(line)) failures.set(line.split(" ")[0], kind);
  }
  return failures;
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

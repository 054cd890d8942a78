// Checks a cell of the table of restrictions.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Cell, COMMANDS } from "./hardened.ts";

/** Checks that btrace does what a cell says, or refuses in one line that has the cell's words. */
export function checkCell(
  cell: Cell,
  column: keyof typeof COMMANDS,
  result: { readonly code: number; readonly stdout: string; readonly stderr: string },
): void {
  const { code, stdout, stderr } = result;
  if (cell === true) {
    assertEquals(code, 0, `${column}: ${stderr}`);
    assert(COMMANDS[column].prints.test(stdout), `${column}: ${stdout}${stderr}`);
    return;
  }
  assertEquals(code, 1, `${column}: ${stdout}${stderr}`);
  const errors = stderr.split("\n").filter((line) => line.startsWith("ERROR"));
  assertEquals(errors.length, 1, `${column}: ${stderr}`);
  assertStringIncludes(errors[0], cell, column);
}

// Tests what works in containers that are restricted, and the documentation of restrictions.

import { assertEquals } from "@std/assert";
import { arch } from "../../core/sys/arch/mod.ts";
import { btraceCommand, output, ROOT, testWith } from "../helpers.ts";
import { checkCell } from "./cells.ts";
import { COLUMNS, COMMANDS, CONTAINERS, hardenedTable, type Restriction } from "./hardened.ts";

const FILE = `${ROOT}docs/hardened.md`;
const PTRACE = arch.name === "x86_64" ? 101 : 117;

/** The command line that runs another one under a restriction. */
function restricted({ setup, refused }: Restriction, command: readonly string[]): string[] {
  if (setup !== undefined) {
    return ["unshare", "-m", "sh", "-c", `${setup} && exec "$@"`, "sh", ...command];
  }
  const number = refused === "ptrace" ? PTRACE : arch.syscalls[refused!];
  const filter = new URL("refuse_call.ts", import.meta.url).pathname;
  return [Deno.execPath(), "run", "-A", "--no-check", filter, `${number}`, ...command];
}

for (const restriction of CONTAINERS) {
  testWith(`with ${restriction.what}`, ["root", "bpf", "tracefs", "unshare"], () => {
    for (const column of Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]) {
      const command = restricted(restriction, btraceCommand(COMMANDS[column].args));
      checkCell(restriction[column], column, output(command[0], command.slice(1)));
    }
  });
}

Deno.test("docs/hardened.md has the table of restrictions", () => {
  const text = Deno.readTextFileSync(FILE);
  const table = /^\| restriction .*?(?=\n\n|\n*$(?![\s\S]))/ms.exec(text)![0];
  if (Deno.env.get("UPDATE_GOLDENS") === "1") {
    Deno.writeTextFileSync(FILE, text.replace(table, () => hardenedTable()));
  } else {
    assertEquals(table, hardenedTable());
  }
});

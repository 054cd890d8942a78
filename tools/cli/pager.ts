// Shows long text by the user's pager, on a terminal alone.

import { write } from "./terminal.ts";

/**
 * Writes text on standard output; through the program of $PAGER, or less, where the output is a terminal and
 * the text has more lines than it.
 *
 * @returns 0, the exit status of a tool that has nothing else to do.
 */
export async function page(text: string): Promise<0> {
  if (!Deno.stdout.isTerminal() || !Deno.stdin.isTerminal()) return write(Deno.stdout, text);
  const pager = Deno.env.get("PAGER") ?? "less";
  if (pager === "" || pager === "cat" || text.split("\n").length <= Deno.consoleSize().rows) {
    return write(Deno.stdout, text);
  }
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("sh", {
      args: ["-c", `command -v ${pager.split(" ")[0]} >/dev/null && exec ${pager} || exec cat`],
      stdin: "piped",
      env: { LESS: Deno.env.get("LESS") ?? "FRX" },
    }).spawn();
  } catch {
    return write(Deno.stdout, text);
  }
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // The user has left the pager before its end.
  }
  await child.status;
  return 0;
}

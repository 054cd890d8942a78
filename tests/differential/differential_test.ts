// bpftrace 0.17 as oracle: scripts that both accept print the same, byte for byte. Where 0.17 differs
// from the specification, a row of differences.json says how: what each prints, and why.

import { assert, assertEquals } from "@std/assert";
import { openDevice } from "../../core/mod.ts";
import { allProviders } from "../../providers/mod.ts";
import { compile, run, ScriptError } from "../../language/mod.ts";
import { kernelTest, output } from "../helpers.ts";

const HERE = new URL(".", import.meta.url).pathname;
const device = openDevice({ providers: allProviders() });

interface Difference {
  /** What it is about. */
  readonly name: string;
  readonly script: string;
  /** What bpftrace 0.17 prints. */
  readonly theirs: string;
  /** What btrace prints. */
  readonly ours: string;
  /** Which one the specification asks for, and where. */
  readonly why: string;
  /** Makes bpftrace's output ours, in every script that shows this difference: expression, result. */
  readonly normalize?: readonly [string, string];
}

const FILE = `${HERE}differences.json`;

function table(): Difference[] {
  return JSON.parse(Deno.readTextFileSync(FILE));
}

/** One script a line; a line that starts with a blank or a `BEGIN` after `#define` goes on. */
function scripts(): string[] {
  const found: string[] = [];
  for (const line of Deno.readTextFileSync(`${HERE}same.txt`).split("\n")) {
    const continues = line.startsWith(" ") ||
      found.at(-1)?.startsWith("#") && !found.at(-1)!.includes("\n");
    if (continues) found.push(`${found.pop()}\n${line}`);
    else if (line !== "") found.push(line);
  }
  return found;
}

/** What bpftrace prints on stdout, without the line that says how many probes there are. */
function theirs(script: string): string {
  const { stdout, stderr } = output("timeout", ["20", "bpftrace", "-e", script]);
  const text = stdout.replace(/^Attaching \d+ probes?\.\.\.\n/, "");
  const errors = stderr.split("\n").filter((line) => !/RLIMIT_MEMLOCK|^$/.test(line));
  return stdout === "" ? `refused: ${errors[0] ?? ""}` : text;
}

async function ours(script: string): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  try {
    await run(compile({ name: "stdin", text: script }, device), device, {
      stdout: (bytes) => text += decoder.decode(bytes, { stream: true }),
      stderr: () => {},
    });
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    return `refused: ${error.message.split("\n")[0]}`;
  }
  return text;
}

kernelTest("scripts print what bpftrace prints", ["bpftrace"], async () => {
  const all = scripts();
  const rules = table().flatMap(({ normalize }) => normalize === undefined ? [] : [normalize]);
  const normalized = (text: string) =>
    rules.reduce((all, [from, to]) => all.replace(new RegExp(from, "gm"), to), text);
  assert(all.length >= 100);
  const wrong: string[] = [];
  for (const script of all) {
    const [a, b] = [normalized(theirs(script)), await ours(script)];
    if (a !== b || a.startsWith("refused")) {
      wrong.push(`${script}\n--- bpftrace\n${a}\n--- btrace\n${b}`);
    }
  }
  assertEquals(wrong.join("\n\n"), "", `${wrong.length} of ${all.length}`);
});

kernelTest("every difference is as the table says", ["bpftrace"], async () => {
  const rows = table();
  const now: Difference[] = [];
  for (const row of rows) {
    now.push({ ...row, theirs: theirs(row.script), ours: await ours(row.script) });
  }
  if (Deno.env.get("UPDATE_GOLDENS") === "1") {
    Deno.writeTextFileSync(FILE, `${JSON.stringify(now, null, 2)}\n`);
  }
  for (const [i, row] of now.entries()) {
    assert(row.theirs !== row.ours, `${row.name}: there is no difference`);
    if (Deno.env.get("UPDATE_GOLDENS") !== "1") assertEquals(row, rows[i]);
  }
});

// All cases: scripts written out in `areas/*.txt` and `scripts/`, tables of combinations in `areas/*.ts`.
//
// A line of a text file is a script for -e. A line that starts with `: ` has the statements of a BEGIN
// clause, one that starts with `$ ` the arguments of a command line (words, and text in single quotes),
// one that starts with `# ` is a comment. The sign ⏎ stands for a new line.

import type { Case } from "./case.ts";

const AREAS = new URL("areas/", import.meta.url);
const SCRIPTS = new URL("scripts/", import.meta.url);

/** What a table of `areas/` exports: scripts, or command lines. */
export type Entry = string | Omit<Case, "area">;

/** Every case once, in the order of areas. */
export async function corpus(): Promise<Case[]> {
  const cases: Case[] = [];
  const names = [...Deno.readDirSync(AREAS)].map(({ name }) => name).sort();
  for (const name of names) {
    const [area, kind] = name.split(".");
    if (kind === "txt") cases.push(...readText(area, Deno.readTextFileSync(new URL(name, AREAS))));
    if (kind === "ts") {
      const { entries }: { entries: readonly Entry[] } = await import(new URL(name, AREAS).href);
      cases.push(...entries.map((entry) => toCase(area, entry)));
    }
  }
  cases.push(...wholeScripts());
  const seen = new Set<string>();
  return cases.filter((one) => {
    const key = JSON.stringify(one);
    return !seen.has(key) && seen.add(key);
  });
}

function toCase(area: string, entry: Entry): Case {
  return typeof entry === "string" ? { area, args: ["-e", entry] } : { area, ...entry };
}

function readText(area: string, text: string): Case[] {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("# "));
  return lines.map((line) => {
    const whole = line.replaceAll("⏎", "\n");
    if (whole.startsWith(": ")) return toCase(area, `BEGIN { ${whole.slice(2)} }`);
    if (whole.startsWith("$ ")) return { area, ...commandLine(whole.slice(2)) };
    return toCase(area, whole);
  });
}

/** Words and 'quoted text'; words NAME=VALUE in front are environment; `<<< 'text'` is standard input. */
function commandLine(text: string): Omit<Case, "area"> {
  const words = [...text.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) =>
    word.replaceAll("'", "")
  );
  const env: Record<string, string> = {};
  while (/^[A-Z_]+=/.test(words[0])) {
    const [, key, value] = /^(\w+)=([\s\S]*)$/.exec(words.shift()!)!;
    env[key] = value;
  }
  const input = words.indexOf("<<<");
  const stdin = input < 0 ? undefined : words.splice(input, 2)[1];
  return {
    args: words,
    ...(Object.keys(env).length > 0 && { env }),
    ...(stdin !== undefined && { stdin }),
  };
}

/** Scripts as users keep them. Their first line may tell options: `// btrace -c './calls'`. */
function wholeScripts(): Case[] {
  const names = [...Deno.readDirSync(SCRIPTS)].map(({ name }) => name).sort();
  return names.filter((name) => name.endsWith(".bt")).map((name) => {
    const text = Deno.readTextFileSync(new URL(name, SCRIPTS));
    const options = /^\/\/ btrace (.*)$/m.exec(text)?.[1] ?? "";
    const { args, env } = commandLine(options === "" ? "-q" : options);
    return { area: "scripts", args: [...args, "-e", text], ...(env && { env }) };
  });
}

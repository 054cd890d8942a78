// The scripts of the package, which are tools by their names: `btrace opensnoop -x -d 5`. The script itself
// says which options it has: getopt("failed", false, "-x only opens that fail").

import NAMES from "../scripts/names.json" with { type: "json" };
import type { Expr } from "../../language/syntax/ast.ts";
import { didYouMean, Source } from "../../language/syntax/diagnostics.ts";
import { parse } from "../../language/syntax/parser.ts";
import { mapProgram, visitExpr } from "../../language/syntax/walk.ts";
import type { SourceText } from "../../language/compile.ts";
import { readOptions, UsageError } from "../cli/command_line.ts";
import { type Options, parseOptions } from "./options.ts";

/** An option of a script, by a call of getopt(). */
export interface ToolOption {
  /** Long name, the first argument of getopt(). */
  readonly name: string;
  /** Letter at the beginning of the description; undefined without one. */
  readonly letter?: string;
  /** What the option is for. */
  readonly description: string;
  /** What follows the option: nothing, a number or a text. */
  readonly takes: "nothing" | "number" | "text";
  /** Value without the option, as the help shows it; empty for none. */
  readonly fallback: string;
}

/** A script of the package. */
export interface Tool {
  /** Name of the tool: the file's without its ending. */
  readonly name: string;
  /** Text of the script. */
  readonly source: SourceText;
  /** What the tool is for, in one line. */
  readonly summary: string;
  /** Parameters behind the options, as the usage names them: `CALL`, `[SECONDS]`. */
  readonly parameters: readonly string[];
  /** Options that the script reads. */
  readonly options: readonly ToolOption[];
  /** Example of the output, from the head of the script. */
  readonly example: string;
}

/** Names of all tools, in alphabetical order. */
export const TOOL_NAMES: readonly string[] = NAMES;

/** The tool that a name most likely means; undefined if there is none like it. */
export function nearestTool(name: string): string | undefined {
  return didYouMean(name, TOOL_NAMES);
}

/**
 * Reads a script of the package by its name.
 *
 * @returns undefined if the package has no such script.
 */
export async function packagedTool(name: string): Promise<Tool | undefined> {
  if (!TOOL_NAMES.includes(name)) return undefined;
  const url = new URL(`../scripts/${name}.bt`, import.meta.url);
  const text = url.protocol === "file:"
    ? Deno.readTextFileSync(url)
    : await (await fetch(url)).text();
  const head = /^#!.*\n\/\/ \w+: (.*)\n((?:\/\/.*\n)*)/.exec(text);
  const rest = (head?.[2] ?? "").replace(/^\/\/ ?/gm, "");
  const usage = /^USAGE: btrace \w+(.*)$/m.exec(rest)?.[1] ?? "";
  const example = rest.slice(rest.indexOf(usage) + usage.length).trim();
  return {
    name,
    source: { name: `${name}.bt`, text },
    summary: head?.[1] ?? "",
    parameters: usage.split(/\s+/).filter((word) => word !== "" && word !== "[OPTIONS]"),
    options: optionsOf(text, name),
    example,
  };
}

/** The options that a script asks for with getopt(), in the order of the script. */
function optionsOf(text: string, name: string): ToolOption[] {
  const found = new Map<string, ToolOption>();
  mapProgram(parse(new Source(`${name}.bt`, text)), (expr) => {
    visitExpr(expr, (one) => {
      if (one.kind !== "call" || one.name !== "getopt") return;
      const option = optionOf(one.args);
      if (option !== undefined && (!found.has(option.name) || option.description !== "")) {
        found.set(option.name, option);
      }
    });
    return expr;
  });
  return [...found.values()];
}

function optionOf([name, fallback, description]: readonly Expr[]): ToolOption | undefined {
  if (name?.kind !== "string") return undefined;
  const text = description?.kind === "string" ? description.value : "";
  const [, letter, rest] = /^(?:-(\w) )?([^]*)$/.exec(text)!;
  const common = { name: name.value, letter, description: rest };
  switch (fallback?.kind) {
    case "string":
      return { ...common, takes: "text", fallback: fallback.value };
    case "integer":
      return { ...common, takes: "number", fallback: String(fallback.value) };
    default:
      return { ...common, takes: "nothing", fallback: "" };
  }
}

/** Options that every tool has, which are btrace's own; of each the letter and what follows. */
const COMMON: readonly (readonly [name: string, letter: string, takes: string, what: string])[] = [
  ["pid", "p", "PID", "only of this process and of what it starts"],
  ["cmd", "c", "'CMD'", "run CMD; only of it and of what it starts"],
  ["container", "", "NAME", "only of a container, by name or id"],
  ["unit", "", "NAME", "only of a unit of systemd"],
  ["cgroup", "", "PATH", "only of a cgroup, and of those below it"],
  ["duration", "d", "SECONDS", "end after so many seconds"],
  ["output", "o", "FILE", "output goes to FILE"],
  ["format", "f", "FORMAT", "text or json"],
  ["json", "", "", "-f json, and errors are objects, too"],
  ["export", "", "TARGET", "maps as metrics: see btrace --help"],
  ["verbose", "v", "", "say more: plane, counters"],
  ["help", "h", "", "show this help"],
];

/** Letters that options of scripts cannot have. */
export const COMMON_LETTERS: readonly string[] = COMMON.map(([, letter]) => letter);

/** The help text of a tool. */
export function toolHelp({ name, summary, options, parameters, example }: Tool): string {
  const line = (letter: string | undefined, long: string, takes: string, what: string) => {
    const left = `    ${letter ? `-${letter},` : "   "} --${long}${
      takes === "" ? "" : ` ${takes}`
    }`;
    return `${left.padEnd(26)} ${what}\n`;
  };
  const own = options.map(({ letter, name, takes, description, fallback }) => {
    const value = takes === "nothing" ? "" : takes === "number" ? "N" : "TEXT";
    const shown = fallback === "" || fallback === "0" ? "" : ` [${fallback}]`;
    return line(letter, name, value, `${description}${shown}`);
  });
  return `${wrap(`${name}: ${summary}`)}

USAGE:
    btrace ${[name, "[OPTIONS]", ...parameters].join(" ")}

OPTIONS:
${own.join("")}${
    COMMON.map(([long, letter, takes, what]) => line(letter, long, takes, what)).join("")
  }
PRINTS:
${example.split("\n").map((one) => `    ${one}`).join("\n").trimEnd()}
`;
}

/** Breaks a sentence into lines of 80 columns at most. */
function wrap(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1)!;
    if (last.length + 1 + word.length > 80) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.join("\n");
}

/**
 * Reads the command line of a tool, its name first.
 *
 * @returns The options of btrace with which the tool runs; the help text where that is asked for.
 * @throws {UsageError} An option is unknown or has a wrong value; a parameter is missing or too many.
 */
export function toolOptions(tool: Tool, args: readonly string[]): Options | string {
  const ofCommon = COMMON.filter(([, , takes]) => takes !== "").map(([name]) => name);
  const ofTool = tool.options.filter(({ takes }) => takes !== "nothing").map(({ name }) => name);
  const letters = [
    ...COMMON.map(([name, letter]) => [name, letter]),
    ...tool.options.map(({ name, letter }) => [name, letter]),
  ].filter(([, letter]) => letter);
  const { text, flag, command } = readOptions(args, {
    string: [...ofCommon, ...ofTool],
    boolean: [...COMMON.map(([name]) => name), ...tool.options.map(({ name }) => name)]
      .filter((name) => !ofCommon.includes(name) && !ofTool.includes(name)),
    alias: Object.fromEntries(letters),
    others: "operands",
  });
  if (flag("help")) return toolHelp(tool);
  const needed = tool.parameters.filter((word) => !word.startsWith("[")).length;
  if (command.length < needed) {
    throw new UsageError(`${tool.name} wants ${tool.parameters[command.length]}`, true);
  }
  if (command.length > tool.parameters.length && !tool.parameters.at(-1)?.endsWith("…")) {
    throw new UsageError(`${tool.name} takes no ${command[tool.parameters.length]}`, true);
  }
  const common = COMMON.flatMap(([name, , takes]) => {
    if (takes === "") return flag(name) ? [`--${name}`] : [];
    const value = text(name);
    return value === undefined ? [] : [`--${name}=${value}`];
  });
  const named = tool.options.flatMap(({ name, takes }) => {
    if (takes === "nothing") return flag(name) ? [`--${name}`] : [];
    const value = text(name);
    if (value === undefined) return [];
    if (takes === "number" && !/^-?\d+$/.test(value)) {
      throw new UsageError(`--${name} wants a number: ${value}`);
    }
    return [`--${name}=${value}`];
  });
  const options = parseOptions([...common, "--", ...named]);
  return { ...options, positional: [tool.name, ...command], source: tool.source };
}

/** A line for each tool whose name or purpose has the text. */
export async function toolList(text: string): Promise<string> {
  let lines = "";
  for (const name of TOOL_NAMES) {
    const tool = await packagedTool(name);
    const line = `${name.padEnd(16)} ${tool?.summary}\n`;
    if (line.toLowerCase().includes(text.toLowerCase())) lines += line;
  }
  return lines;
}

#!/usr/bin/env -S deno run -A
/**
 * dt: all tools by one name. `dt --help` lists them.
 * @module
 */

import "./cli/at_start.ts";
import denoJson from "../deno.json" with { type: "json" };
import { UsageError } from "./cli/command_line.ts";
import { reportError, write } from "./cli/terminal.ts";

/** A tool: what it is, and the module with its main() and its help text. */
export interface Tool {
  /** What the tool does, in a few words. */
  readonly summary: string;
  /** Loads the module that runs the tool. */
  main(): Promise<{ main(args: readonly string[]): Promise<number> }>;
  /** Loads the module with the help text. */
  usage(): Promise<{ readonly USAGE: string }>;
}

/** All tools by their names. */
export const TOOLS: Readonly<Record<string, Tool>> = {
  btrace: {
    summary: "trace by scripts of bpftrace's language",
    main: () => import("./btrace.ts"),
    usage: () => import("./btrace/options.ts"),
  },
  ktrace: {
    summary: "record system calls, data, signals and more of programs",
    main: () => import("./ktrace.ts"),
    usage: () => import("./ktrace/options.ts"),
  },
  kdump: {
    summary: "show what ktrace has recorded",
    main: () => import("./kdump.ts"),
    usage: () => import("./kdump/options.ts"),
  },
  kmonitor: {
    summary: "tell of processes as they are born, execute and end",
    main: () => import("./kmonitor.ts"),
    usage: () => import("./kmonitor/options.ts"),
  },
  profile: {
    summary: "sample stacks and draw flame graphs",
    main: () => import("./profile.ts"),
    usage: () => import("./profile/options.ts"),
  },
  fleet: {
    summary: "run one script on many hosts, with one exact result",
    main: () => import("./fleet.ts"),
    usage: () => import("./fleet/options.ts"),
  },
  systrace: {
    summary: "show system calls as strace does",
    main: () => import("./systrace.ts"),
    usage: () => import("./systrace/options.ts"),
  },
};

const USAGE = `USAGE:
    dt TOOL [options and arguments of the tool]

Dynamic tracing for Linux. The tools:
${
  Object.entries(TOOLS).map(([name, { summary }]) => `    ${name.padEnd(10)} ${summary}\n`).join("")
}
and the scripts that \`dt btrace --tools\` lists, as \`dt opensnoop\`. Each tool has --help.

OPTIONS:
    --completions SHELL  print completions of all tools for bash, zsh or fish
    --man DIR            write manual pages of all tools into a folder
    -h, --help           show this help
    -V, --version        show the version
`;

/**
 * Runs the tool that the first word names.
 *
 * @param args Command line arguments.
 * @returns Exit status.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await dispatch(args);
  } catch (error) {
    return reportError(error, "dt");
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [name = "--help", ...rest] = args;
  switch (name) {
    case "-h":
    case "--help":
      return write(Deno.stdout, USAGE);
    case "-V":
    case "--version":
      return write(Deno.stdout, `dt v${denoJson.version}\n`);
    case "--completions":
      return await printCompletions(rest[0] ?? "");
    case "--man":
      return await writeManPages(rest[0] ?? ".");
  }
  if (Object.hasOwn(TOOLS, name)) return await (await TOOLS[name].main()).main(rest);
  const { TOOL_NAMES } = await import("./btrace/packaged.ts");
  if (TOOL_NAMES.includes(name)) return await (await TOOLS.btrace.main()).main(args);
  const { didYouMean } = await import("../language/syntax/diagnostics.ts");
  const near = didYouMean(name, [...Object.keys(TOOLS), ...TOOL_NAMES]);
  const hint = near === undefined ? "" : `: did you mean ${near}?`;
  throw new UsageError(`no tool ${name}${hint}`, near === undefined);
}

async function printCompletions(shell: string): Promise<number> {
  const [{ completions }, { parseHelp }, { TOOL_NAMES }] = await Promise.all([
    import("./cli/completions.ts"),
    import("./cli/help.ts"),
    import("./btrace/packaged.ts"),
  ]);
  const tools = await Promise.all(
    Object.entries(TOOLS).map(async ([name, tool]) => ({
      help: parseHelp((await tool.usage()).USAGE),
      ...(name === "btrace" && { words: TOOL_NAMES, listsProbes: true }),
    })),
  );
  const own = { help: parseHelp(USAGE), words: [...Object.keys(TOOLS), ...TOOL_NAMES] };
  return write(Deno.stdout, completions(shell, [own, ...tools]));
}

async function writeManPages(folder: string): Promise<number> {
  const [{ manPage }, { parseHelp }, { replaceFile }] = await Promise.all([
    import("./cli/man.ts"),
    import("./cli/help.ts"),
    import("../core/sys/output_file.ts"),
  ]);
  const { version } = denoJson;
  Deno.mkdirSync(folder, { recursive: true });
  const put = (name: string, page: string) =>
    replaceFile(`${folder}/${name}.1`, new TextEncoder().encode(page), 0o644);
  put("dt", manPage(parseHelp(USAGE), "dynamic tracing for Linux", version));
  for (const [name, { summary, usage }] of Object.entries(TOOLS)) {
    put(name, manPage(parseHelp((await usage()).USAGE), summary, version));
  }
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));

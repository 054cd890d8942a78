// -l: lists probes and their arguments. Modules that few listings need are loaded on demand.

import type { Device } from "../../core/device/device.ts";
import type { Options } from "./options.ts";
import type { programs } from "../../language/programs.ts";
import { symbols } from "../../language/lazy_parts.ts";
import { globMatcher, isPattern } from "../../core/contract/probe_name.ts";
import { nameParts, ProbeNameError } from "../../language/check/probe_names.ts";

/**
 * Lists probes as text, one name a line; with -v their arguments follow, indented.
 *
 * @param program Text of a script whose probes are listed instead of those of a pattern.
 */
export async function list(
  device: Device,
  options: Options,
  program: string | undefined,
): Promise<string> {
  // Only debug information knows the arguments of a program's functions.
  const wanted = program ?? options.positional[0] ?? "";
  const debugInfo = options.verbose && /\bu(ret)?probe:|\bur?:|@[^\s:]+:\d/.test(wanted)
    ? (await import("../../language/programs.ts")).programs()
    : undefined;
  const searched = await searcher(options);
  if (program !== undefined) {
    const [{ parse }, { Source }] = await Promise.all([
      import("../../language/syntax/parser.ts"),
      import("../../language/syntax/diagnostics.ts"),
    ]);
    const { clauses } = parse(new Source("stdin", program));
    const points = clauses.flatMap(({ attachPoints }) => attachPoints.map(({ text }) => text));
    return points.flatMap(searched)
      .map((name) => probes(device, family(device, name), options, debugInfo)).join("");
  }
  const pattern = options.positional[0] ?? "*";
  if (/^(struct|union|enum)\s/.test(pattern)) {
    const { structures } = await import("./list_structure.ts");
    return pattern.split(",").map((name) => structures(name.trim(), options.verbose)).join("");
  }
  const searches = pattern.split(",").map((text) => text.trim()).filter((text) => text !== "");
  return searches.map((part) => {
    // A pattern without a colon matches probes of any provider.
    const names = part.includes(":") ? searched(part) : [part === "*" ? "*" : `*:*${part}*`];
    return names.map((name) => probes(device, name, options, debugInfo)).join("");
  }).join("");
}

/** What finds the names that a search means: with -p or -c, those of the files of that process. */
async function searcher(options: Options): Promise<(text: string) => string[]> {
  if (options.pid === undefined && options.command === undefined) {
    return (text) => [parts(text).join(":")];
  }
  const [{ targetFiles }, { inTarget }] = await Promise.all([
    import("./trace_script.ts"),
    import("../../language/check/expand.ts"),
    symbols.load(),
  ]);
  return (text) => inTarget(parts(text), targetFiles(options));
}

/** Names of probes that no provider has, because scripts fire them, by the types of the probes. */
const OWN_PROBES: Readonly<Record<string, string>> = {
  self: "self:signal:SIGUSR1",
  test: "test::",
  bench: "benchmark::",
};

/** Names of a script's own probes that a pattern with one of their types matches. */
function ownProbes(pattern: string): string[] {
  const [type] = pattern.split(":");
  const name = OWN_PROBES[type];
  if (name === undefined) return [];
  const rest = (text: string) => text.slice(text.indexOf(":") + 1);
  return globMatcher(rest(pattern))(rest(name)) ? [name] : [];
}

/** The name that a listing has for a probe of an endless family: "interval:ms:" for "interval:ms:1". */
function family(device: Device, name: string): string {
  const prefix = name.slice(0, name.lastIndexOf(":") + 1);
  if (isPattern(name) || !/^[^:]+:[^:]+:$/.test(prefix)) return name;
  for (const _ of device.probes(prefix)) return prefix;
  return name;
}

/** The name or pattern that a search means; a search for half a name finds nothing. */
function parts(text: string): string[] {
  try {
    return nameParts(text);
  } catch (error) {
    if (!(error instanceof ProbeNameError)) throw error;
    return [text];
  }
}

function probes(
  device: Device,
  pattern: string,
  { verbose, probeFilter }: Options,
  debugInfo: ReturnType<typeof programs> | undefined,
): string {
  let text = "";
  for (const name of ownProbes(pattern)) text += `${name}\n`;
  // An exact name may match a probe that no listing shows: a rawtracepoint without its module.
  const isListed = pattern.includes("*") || pattern.endsWith(":");
  const found = [...isListed ? device.probes(pattern) : device.match(pattern)]
    .sort((a, b) => a.name < b.name ? -1 : 1);
  for (const spec of found) {
    const { name } = spec;
    if (probeFilter !== undefined && !probeFilter.test(name)) continue;
    text += `${name}\n`;
    if (!verbose) continue;
    const { code } = spec;
    const own = code && code.functionAddress !== 0
      ? debugInfo?.(code.path)?.functionAt(code.functionAddress, code.within)
      : undefined;
    if (own !== undefined) {
      const values = name.startsWith("uprobe:") ? own.parameters : [own.result];
      for (const one of values) if (one !== undefined) text += `    ${one.text} ${one.name}\n`;
      continue;
    }
    // Registers alone say nothing of a program's function.
    if (code !== undefined) continue;
    // Getters compute these on first use, so they are read only with -v.
    const { args, retval } = spec;
    for (const arg of args) {
      const count = arg.count === undefined ? "" : `[${arg.count}]`;
      const array = /^(.*?)\s*(\[\d*\])$/.exec(arg.type);
      text += array === null || /^__(data|rel)_loc/.test(arg.type)
        ? `    ${arg.type} ${arg.name}${count}\n`
        : `    ${array[1]} ${arg.name}${array[2]}\n`;
    }
    if (retval !== undefined && !args.some((arg) => arg.at === "retval")) {
      text += `    ${retval} retval\n`;
    }
  }
  return text;
}

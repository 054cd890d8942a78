// Pure: no I/O, no FFI.
// The reference as text for a terminal and as a page of docs/.

import {
  AGGREGATION_ENTRIES,
  BUILTIN_ENTRIES,
  type Entry,
  FUNCTION_ENTRIES,
  PROBE_ENTRIES,
} from "./entries.ts";
import { OUTPUTS } from "./generated/outputs.ts";

/** The parts of the reference, in the order of the page. */
export const SECTIONS: readonly {
  /** Heading of the part. */
  readonly title: string;
  /** Entries of the part by name. */
  readonly entries: Readonly<Record<string, Entry>>;
}[] = [
  { title: "Probes", entries: PROBE_ENTRIES },
  { title: "Builtin values", entries: BUILTIN_ENTRIES },
  { title: "Functions", entries: FUNCTION_ENTRIES },
  { title: "Aggregations", entries: AGGREGATION_ENTRIES },
];

/** Key of an entry among the outputs. */
export function keyOf(title: string, name: string): string {
  return `${title}/${name}`;
}

/** The command line of an entry's example; undefined without one. */
export function commandLine({ example, command, unsafe }: Entry): string | undefined {
  if (example === undefined) return undefined;
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  return [
    "btrace -q",
    ...(unsafe ? ["--unsafe"] : []),
    ...(command === undefined ? [] : [`-c ${quote(command)}`]),
    `-e ${quote(example)}`,
  ].join(" ");
}

/** Where a name can be used: probes, planes, kernels. */
function where({ probes = "all", only, needs = "Linux 5.15" }: Entry, title: string): string {
  const plane = only === undefined ? "both planes" : `the ${only} plane`;
  if (title === "Probes") return `${plane}; ${needs}`;
  return `${probes === "all" ? "all probes" : probes}; ${plane}; ${needs}`;
}

/** What `btrace --help NAME` prints; undefined if nothing has the name. */
export function helpText(name: string): string | undefined {
  const found = SECTIONS.flatMap(({ title, entries }) =>
    Object.hasOwn(entries, name) ? [textOf(title, name, entries[name])] : []
  );
  return found.length === 0 ? undefined : found.join("\n");
}

function textOf(title: string, name: string, entry: Entry): string {
  const line = commandLine(entry);
  const output = OUTPUTS[keyOf(title, name)];
  const example = line === undefined ? "" : `\n    $ ${line}\n${indented(output ?? "")}`;
  return `${entry.is}\n    ${entry.text}\n    Where: ${where(entry, title)}\n${example}`;
}

function indented(text: string): string {
  return text.trim().split("\n").map((line) => `    ${line}`.trimEnd()).join("\n") + "\n";
}

/** Names of all entries, for those who misspell one. */
export function entryNames(): string[] {
  return SECTIONS.flatMap(({ entries }) => Object.keys(entries));
}

/** Text of the page docs/language.md, not formatted yet. */
export function languagePage(): string {
  const parts = SECTIONS.map(({ title, entries }) => {
    const list = Object.entries(entries).map(([name, entry]) => {
      const line = commandLine(entry);
      const output = (OUTPUTS[keyOf(title, name)] ?? "").trim();
      const example = line === undefined
        ? ""
        : `\n\`\`\`text\n$ ${line}\n${output}\n\`\`\`\n`.replace(/\n\n```\n$/, "\n```\n");
      return `### ${name}\n\n\`${entry.is}\`\n\n${entry.text}\n\n_${
        where(entry, title)
      }_\n${example}`;
    });
    return `## ${title}\n\n${list.join("\n")}`;
  });
  return `# The language

The language is bpftrace's: a script is a list of probes with a predicate and a body,
\`PROBE /PREDICATE/ { BODY }\`. This page has each kind of probe, value, function and aggregation with an
example and what it prints. It is made by \`deno task reference\`; \`btrace --help NAME\` shows an entry.

${parts.join("\n")}`;
}

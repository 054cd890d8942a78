// Includes headers one by one and compares what we make of each with gcc.

import { readIfThere } from "../../core/sys/input_file.ts";
import { type Definitions, parseDefinitions } from "../../language/ctypes/definitions.ts";
import { HeaderFiles } from "../../language/ctypes/header_files.ts";
import { CStruct } from "../../language/ctypes/c_type.ts";
import { accepts, assembly, layoutQuestions, preprocessed, type Question } from "./gcc_oracle.ts";

const NOTHING = { type: () => undefined, constant: () => undefined };

/** Names of the headers that a Debian package has installed, as #include spells them. */
export function headersOfPackage(name: string): string[] {
  const list = Deno.readTextFileSync(`/var/lib/dpkg/info/${name}.list`).split("\n");
  return list.flatMap((path) => {
    const match = /^\/usr\/include\/(?:x86_64-linux-gnu\/)?(.*\.h)$/.exec(path);
    return match === null ? [] : [match[1]];
  }).sort();
}

/** A number in gcc's assembly. */
const ANSWER = /^dt_q(\d+):\n\t\.(quad|zero)\t(-?\d+)$/gm;

/** What the comparison found. */
export interface Comparison {
  readonly differences: string[];
  readonly compared: number;
  readonly questions: number;
}

/** Options of a comparison. */
export interface CompareOptions {
  /** Flags for gcc. */
  readonly flags?: readonly string[];
  readonly files?: HeaderFiles;
  /** Text before the #include, for both. */
  readonly before?: string;
}

/** Compares headers, several at a time. */
export async function compareHeaders(
  headers: readonly string[],
  options: CompareOptions = {},
): Promise<Comparison> {
  const differences: string[] = [];
  let compared = 0;
  let questions = 0;
  const pending = [...headers];
  const worker = async () => {
    for (let one = pending.shift(); one !== undefined; one = pending.shift()) {
      const result = await compareHeader(one, options);
      if (result === undefined) continue;
      compared++;
      questions += result.questions;
      differences.push(...result.differences.map((text) => `${one}: ${text}`));
    }
  };
  await Promise.all([worker(), worker()]);
  return { differences, compared, questions };
}

const files = new HeaderFiles({
  read: (path) => readIfThere(path, 16 << 20),
  script: ".",
  given: [],
  kernelRelease: "none",
  architecture: "x86_64",
});

/** Undefined if gcc itself refuses the header alone. */
async function compareHeader(
  header: string,
  { flags = [], files: headers = files, before = "" }: CompareOptions,
): Promise<{ differences: string[]; questions: number } | undefined> {
  const text = `${before}#include <${header}>\n`;
  if (!await accepts(text, flags)) return undefined;
  let definitions: Definitions;
  try {
    definitions = parseDefinitions({
      includes: [],
      texts: [{ text, span: { start: 0, end: text.length } }],
      headers,
      below: NOTHING,
      architecture: "x86_64",
    });
  } catch (error) {
    return { differences: [`${(error as Error).message}`], questions: 0 };
  }
  const { problems } = definitions.declarations;
  const differences = [...problems].map(([name, { message }]) => `${name}: ${message}`);
  differences.push(...await missingNames(definitions, text, flags));
  const list = questionsOf(definitions);
  // Constants that gcc does not find constant, and names that gcc does not have, are dropped by name.
  const lines = list.map(({ expression }, i) =>
    `unsigned long dt_q${i} = (unsigned long)(${expression});`
  );
  const main = (dropped: ReadonlySet<number>) =>
    `${text}#line 1 "dt_q"\n${lines.map((one, i) => dropped.has(i) ? "" : one).join("\n")}\n`;
  const dropped = new Set<number>();
  for (let round = 0; round < 40; round++) {
    const { output, errors } = await assembly(main(dropped), flags);
    if (output !== undefined) {
      let answers = 0;
      for (const [, i, word, number] of output.matchAll(ANSWER)) {
        answers++;
        const { expression, ours } = list[Number(i)];
        const own = BigInt.asUintN(64, ours);
        const theirs = word === "zero" ? 0n : BigInt.asUintN(64, BigInt(number));
        if (own !== theirs) differences.push(`${expression} is ${own}, gcc: ${theirs}`);
      }
      const asked = list.length - dropped.size;
      if (answers !== asked) differences.push(`${answers} answers to ${asked} questions`);
      return { differences, questions: answers };
    }
    const before = dropped.size;
    for (const [, i] of errors.matchAll(/^dt_q:(\d+):\d+: error/gm)) {
      const question = list[Number(i) - 1];
      if (question.macro === undefined) {
        differences.push(`gcc refuses ${question.expression}`);
      }
      dropped.add(Number(i) - 1);
    }
    if (dropped.size === before) {
      return { differences: [...differences, `gcc: ${errors.slice(0, 300)}`], questions: 0 };
    }
  }
  return { differences: [...differences, "gcc refuses the questions"], questions: 0 };
}

/** Macros and structures that gcc finds in a header and we do not. */
async function missingNames(
  definitions: Definitions,
  text: string,
  flags: readonly string[],
): Promise<string[]> {
  const [macros, plain] = await Promise.all([
    preprocessed(text, [...flags, "-dM"]),
    preprocessed(text, [...flags, "-P"]),
  ]);
  const names = new Set(definitions.macroNames());
  const { types } = definitions.declarations;
  const missing: string[] = [];
  for (const [, name] of macros.matchAll(/^#define (\w+)(?!\()\b/gm)) {
    // Names of the compiler's own differ between compilers.
    if (!/^_/.test(name) && !names.has(name)) missing.push(`no macro ${name}`);
  }
  for (const [, word, name] of plain.matchAll(/\b(struct|union|enum)\s+(\w+)\s*\{/g)) {
    if (!types.has(`${word} ${name}`)) missing.push(`no ${word} ${name}`);
  }
  return missing;
}

function questionsOf(definitions: Definitions): Question[] {
  const list: Question[] = [];
  const { types, enumerators } = definitions.declarations;
  for (const [name, type] of types) {
    if (type instanceof CStruct && !type.defined) continue;
    if (!type.complete || type.kind === "function" || type.kind === "void") continue;
    list.push(...layoutQuestions(name, type));
  }
  for (const name of enumerators.names()) {
    // A macro of the same name hides the enumerator.
    if (definitions.macroNames().includes(name)) continue;
    list.push({ expression: name, ours: enumerators.get(name)!.value });
  }
  for (const name of definitions.macroNames()) {
    // Names of the compiler's own differ between compilers.
    if (/^(__|BPFTRACE_)/.test(name)) continue;
    const ours = definitions.macroValue(name);
    if (ours !== undefined) list.push({ expression: name, ours, macro: name });
  }
  return list;
}

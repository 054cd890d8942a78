// What is asked of both tracers, and what they answer.

/** One command line. */
export interface Case {
  /** The part of the language that the case is about: the name of a file of `areas/`. */
  readonly area: string;
  /** Arguments of the tracer. */
  readonly args: readonly string[];
  /** Environment beside the usual one. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; default: none. */
  readonly stdin?: string;
}

/** What a tracer says to a case. */
export interface Answer {
  /** Exit status. */
  readonly code: number;
  /** All of stdout. */
  readonly stdout: string;
  /** The first error and its hint, without place of source text below. */
  readonly error: readonly string[];
  /** Warnings, their hints and the count of probes, sorted. */
  readonly notices: readonly string[];
  /** Entries of maps come in another order in each run: the order specifies nothing. */
  readonly unordered?: boolean;
}

/** Parts of an answer, in the order in which a difference is told. */
export const ASPECTS = ["error", "status", "stdout", "notices"] as const;
/** A part of an answer. */
export type Aspect = typeof ASPECTS[number];

/** The name of a case: the area and a hash of all that is asked, so that an answer cannot be another case's. */
export function nameOf({ area, args, env, stdin }: Case): string {
  const text = JSON.stringify([args, env ?? {}, stdin ?? ""]);
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return `${area}/${hash.toString(16).padStart(16, "0").slice(0, 10)}`;
}

/** The case on a line: its command line. */
export function lineOf({ args, env, stdin }: Case): string {
  const words = [
    ...Object.entries(env ?? {}).map(([key, value]) => `${key}=${value}`),
    ...args.map((arg) => /^[\w./:=-]+$/.test(arg) ? arg : `'${arg}'`),
    ...(stdin === undefined ? [] : [`<<< '${stdin}'`]),
  ];
  return words.join(" ").replaceAll("\n", "\\n");
}

/** What every oracle says on every machine without the right to raise a limit; no part of an answer. */
const ENVIRONMENT = /RLIMIT_MEMLOCK|available_filter_functions/;

/** Times that tests and benchmarks have taken. */
const TIMES = /(?<=\()\d+ (ns|μs|ms)(?=\)$)|(?<="(duration|average|iters)": )\d+/gm;

/** Takes an answer out of what a tracer printed. */
export function answerOf(code: number, printed: string, stderr: string): Answer {
  const stdout = printed.replace(TIMES, "N");
  const lines = stderr.split("\n").filter((line) => !ENVIRONMENT.test(line));
  const error: string[] = [];
  const notices: string[] = [];
  let last: string[] = notices;
  for (const line of lines) {
    if (/(^|: )ERROR: /.test(line)) {
      last = error.length === 0 ? error : [];
      last.push(line);
    } else if (/(^|: )WARNING: |^Attached \d/.test(line)) {
      last = notices;
      last.push(line.trimEnd());
    } else if (/^HINT: /.test(line)) last.push(line);
  }
  // Some errors are told in words of their own; lines of source text have a line of ~ below.
  const isMark = (line: string | undefined) => /^\s*~+$/.test(line ?? "");
  const own = lines.find((line, i) =>
    line !== "" && !notices.includes(line.trimEnd()) && !isMark(line) && !isMark(lines[i + 1])
  );
  if (code !== 0 && error.length === 0 && own !== undefined) error.push(own);
  return { code, stdout, error, notices: notices.sort() };
}

/** Text without the order of its lines and of the entries of its maps. */
export function withoutOrder(stdout: string): string {
  return stdout.split(/[\n,{}]/).map((part) => part.trim()).filter((part) => part !== "").sort()
    .join("\n");
}

/** True if two answers differ at most in the order of what is printed. */
export function sameButForOrder(a: Answer, b: Answer): boolean {
  return differences({ ...a, unordered: true }, b).length === 0;
}

/** Lines about the oracle's own library. We tell the place in the script that uses it. */
const IN_LIBRARY = /^stdlib\/\S+: /;
const PLACE = /^\S+: (?=ERROR|WARNING)/;
/** Mistakes in C are told by the compiler of C; we tell the place in the script, too. */
const IN_DEFINITIONS = /^(\S+: ERROR: )?(?=definitions\.h:\d+:\d+: )/;

/**
 * Warnings that are meant not to be the same in any answer: about what a script cannot change, about what
 * is well defined here, and where a macro was used.
 */
const NOT_COMPARED =
  /^stdlib\/.*: Return value discarded\.|: signed operands for '[/%]' can lead to|WARNING: expanded from$|^WARNING: Addrspace is not set$|^WARNING: \d+ map updates? failed: /;

/** Lines to compare: without places in the oracle's library, and ours where it has such a line. */
function comparable(lines: readonly string[], expected: readonly string[]): string[] {
  const inLibrary = new Set(
    expected.filter((line) => IN_LIBRARY.test(line)).map((line) => line.replace(PLACE, "")),
  );
  return lines.filter((line) => !NOT_COMPARED.test(line)).map((line) => {
    if (IN_DEFINITIONS.test(line)) return line.replace(IN_DEFINITIONS, "");
    const text = line.replace(PLACE, "");
    return inLibrary.has(text) ? text : line;
  }).sort();
}

/** Parts in which two answers differ. */
export function differences(expected: Answer, got: Answer): Aspect[] {
  const partOf = (answer: Answer, aspect: Aspect) =>
    aspect === "error"
      // Where the oracle has no hint, ours may have one.
      ? JSON.stringify(
        comparable(
          expected.error.length === 1 ? answer.error.slice(0, 1) : answer.error,
          expected.error,
        ),
      )
      : aspect === "notices"
      ? JSON.stringify(comparable(answer.notices, expected.notices))
      : aspect === "status"
      // What is refused is refused: the oracle ends with 1, 2 or 255.
      ? `${answer.error.length > 0 && answer.code !== 0 ? "refused" : answer.code}`
      : aspect === "stdout" && expected.unordered
      ? withoutOrder(answer.stdout)
      : JSON.stringify(answer[aspect]);
  const found = ASPECTS.filter((aspect) => partOf(expected, aspect) !== partOf(got, aspect));
  // Nothing runs after an error: what else is said before belongs to no language.
  return expected.error.length > 0 && got.error.length > 0
    ? found.filter((aspect) => aspect === "error" || aspect === "status")
    : found;
}

/** What a difference means for a script's owner, worst first. */
export const KINDS = [
  "crashes",
  "refuses what the oracle takes",
  "takes what the oracle refuses",
  "prints otherwise",
  "ends with another status",
  "says the error otherwise",
  "places the error elsewhere",
  "warns otherwise",
] as const;
/** The kind of a difference. */
export type Kind = typeof KINDS[number];

/** The kind of a difference between two answers, of which there is one. */
export function kindOf(expected: Answer, got: Answer): Kind {
  const text = ({ error }: Answer) => error.join("\n").replace(/^[^\s:]+:[\d:-]+: /, "");
  const aspects = differences(expected, got);
  if (/^error: /.test(text(got))) return "crashes";
  if (expected.error.length === 0 && got.error.length > 0) return "refuses what the oracle takes";
  if (expected.error.length > 0 && got.error.length === 0) return "takes what the oracle refuses";
  if (aspects.includes("stdout")) return "prints otherwise";
  if (aspects.includes("status")) return "ends with another status";
  if (aspects.includes("error")) {
    return text(expected) === text(got) ? "places the error elsewhere" : "says the error otherwise";
  }
  return "warns otherwise";
}

// Pure: no I/O, no FFI.
// Errors and warnings with a place in the source, and the work that a script may make. The checker
// collects diagnostics and goes on; a script that takes too much work ends the compiler at once.

import type { ScriptValues } from "./script_value.ts";

/** Half-open range of offsets in the source text. */
export interface Span {
  /** Offset of the first character. */
  readonly start: number;
  /** Offset after the last character. */
  readonly end: number;
}

/** Something to tell the script's author. */
export interface Diagnostic {
  /** An error prevents the script from running; a warning does not. */
  readonly severity: "error" | "warning";
  /** Stable name, e.g. "undefined-variable". */
  readonly code: string;
  /** One sentence that tells the problem. */
  readonly message: string;
  /** Place of the problem in the source. */
  readonly span: Span;
  /** Advice how to mend the script. */
  readonly hint?: string;
}

/** How much of each kind of work a script may make: far more than scripts that do something need. */
const WORK = {
  tokens: [4_000_000, "tokens"],
  macros: [200_000, "expressions out of macros"],
  preprocessing: [4_000_000, "tokens out of macros of C"],
  checks: [4_000_000, "expressions and statements to look at"],
  statements: [300_000, "statements, with functions written out"],
  errors: [100, "errors"],
} as const satisfies Record<string, readonly [limit: number, what: string]>;

/** Kind of work that {@linkcode Budget} counts. */
export type Work = keyof typeof WORK;

/** Ends the compiler: the script takes too much work. */
export class BudgetExhausted extends Error {
  /**
   * Makes the exception.
   *
   * @param work Kind of work that was too much.
   * @param span Place of the script that the compiler was at.
   */
  constructor(readonly work: Work, readonly span: Span) {
    super(exceeded(work));
  }
}

/** Says in a sentence that there is too much of a kind of work. */
export function exceeded(work: Work): string {
  const [limit, what] = WORK[work];
  return `the script is too large: more than ${limit} ${what}`;
}

/** The work that one script may make. All passes of the compiler charge the same budget. */
export class Budget {
  readonly #spent: Partial<Record<Work, number>> = {};
  /** Place of the work that was charged last. */
  place: Span = { start: 0, end: 0 };

  /** Charges some work; false if there has been too much. */
  take(work: Work, amount = 1): boolean {
    const spent = (this.#spent[work] ?? 0) + amount;
    this.#spent[work] = spent;
    return spent <= WORK[work][0];
  }

  /**
   * Charges some work, and ends the compiler where there has been too much.
   *
   * @throws {BudgetExhausted} There has been too much of the work.
   */
  spend(work: Work, span: Span, amount = 1): void {
    this.place = span;
    if (!this.take(work, amount)) throw new BudgetExhausted(work, span);
  }

  /** Begins another walk over the script, which writes out all functions again. */
  startWalk(): void {
    this.#spent.statements = 0;
  }
}

/**
 * A script's text and name. Imported scripts are appended, so that one offset tells
 * file, line and column.
 */
export class Source {
  readonly #files: { name: string; start: number; end: number; lines?: number[] }[];
  #text: string;
  /**
   * The work that the script may make.
   *
   * @internal
   */
  readonly budget: Budget = new Budget();

  readonly #values?: ScriptValues;

  /**
   * Starts with one file.
   *
   * @param name "stdin" for -e and -, else the file's name.
   * @param text The text.
   * @param values Values of the text's places.
   */
  constructor(name: string, text: string, values?: ScriptValues) {
    this.#values = values;
    this.#files = [{ name, start: 0, end: text.length }];
    this.#text = text;
  }

  /** Name of the script. */
  get name(): string {
    return this.#files[0].name;
  }

  /** All text; the last file is parsed from {@linkcode Source.start}. */
  get text(): string {
    return this.#text;
  }

  /**
   * Values that the file which was added last has places for: an import has none.
   *
   * @internal
   */
  get values(): ScriptValues | undefined {
    return this.#files.length === 1 ? this.#values : undefined;
  }

  /** Offset at which the file that was added last begins. */
  get start(): number {
    return this.#files.at(-1)!.start;
  }

  /** Adds an imported file. */
  append(name: string, text: string): this {
    const start = this.#text.length + 1;
    this.#text += `\n${text}`;
    this.#files.push({ name, start, end: this.#text.length });
    return this;
  }

  /** File, line and column, both from 1, of an offset. */
  position(offset: number): { name: string; line: number; column: number; text: string } {
    const file = this.#files.findLast(({ start }) => offset >= start) ?? this.#files[0];
    const lines = file.lines ??= lineStarts(this.#text, file);
    let [line, above] = [0, lines.length];
    while (above - line > 1) {
      const middle = line + above >> 1;
      if (lines[middle] <= offset) line = middle;
      else above = middle;
    }
    const end = line + 1 < lines.length ? lines[line + 1] - 1 : file.end;
    const text = this.#text.slice(lines[line], end);
    return { name: file.name, line: line + 1, column: offset - lines[line] + 1, text };
  }
}

/** Offsets at which the lines of a file begin. */
function lineStarts(text: string, { start, end }: { start: number; end: number }): number[] {
  const starts = [start];
  for (let at = text.indexOf("\n", start); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) {
    starts.push(at + 1);
  }
  return starts;
}

/** Thrown when a script cannot be run; holds all diagnostics. */
export class ScriptError extends Error {
  /** Name of the class. */
  override readonly name = "ScriptError";

  /**
   * Makes the error.
   *
   * @param diagnostics At least one error.
   * @param source Text that the diagnostics refer to.
   */
  constructor(readonly diagnostics: readonly Diagnostic[], readonly source: Source) {
    super(diagnostics.map((one) => formatDiagnostic(one, source)).join(""));
  }
}

/** Longest message in characters: types may have names of any length. */
const MAX_MESSAGE = 2000;
/** Most warnings that are kept. */
const MAX_WARNINGS = 1000;

/** Collects diagnostics; equal diagnostics at the same place are kept once. */
export class Diagnostics {
  /** All diagnostics, in the order in which passes reported them. */
  readonly list: Diagnostic[] = [];
  readonly #known = new Set<string>();
  readonly #budget: Budget;
  #warnings = 0;

  /** @param budget Budget of the script, which bounds the number of errors. */
  constructor(budget: Budget = new Budget()) {
    this.#budget = budget;
  }

  /**
   * Adds an error, which prevents the script from running.
   *
   * @throws {BudgetExhausted} There are too many errors.
   */
  error(code: string, message: string, span: Span, hint?: string): void {
    const added = this.#add({ severity: "error", code, message, span, hint });
    if (added) this.#budget.spend("errors", span);
  }

  /** Adds a warning, which does not prevent the script from running. */
  warning(code: string, message: string, span: Span, hint?: string): void {
    if (this.#warnings < MAX_WARNINGS) {
      const added = this.#add({ severity: "warning", code, message, span, hint });
      if (added) this.#warnings++;
    } else if (this.#warnings++ === MAX_WARNINGS) {
      message = `more than ${MAX_WARNINGS} warnings: the others are not shown`;
      this.#add({ severity: "warning", code, message, span });
    }
  }

  /** True if an error prevents the script from running. */
  get failed(): boolean {
    return this.list.some((one) => one.severity === "error");
  }

  /**
   * Runs a pass. A pass that takes too much work, or nests deeper than this process's stack, ends
   * with an error.
   */
  guard<T>(pass: () => T): T | undefined {
    try {
      return pass();
    } catch (error) {
      if (error instanceof BudgetExhausted) {
        const { message, span } = error;
        this.#add({ severity: "error", code: "budget", message, span });
      } else if (error instanceof RangeError && /call stack/.test(error.message)) {
        const message = "the script is too large: expressions, functions and macros are nested " +
          "too deep";
        this.#add({ severity: "error", code: "budget", message, span: this.#budget.place });
      } else {
        throw error;
      }
      return undefined;
    }
  }

  /** Adds a diagnostic; false if the diagnostic is known. */
  #add(diagnostic: Diagnostic): boolean {
    const { code, span } = diagnostic;
    let { message } = diagnostic;
    if (message.length > MAX_MESSAGE) message = `${message.slice(0, MAX_MESSAGE)} …`;
    const key = `${span.start} ${span.end} ${code} ${message}`;
    if (this.#known.has(key)) return false;
    this.#known.add(key);
    this.list.push({ ...diagnostic, message });
    return true;
  }
}

const TAB = "    ";

/** "stdin:1:12-26", or "stdin:1-3" over several lines. */
export function formatPlace(span: Span, source: Source): string {
  const from = source.position(span.start);
  const to = source.position(Math.max(span.start, span.end));
  return from.line === to.line
    ? `${from.name}:${from.line}:${from.column}-${to.column}`
    : `${from.name}:${from.line}-${to.line}`;
}

/** Longest line of a source that is shown whole, in characters; of others, what is around the span. */
const MAX_LINE = 4000;

/** The source line of a span, underlined. */
export function formatExcerpt(span: Span, source: Source): string {
  let { column, text } = source.position(span.start);
  if (text.length > MAX_LINE) {
    const from = Math.max(0, Math.min(column - 1, text.length) - MAX_LINE / 2);
    text = text.slice(from, from + MAX_LINE);
    column -= from;
  }
  const width = Math.max(1, Math.min(span.end - span.start, text.length - column + 1));
  const before = text.slice(0, column - 1).replaceAll("\t", TAB);
  const marked = text.slice(column - 1, column - 1 + width).replaceAll("\t", TAB);
  return `${text.replaceAll("\t", TAB)}\n${" ".repeat(before.length)}${
    "~".repeat(Math.max(1, marked.length))
  }\n`;
}

/** In place of a span, for what is no matter of one place of the script: the command line, for one. */
export const NOWHERE: Span = { start: -1, end: -1 };

/** The printed form of a diagnostic: place, message, excerpt, hint. Ends in a newline. */
export function formatDiagnostic(one: Diagnostic, source: Source): string {
  const hint = one.hint === undefined ? "" : `HINT: ${one.hint}\n`;
  if (one.span.start < 0) return `${one.severity.toUpperCase()}: ${one.message}\n${hint}`;
  return `${formatPlace(one.span, source)}: ${one.severity.toUpperCase()}: ${one.message}\n` +
    formatExcerpt(one.span, source) + hint;
}

/** Most names of a similar length that a wrong name is compared with. */
const MAX_CANDIDATES = 200;

/**
 * The nearest of `candidates` that is at most two edits away; undefined if none is.
 *
 * @param most Candidates of a similar length that are compared; if there are more, nothing is found.
 */
export function didYouMean(
  name: string,
  candidates: Iterable<string>,
  most = MAX_CANDIDATES,
): string | undefined {
  let best: string | undefined;
  let bestDistance = 3;
  let tried = 0;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    if (tried++ === most) return undefined;
    const distance = editDistance(name, candidate);
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, change));
    }
    row = next;
    if (Math.min(...row) > 2) return 3; // far enough
  }
  return row[b.length];
}

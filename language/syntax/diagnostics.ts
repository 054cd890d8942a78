// Pure: no I/O, no FFI.
// Errors and warnings with a place in the source. The checker collects them and goes on.

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

/**
 * A script's text and name. Imported scripts are appended, so that one offset tells
 * file, line and column.
 */
export class Source {
  readonly #files: { name: string; start: number; end: number }[];
  #text: string;

  /**
   * Starts with one file.
   *
   * @param name "stdin" for -e and -, else the file's name.
   * @param text The text.
   */
  constructor(name: string, text: string) {
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
    const before = this.#text.slice(file.start, offset);
    const lineStart = before.lastIndexOf("\n") + 1;
    const line = before.split("\n").length;
    const text = this.#text.slice(file.start, file.end).split("\n")[line - 1] ?? "";
    return { name: file.name, line, column: offset - file.start - lineStart + 1, text };
  }
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

/** Collects diagnostics; equal diagnostics at the same place are kept once. */
export class Diagnostics {
  /** All diagnostics, in the order in which passes reported them. */
  readonly list: Diagnostic[] = [];

  /** Adds an error, which prevents the script from running. */
  error(code: string, message: string, span: Span, hint?: string): void {
    this.#add({ severity: "error", code, message, span, hint });
  }

  /** Adds a warning, which does not prevent the script from running. */
  warning(code: string, message: string, span: Span, hint?: string): void {
    this.#add({ severity: "warning", code, message, span, hint });
  }

  /** True if an error prevents the script from running. */
  get failed(): boolean {
    return this.list.some((one) => one.severity === "error");
  }

  #add(diagnostic: Diagnostic): void {
    const same = this.list.some((one) =>
      one.code === diagnostic.code && one.message === diagnostic.message &&
      one.span.start === diagnostic.span.start && one.span.end === diagnostic.span.end
    );
    if (!same) this.list.push(diagnostic);
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

/** The source line of a span, underlined. */
export function formatExcerpt(span: Span, source: Source): string {
  const { column, text } = source.position(span.start);
  const width = Math.max(1, Math.min(span.end - span.start, text.length - column + 1));
  const before = text.slice(0, column - 1).replaceAll("\t", TAB);
  const marked = text.slice(column - 1, column - 1 + width).replaceAll("\t", TAB);
  return `${text.replaceAll("\t", TAB)}\n${" ".repeat(before.length)}${
    "~".repeat(Math.max(1, marked.length))
  }\n`;
}

/** The printed form of a diagnostic: place, message, excerpt, hint. Ends in a newline. */
export function formatDiagnostic(one: Diagnostic, source: Source): string {
  const hint = one.hint === undefined ? "" : `HINT: ${one.hint}\n`;
  return `${formatPlace(one.span, source)}: ${one.severity.toUpperCase()}: ${one.message}\n` +
    formatExcerpt(one.span, source) + hint;
}

/** The nearest of `candidates` that is at most two edits away; undefined if none is. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = 3;
  for (const candidate of candidates) {
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
  }
  return row[b.length];
}

// Output of the tools, and their messages about errors.

import { VerifierError } from "../../core/bpf/verifier_log.ts";
import { errorCode } from "../../core/errors.ts";
import { safeJson, safeLines } from "../../core/safe_text.ts";
import { ScriptError } from "../../language/syntax/diagnostics.ts";
import { UsageError } from "./command_line.ts";

/** A file, a pipe or a terminal that takes bytes. */
export interface SyncWriter {
  /** Writes some of the bytes, and returns how many. */
  writeSync(bytes: Uint8Array): number;
}

/** Writes all the bytes, in as many calls as needed. A closed pipe throws `Deno.errors.BrokenPipe`. */
export function writeAll(writer: SyncWriter, bytes: Uint8Array): void {
  try {
    while (bytes.length > 0) bytes = bytes.subarray(writer.writeSync(bytes));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    throw new UsageError(`cannot write output: ${(error as Error).message}`);
  }
}

/** Writes text as UTF-8. Returns 0, the exit status of a tool that has nothing else to do. */
export function write(writer: SyncWriter, text: string): 0 {
  writeAll(writer, new TextEncoder().encode(text));
  return 0;
}

/** A stream that may be a terminal. */
interface Stream {
  isTerminal(): boolean;
}

/** True if text on the stream may have colours: on a terminal, unless NO_COLOR or TERM=dumb say no. */
export function hasColours(stream: Stream): boolean {
  if (!stream.isTerminal()) return false;
  const { NO_COLOR: no, TERM: term } = Deno.env.toObject();
  return (no === undefined || no === "") && term !== "dumb";
}

/** Colours by what they mean. */
const CODES = { error: "1;31", warning: "33", failed: "31", born: "32", gone: "35", kind: "36" };
/** What a piece of text is, which its colour tells. */
export type Meaning = keyof typeof CODES;

/** Gives text the colour of what it means. */
export function coloured(text: string, meaning: Meaning): string {
  return `\x1b[${CODES[meaning]}m${text}\x1b[0m`;
}

/** Writes a message on standard error: what the message quotes cannot make a terminal do anything. */
export function tell(message: string): void {
  const safe = safeLines(message);
  write(Deno.stderr, hasColours(Deno.stderr) ? safe.replace(MARKS, paintMark) : safe);
}

/** What begins messages, behind the place in a script. */
const MARKS = /(?<=^|: )(ERROR|WARNING):/gm;

function paintMark(mark: string): string {
  return coloured(mark, mark.startsWith("ERROR") ? "error" : "warning");
}

/** How an error is told. */
export interface ErrorStyle {
  /** True if the verifier's log and the stack of an internal error are shown, too. */
  readonly verbose?: boolean;
  /** True for one object of JSON in a line instead of text for people. */
  readonly json?: boolean;
}

/**
 * Prints a line about an error, and returns the exit status. An error that this project does not expect is
 * called internal, with its place.
 *
 * @param tool The command line whose --help explains more, named after mistakes in the command line.
 */
export function reportError(error: unknown, tool: string, style: ErrorStyle = {}): number {
  const { verbose = false, json = false } = style;
  if (error instanceof Deno.errors.BrokenPipe) return 128 + 13; // the status after SIGPIPE
  if (json) {
    write(Deno.stderr, `${safeJson(JSON.stringify(errorObject(error, tool)))}\n`);
    return 1;
  }
  if (error instanceof ScriptError) {
    tell(error.message);
  } else if (error instanceof UsageError) {
    tell(`ERROR: ${error.message}${error.usage ? `: see ${tool} --help` : ""}\n`);
  } else if (error instanceof Deno.errors.NotCapable) {
    tell(`ERROR: ${error.message}: run it as deno run -A\n`);
  } else if (errorCode(error) !== undefined && error instanceof Error) {
    // The code tells an error of this project, even of a second copy of its classes.
    tell(`ERROR: ${error.message}\n`);
    if (error instanceof VerifierError && verbose) write(Deno.stderr, error.log);
  } else {
    tell(`ERROR: internal error: ${error}${placeOf(error)}\n`);
    if (verbose && error instanceof Error) tell(`${error.stack}\n`);
  }
  return 1;
}

/** An error for programs: a message, and where the error is in the script. */
function errorObject(error: unknown, tool: string): Record<string, unknown> {
  if (error instanceof ScriptError) {
    const { source } = error;
    return {
      type: "error",
      errors: error.diagnostics.map(({ severity, code, message, span, hint }) => ({
        severity,
        code,
        message,
        ...placeIn(source, span.start),
        ...(hint === undefined ? {} : { hint }),
      })),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = errorCode(error);
  const help = error instanceof UsageError && error.usage ? { help: `${tool} --help` } : {};
  return { type: "error", message, ...(code === undefined ? {} : { code }), ...help };
}

function placeIn(source: ScriptError["source"], offset: number): Record<string, unknown> {
  const { name, line, column } = source.position(offset);
  return { file: name, line, column };
}

/** File and line where an error was made. */
function placeOf(error: unknown): string {
  const place = /(?:file|https?):[^\s)]+/.exec(error instanceof Error ? error.stack ?? "" : "");
  return place === null ? "" : `, at ${place[0]}`;
}

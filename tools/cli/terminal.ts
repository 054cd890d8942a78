// Output of the tools, and their messages about errors.

import { VerifierError } from "../../core/bpf/verifier_log.ts";
import { errorCode } from "../../core/errors.ts";
import { safeLines } from "../../core/safe_text.ts";
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

/** Writes a message on standard error: what the message quotes cannot make a terminal do anything. */
export function tell(message: string): void {
  write(Deno.stderr, safeLines(message));
}

/**
 * Prints a line about an error, and returns the exit status. An error that this project does not expect is
 * called internal, with its place.
 *
 * @param usage The help text, shown after mistakes in the command line.
 * @param verbose True if the verifier's log and the stack of an internal error are shown, too.
 */
export function reportError(error: unknown, usage: string, verbose = false): number {
  if (error instanceof Deno.errors.BrokenPipe) return 128 + 13; // the status after SIGPIPE
  if (error instanceof ScriptError) {
    tell(error.message);
  } else if (error instanceof UsageError) {
    tell(`ERROR: ${error.message}\n${error.usage ? usage : ""}`);
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

/** File and line where an error was made. */
function placeOf(error: unknown): string {
  const place = /(?:file|https?):[^\s)]+/.exec(error instanceof Error ? error.stack ?? "" : "");
  return place === null ? "" : `, at ${place[0]}`;
}

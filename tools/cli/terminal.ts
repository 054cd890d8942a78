// What the command line writes, and what it says when something goes wrong.

import { VerifierError } from "../../core/bpf/verifier_log.ts";
import { errorCode } from "../../core/errors.ts";
import { ScriptError } from "../../language/syntax/diagnostics.ts";
import { UsageError } from "./command_line.ts";

/** A file or a terminal. */
export interface SyncWriter {
  writeSync(bytes: Uint8Array): number;
}

/** Writes all of it. */
export function writeAll(writer: SyncWriter, bytes: Uint8Array): void {
  try {
    while (bytes.length > 0) bytes = bytes.subarray(writer.writeSync(bytes));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    throw new UsageError(`cannot write output: ${(error as Error).message}`);
  }
}

/** Returns 0, the exit status of having nothing else to do. */
export function write(writer: SyncWriter, text: string): 0 {
  writeAll(writer, new TextEncoder().encode(text));
  return 0;
}

/**
 * Says what went wrong, and returns the exit status. What is nobody's mistake but ours is thrown again.
 *
 * @param usage Shown after mistakes in the command line.
 * @param verbose Verifier logs are shown, too.
 */
export function reportError(error: unknown, usage: string, verbose = false): number {
  if (error instanceof Deno.errors.BrokenPipe) return 128 + 13; // as SIGPIPE would
  if (error instanceof ScriptError) {
    write(Deno.stderr, error.message);
  } else if (error instanceof UsageError) {
    write(Deno.stderr, `ERROR: ${error.message}\n${error.usage ? usage : ""}`);
  } else if (error instanceof Deno.errors.NotCapable) {
    write(Deno.stderr, `ERROR: ${error.message}: run it as deno run -A\n`);
  } else if (errorCode(error) !== undefined && error instanceof Error) {
    // Of whichever copy of our classes it is.
    write(Deno.stderr, `ERROR: ${error.message}\n`);
    if (error instanceof VerifierError && verbose) write(Deno.stderr, error.log);
  } else {
    throw error;
  }
  return 1;
}

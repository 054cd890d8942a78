// What users are told beside the trace.

import { write } from "../cli/terminal.ts";

/** A line on standard error. */
export function warn(message: string): void {
  write(Deno.stderr, `ktrace: ${message}\n`);
}

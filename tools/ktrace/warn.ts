// What users are told beside the trace.

import { safeText } from "../../core/safe_text.ts";
import { write } from "../cli/terminal.ts";

/** A line on standard error. */
export function warn(message: string): void {
  write(Deno.stderr, `ktrace: ${safeText(message)}\n`);
}

// Pure: no I/O, no FFI.
// One line out of the verifier's log.

import { DtError } from "../errors.ts";

/** The verifier refused a program. `code` is its errno, usually EACCES or EINVAL. */
export class VerifierError extends DtError {
  /** Everything that the verifier said; may be megabytes. */
  readonly log: string;

  /**
   * Makes the error.
   *
   * @param code Errno name.
   * @param program Name of the program.
   * @param log The verifier's log, not empty.
   */
  constructor(code: string, program: string, log: string) {
    super(code, `Cannot load program ${program}: the verifier says: ${verifierSummary(log)}`, {
      operation: "bpf(BPF_PROG_LOAD)",
    });
    this.log = log;
  }
}

const STATISTICS =
  /^(processed \d+ insns|verification time|stack depth|max_states|peak_states|mark_read)/;

/**
 * The line that says what the verifier objects to: the last one that is neither a statistic nor the
 * listing of an instruction or of a register state; with the instruction that it stands under.
 */
export function verifierSummary(log: string): string {
  const lines = log.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  let at = lines.length - 1;
  while (at > 0 && STATISTICS.test(lines[at])) at--;
  const complaint = lines[at] ?? "no reason";
  for (let i = at - 1; i >= 0; i--) {
    const place = /^(\d+): \([0-9a-f]{2}\) ([^;]*)/.exec(lines[i]);
    if (place) return `${complaint} (at instruction ${place[1]}: ${place[2].trim()})`;
  }
  return complaint;
}

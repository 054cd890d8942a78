// Pure: no I/O, no FFI.
// Makes one line of the verifier's log, which may have megabytes.

import { BPF_FUNC, HELPERS } from "../asm/generated/helpers.ts";
import { DtError } from "../errors.ts";

/**
 * Error for a program that the verifier refused. Its `code` is the errno of the load, usually
 * EACCES or EINVAL.
 */
export class VerifierError extends DtError {
  /** The verifier's whole log; may have megabytes. */
  readonly log: string;

  /**
   * Makes an error from the verifier's log.
   *
   * @param code Errno name of the load.
   * @param program Name of the program.
   * @param log The verifier's log, not empty.
   */
  constructor(code: string, program: string, log: string) {
    super(code, `Cannot load program ${program}: ${refusal(code, log)}`, {
      operation: "bpf(BPF_PROG_LOAD)",
    });
    this.log = log;
  }
}

/** Lines in front of the statistics where the verifier found nothing: functions, instructions. */
const ACCEPTED = /^(func#\d+ @\d+|\d+: )/;

/** Refusals that are about the size of the program alone. */
const TOO_LARGE: readonly (readonly [RegExp, string])[] = [
  [
    /^BPF program is too large\. Processed (\d+) insn/,
    "there are too many ways through the program for the kernel, which follows $1 instructions",
  ],
  [
    /^The sequence of (\d+) jumps is too complex/,
    "there are too many conditions in the program for the kernel, which takes fewer than $1 in a row",
  ],
];

/** Says why the program was refused, in half a sentence. */
function refusal(code: string, log: string): string {
  const summary = verifierSummary(log);
  if (summary === undefined) {
    return `the kernel refused the program after the verifier had accepted it (${code})`;
  }
  for (const [pattern, reason] of TOO_LARGE) {
    const found = pattern.exec(summary);
    if (found !== null) return reason.replace("$1", found[1]);
  }
  return `the verifier says: ${summary}`;
}

/** Lines at the end of a log that only report the verifier's work. */
const STATISTICS =
  /^(processed \d+ insns|verification time|stack depth|max_states|peak_states|mark_read)/;

/**
 * Finds the verifier's objection in its log: the last line that is not a statistic, with the last
 * instruction listed before it.
 *
 * @param log The verifier's log.
 * @returns One line; undefined if the log has no objection.
 */
export function verifierSummary(log: string): string | undefined {
  const lines = log.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  let at = lines.length - 1;
  while (at >= 0 && STATISTICS.test(lines[at])) at--;
  const complaint = lines[at];
  if (complaint === undefined || ACCEPTED.test(complaint)) return undefined;
  for (let i = at - 1; i >= 0; i--) {
    const place = /^(\d+): \([0-9a-f]{2}\) ([^;]*)/.exec(lines[i]);
    if (place) return `${complaint} (at instruction ${place[1]}: ${place[2].trim()})`;
  }
  return complaint;
}

/** Versions with the first of the helper functions that are new in them; ids only ever grow. */
const FIRST_HELPERS: readonly (readonly [version: string, first: number])[] = [
  ["6.2", BPF_FUNC.cgrp_storage_get],
  ["6.1", BPF_FUNC.ktime_get_tai_ns],
  ["6.0", BPF_FUNC.tcp_raw_gen_syncookie_ipv4],
  ["5.19", BPF_FUNC.kptr_xchg],
  ["5.18", BPF_FUNC.get_retval],
  ["5.17", BPF_FUNC.find_vma],
  ["5.16", BPF_FUNC.get_branch_snapshot],
  ["5.15", BPF_FUNC.timer_init],
  ["5.14", BPF_FUNC.sys_bpf],
  ["5.13", BPF_FUNC.for_each_map_elem],
  ["5.12", BPF_FUNC.check_mtu],
  ["5.11", BPF_FUNC.task_storage_get],
  ["5.10", BPF_FUNC.load_hdr_opt],
  ["5.9", BPF_FUNC.skc_to_tcp6_sock],
];

/** First version of Linux with a helper function; undefined for helpers that are older than 5.9. */
export function helperSince(id: number): string | undefined {
  return FIRST_HELPERS.find(([, first]) => id >= first)?.[0];
}

/**
 * Finds the helper function of which the verifier says that the program may not call it.
 *
 * @param log The verifier's log.
 * @returns Its name, and its first version; undefined if the log is about something else, or the
 * helper is older than 5.9.
 */
export function missingHelper(log: string): { name: string; since: string } | undefined {
  const id = Number(
    /(?:invalid|unknown) func \w+#(\d+)|cannot use helper \w+#(\d+)/.exec(log)
      ?.slice(1).find((one) => one !== undefined),
  );
  const since = helperSince(id);
  return since === undefined ? undefined : { name: HELPERS[id] ?? `helper ${id}`, since };
}

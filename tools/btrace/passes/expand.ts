// Pure: no I/O, no FFI.
// Attach points to probes: normal names, wildcards, and what is btrace's own (BEGIN, END).

import type { AttachPoint, Clause, Program } from "../lang/ast.ts";
import type { Diagnostics } from "../lang/diagnostics.ts";
import { didYouMean } from "../lang/builtins.ts";

/** What must be known of a probe to compile for it. */
export interface ProbeInfo {
  /** Full name, as `probe` prints it. */
  readonly name: string;
  /** Number; btrace's own have numbers that no registry reaches. */
  readonly pbn: number;
  /** Arguments in order. */
  readonly args: readonly {
    readonly name: string;
    readonly type: string;
    readonly at: string;
    readonly count?: number;
  }[];
  /** C type of the result, if any. */
  readonly retval?: string;
}

/** Finds probes. */
export interface ProbeLookup {
  /** Names of the providers. */
  readonly providers: readonly string[];
  /**
   * Every probe whose full name matches.
   *
   * @throws An error with `code` EINVAL if the name has a bad value in it.
   */
  match(pattern: string): ProbeInfo[];
}

/** A clause with its probes. */
export interface ExpandedClause {
  /** The clause. */
  readonly clause: Clause;
  /** Each probe once, in the order of the attach points. */
  readonly probes: readonly ProbeInfo[];
}

/** Probes that btrace fires itself, in its own thread. */
export const SPECIAL = ["begin", "end"] as const;

const SPECIAL_PROBES: Readonly<Record<string, ProbeInfo>> = Object.fromEntries(
  SPECIAL.map((name, i) => [name, { name, pbn: 0x7fff_ff00 + i, args: [] }]),
);

/** Finds the probes of every clause. */
export function expand(
  program: Program,
  lookup: ProbeLookup,
  diagnostics: Diagnostics,
): ExpandedClause[] {
  return program.clauses.map((clause) => {
    const probes = new Map<string, ProbeInfo>();
    for (const point of clause.attachPoints) {
      for (const probe of find(point, lookup, diagnostics)) probes.set(probe.name, probe);
    }
    return { clause, probes: [...probes.values()] };
  });
}

/** Short names of probe types. */
const ABBREVIATIONS: Readonly<Record<string, string>> = { i: "interval", t: "tracepoint" };

/** A name as the registry knows it: the provider in full and in lower case. */
export function fullName(text: string): string {
  const [first, ...rest] = text.split(":");
  const provider = first.toLowerCase();
  return [ABBREVIATIONS[provider] ?? provider, ...rest].join(":");
}

function find(point: AttachPoint, lookup: ProbeLookup, diagnostics: Diagnostics): ProbeInfo[] {
  const [first] = point.text.split(":");
  const name = fullName(point.text);
  const [provider, ...rest] = name.split(":");
  const special = SPECIAL_PROBES[provider];
  if (special !== undefined && rest.length === 0) return [special];
  if (!lookup.providers.includes(provider)) {
    const known = [...lookup.providers, "BEGIN", "END"];
    const near = didYouMean(provider, known);
    diagnostics.error(
      "unknown-provider",
      `Invalid probe type: ${first}`,
      point.span,
      near === undefined ? `known probe types: ${known.join(", ")}` : `did you mean "${near}"?`,
    );
    return [];
  }
  let found: ProbeInfo[];
  try {
    found = lookup.match(name);
  } catch (error) {
    if ((error as { code?: string }).code !== "EINVAL") throw error;
    diagnostics.error("invalid-probe", (error as Error).message, point.span);
    return [];
  }
  if (found.length === 0) {
    diagnostics.error(
      "no-match",
      `No matches for ${provider} ${rest.join(":") || "(nothing)"}.`,
      point.span,
      `list probes with -l '${provider}:*'`,
    );
  }
  return found;
}

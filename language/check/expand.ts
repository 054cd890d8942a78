// Pure: no I/O, no FFI.
// Finds the probes of attach points: full names, names with wildcards, and the probes that the tracer
// fires itself (BEGIN, END).

import type { AttachPoint, Clause, Program } from "../syntax/ast.ts";
import type { Diagnostics } from "../syntax/diagnostics.ts";
import { didYouMean } from "../syntax/diagnostics.ts";
import type { Reaction } from "./config.ts";
import { substituteInText } from "./params.ts";
import { checkCount, FILE_TYPES, nameParts, ProbeNameError, typeOf } from "./probe_names.ts";

/** Facts about a probe that the compiler needs. */
export interface ProbeInfo {
  /** Full name, as `probe` prints it. */
  readonly name: string;
  /** Number; btrace's own have numbers that no registry reaches. */
  readonly pbn: number;
  /** Arguments of the probe, in order. */
  readonly args: readonly {
    readonly name: string;
    readonly type: string;
    readonly at: string;
    readonly count?: number;
  }[];
  /** C type of the result, if any. */
  readonly retval?: string;
  /** Further locations that the probe's context has: "usermode", "reg:ip". */
  readonly locations?: readonly string[];
  /** C type of the probe's context, if there is one. */
  readonly context?: string;
  /** Code of a program that the probe fires at. */
  readonly code?: {
    readonly path: string;
    readonly functionAddress: number;
    readonly within: number;
  };
  /** Name of the layout of the context: code that reads arguments is shared within one layout. */
  readonly layout?: string;
  /** Warning for the author of the script, shown when the probe is used. */
  readonly warning?: string;
  /** Harm that the probe may do to the traced process; such a probe needs --unsafe. */
  readonly danger?: string;
  /** True if the tracer fires the probe itself, in its own thread. */
  readonly special?: boolean;
}

/** True if the probe's context has that location. */
export function isReadableAt(probe: ProbeInfo, at: string): boolean {
  return probe.locations?.includes(at) ?? false;
}

/** Finds probes by their names. */
export interface ProbeLookup {
  /** Names of the providers. */
  readonly providers: readonly string[];
  /**
   * Every probe whose full name matches.
   *
   * @throws An error with `code` EINVAL if the name has a bad value in it.
   */
  match(pattern: string): ProbeInfo[];
  /** Names of the probes that match, as -l lists them. */
  names?(pattern: string): Iterable<string>;
  /** True if the probes of that name were left out, as the user wished. */
  isLeftOut?(pattern: string): boolean;
  /** Why there is no probe of that name, if more is known than that. */
  explain(name: string): string | undefined;
}

/** A clause with its probes. */
export interface ExpandedClause {
  /** The clause as it was written. */
  readonly clause: Clause;
  /** Each probe once, in the order of the attach points. */
  readonly probes: readonly ProbeInfo[];
}

/** Settings that decide which probes an attach point means. */
export interface ExpandOptions {
  /** What happens where an attach point matches no probe. */
  readonly missing: Reaction;
  /** Greatest number of probes that a script may have. */
  readonly maxProbes: number;
  /** Positional parameters of the command line: $1 and on. */
  readonly params: readonly string[];
  /** Kinds of probes that only some ways of running know. */
  readonly special: readonly string[];
  /** True if probes may harm the traced process (--unsafe). */
  readonly unsafe: boolean;
  /** Files of the process of -p or -c. */
  readonly target?: TargetFiles;
}

/** Files as the process sees them that is traced. */
export interface TargetFiles {
  /** All programs and libraries that it has mapped: those that a probe without a file means. */
  mapped(): readonly string[];
  /** The path by which we reach the file that a probe of that type names. */
  reach(type: string, file: string): string;
}

/** First number of btrace's own probes. */
const SPECIAL_PBN = 0x7fff_0000;

/** Code of the error of a script without probes. */
export const NOTHING_TO_ATTACH = "no-probes";

/** Finds the probes of every clause; clauses without any are left out. */
export function expand(
  program: Program,
  lookup: ProbeLookup,
  diagnostics: Diagnostics,
  options: ExpandOptions,
): ExpandedClause[] {
  const own = new Map<string, ProbeInfo>();
  const all = new Set<string>();
  const expanded = program.clauses.flatMap((clause): ExpandedClause[] => {
    // A probe that a clause names more than once fires the clause as often.
    const rounds: Map<string, ProbeInfo>[] = [new Map()];
    for (const point of clause.attachPoints) {
      const text = substituteInText(point.text, options.params).replace(/^\w+=(?=\w+(:|$))/, "");
      const parts = partsOf({ ...point, text }, lookup, diagnostics, options);
      if (parts === undefined) continue;
      const found = special(parts, point, own, diagnostics, options) ??
        find({ ...point, text }, parts, lookup, diagnostics, options);
      for (const probe of found) {
        let round = rounds.find((one) => !one.has(probe.name));
        if (round === undefined) rounds.push(round = new Map());
        round.set(probe.name, probe);
        all.add(probe.name);
      }
    }
    return rounds.map((probes) => ({ clause, probes: [...probes.values()] }));
  });
  if (all.size > options.maxProbes) {
    const span = program.clauses[0].span;
    diagnostics.error(
      "max-probes",
      `Can't attach to ${all.size} probes because it exceeds the current limit of ` +
        `${options.maxProbes} probes`,
      span,
      "the limit can be raised by BPFTRACE_MAX_PROBES",
    );
  }
  const iterator = [...all].find((name) => name.startsWith("iter:"));
  if (iterator !== undefined && [...all].some((name) => name !== iterator && !own.has(name))) {
    diagnostics.error(
      "iter-alone",
      `${iterator} must be the only probe: what it goes over ends, other events do not`,
      program.clauses.find(({ attachPoints }) =>
        attachPoints.some(({ text }) => /^it(er)?:/.test(text))
      )?.span ?? program.clauses[0].span,
    );
  }
  const leftOut = (clause: Clause) =>
    clause.attachPoints.some(({ text }) => lookup.isLeftOut?.(nameParts(text).join(":")));
  const kept = expanded.filter(({ clause, probes }) => {
    if (probes.length === 0 && !diagnostics.failed && !leftOut(clause)) {
      tellEmpty(clause, diagnostics, options);
    }
    return probes.length > 0;
  });
  if (kept.length === 0 && !diagnostics.failed) {
    const span = program.clauses[0]?.span ?? { start: 0, end: 0 };
    diagnostics.error(NOTHING_TO_ATTACH, "No probes to attach", span);
  }
  return diagnostics.failed ? expanded : kept;
}

/** Most names of probes of one kind that a wrong name is compared with. */
const MOST_NAMES = 20_000;

/**
 * The name of a probe that is nearly the wanted one: its last part is, or, where no probe has the
 * parts before, one of these.
 */
function nearProbe(wanted: string, lookup: ProbeLookup): string | undefined {
  const parts = wanted.split(":");
  for (let i = parts.length - 1; i > 0; i--) {
    const before = parts.slice(0, i).join(":");
    const behind = "*" + ":*".repeat(parts.length - 1 - i);
    const found = new Set<string>();
    for (const name of lookup.names?.(`${before}:${behind}`) ?? []) {
      found.add(name.split(":")[i]);
      if (found.size > MOST_NAMES) return undefined;
    }
    if (found.size === 0) continue;
    const near = didYouMean(parts[i], found, MOST_NAMES);
    return near && [before, near, ...parts.slice(i + 1)].join(":");
  }
  return undefined;
}

/** Says that no attach point of a clause has a probe. */
function tellEmpty(
  clause: Clause,
  diagnostics: Diagnostics,
  { missing, params }: ExpandOptions,
): void {
  const what = "Probe has no valid attach points.";
  const { span, text } = clause.attachPoints[0];
  if (missing === "warn") {
    diagnostics.warning(
      "no-match",
      `${what} It is being removed which may cause issues with program behavior.`,
      span,
    );
  } else if (missing === "error") {
    const [word] = substituteInText(text, params).split(":");
    diagnostics.error(
      "no-match",
      `${what} If this is expected, set the 'missing_probes' config variable to 'warn'.`,
      span,
      `list probes with -l '${typeOf(word)}:*'`,
    );
  }
}

/** The parts of an attach point; undefined if the type of probe is unknown or does not take the parts. */
function partsOf(
  { text, span }: AttachPoint,
  lookup: ProbeLookup,
  diagnostics: Diagnostics,
  options: ExpandOptions,
): string[] | undefined {
  try {
    const parts = nameParts(text);
    const [type] = parts;
    const own = ["begin", "end", "self", ...options.special];
    if (!own.includes(type) && !lookup.providers.includes(type) && !type.includes("*")) {
      const [first] = text.split(":");
      const known = [...lookup.providers, "BEGIN", "END", ...options.special];
      const near = didYouMean(type, known);
      diagnostics.error(
        "unknown-provider",
        `Invalid probe type: ${first}`,
        span,
        near === undefined ? `known probe types: ${known.join(", ")}` : `did you mean "${near}"?`,
      );
      return undefined;
    }
    checkCount(text, options.target !== undefined && FILE_TYPES.includes(type));
    return parts;
  } catch (error) {
    if (!(error instanceof ProbeNameError)) throw error;
    diagnostics.error("invalid-probe", error.message, span);
    return undefined;
  }
}

/** BEGIN and END, self:signal, and what --test and --bench run; undefined for all other probes. */
function special(
  parts: readonly string[],
  { span }: AttachPoint,
  own: Map<string, ProbeInfo>,
  diagnostics: Diagnostics,
  options: ExpandOptions,
): ProbeInfo[] | undefined {
  const [type] = parts;
  const name = parts.join(":");
  if (type === "self" && name !== "self:signal:SIGUSR1") {
    const message = parts[1] === "signal" && parts.length === 3
      ? `${parts[2]} is not a supported signal`
      : "The only self probe is self:signal:SIGUSR1";
    diagnostics.error("invalid-probe", message, span);
    return [];
  }
  if (!["begin", "end", ...options.special].includes(type)) return undefined;
  if ((type === "test" || type === "bench") && own.has(name)) {
    diagnostics.error("redefinition", `${name}: the name is taken by another probe`, span);
  }
  let probe = own.get(name);
  if (probe === undefined) {
    probe = { name, pbn: SPECIAL_PBN + own.size, args: [], special: true };
    own.set(name, probe);
  }
  return [probe];
}

/** Probes of a name in one of many files; none if the name has no meaning in that file. */
function matchIfThere(name: string, lookup: ProbeLookup): ProbeInfo[] {
  try {
    return lookup.match(name);
  } catch (error) {
    if ((error as { code?: string }).code === "EINVAL") return [];
    throw error;
  }
}

/**
 * Names of probes of files, as the process that is traced sees files: a probe without a file, or in any,
 * is one of those that it has mapped.
 */
export function inTarget(parts: readonly string[], target: TargetFiles | undefined): string[] {
  const [type, file, ...rest] = parts;
  if (target === undefined || !FILE_TYPES.includes(type)) return [parts.join(":")];
  if (file !== "" && file !== "*" && rest.length > 0) {
    return [[type, target.reach(type, file), ...rest].join(":")];
  }
  const what = rest.length > 0 ? rest.join(":") : file;
  return target.mapped().map((path) => `${type}:${path}:${what}`);
}

function find(
  point: AttachPoint,
  parts: readonly string[],
  lookup: ProbeLookup,
  diagnostics: Diagnostics,
  options: ExpandOptions,
): ProbeInfo[] {
  const [provider, ...rest] = parts;
  let found: ProbeInfo[];
  try {
    const names = inTarget(parts, options.target);
    found = names.flatMap((one) =>
      names.length > 1 ? matchIfThere(one, lookup) : lookup.match(one)
    );
  } catch (error) {
    if ((error as { code?: string }).code !== "EINVAL") throw error;
    diagnostics.error("invalid-probe", (error as Error).message, point.span);
    return [];
  }
  for (const { warning, danger } of found) {
    if (warning !== undefined) diagnostics.warning("probe", warning, point.span);
    if (danger !== undefined && !options.unsafe) {
      diagnostics.error("unsafe", danger, point.span, "use --unsafe to allow it");
    }
  }
  if (found.length > 0 || options.missing === "ignore") return found;
  if (inTarget(parts, options.target).some((one) => lookup.isLeftOut?.(one))) return found;
  // A pattern may match nothing, as long as the clause has another probe: see expand().
  if (parts.some((part) => part.includes("*"))) return found;
  const reason = inTarget(parts, options.target).map((one) => lookup.explain(one)).find(Boolean);
  // Whether such probes exist is not known before: the clause is told to have none.
  const isUnknown = provider === "rawtracepoint" && parts.length === 2 ||
    provider === "usdt" && parts.length === 3;
  if (reason === undefined && isUnknown) return found;
  const message = reason ?? `No matches for ${provider} ${rest.join(":") || "(nothing)"}.`;
  if (options.missing === "warn") {
    diagnostics.warning("no-match", `${message} Skipping.`, point.span);
    if (/^k(ret)?probe$/.test(provider)) {
      diagnostics.warning(
        "no-match",
        `${rest.join(":")} is not traceable (either non-existing, inlined, or marked as ` +
          '"notrace"); attaching to it will likely fail',
        point.span,
      );
    }
  } else {
    const near = nearProbe(inTarget(parts, options.target)[0], lookup);
    diagnostics.error(
      "no-match",
      message,
      point.span,
      near === undefined ? `list probes with -l '${provider}:*'` : `did you mean '${near}'?`,
    );
  }
  return [];
}

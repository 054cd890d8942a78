// Pure: no I/O, no FFI.
// Finds the probes of attach points: full names, names with wildcards, and the probes that the tracer
// fires itself (BEGIN, END).

import type { AttachPoint, Clause, Program } from "../syntax/ast.ts";
import type { Diagnostics } from "../syntax/diagnostics.ts";
import { didYouMean } from "../syntax/diagnostics.ts";
import type { Reaction } from "./config.ts";
import { substituteInText } from "./params.ts";
import { fullName } from "./probe_names.ts";

/** Facts about a probe that the compiler needs. */
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
  /** Further locations that the probe's context has: "usermode", "reg:ip". */
  readonly locations?: readonly string[];
  /** C type of the probe's context, if there is one. */
  readonly context?: string;
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
}

/** A clause with its probes. */
export interface ExpandedClause {
  /** The clause. */
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
  /** Positional parameters. */
  readonly params: readonly string[];
  /** Kinds of probes that only some ways of running know. */
  readonly special: readonly string[];
  /** True if probes may harm the traced process (--unsafe). */
  readonly unsafe: boolean;
  /** Files of the process of -p or -c: those that a probe without a file means. */
  readonly targetFiles?: () => readonly string[];
}

/** First number of btrace's own probes. */
const SPECIAL_PBN = 0x7fff_0000;

/** Finds the probes of every clause; clauses without any are left out. */
export function expand(
  program: Program,
  lookup: ProbeLookup,
  diagnostics: Diagnostics,
  options: ExpandOptions,
): ExpandedClause[] {
  const own = new Map<string, ProbeInfo>();
  const all = new Set<string>();
  const expanded = program.clauses.map((clause) => {
    const probes = new Map<string, ProbeInfo>();
    for (const point of clause.attachPoints) {
      const text = substituteInText(point.text, options.params).replace(/^\w+=(?=\w+(:|$))/, "");
      checkSpecial({ ...point, text }, own, diagnostics);
      const found = special(text, own, options) ??
        find({ ...point, text }, lookup, diagnostics, options);
      for (const probe of found) {
        probes.set(probe.name, probe);
        all.add(probe.name);
      }
    }
    return { clause, probes: [...probes.values()] };
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
  const kept = expanded.filter(({ clause, probes }) => {
    if (probes.length === 0 && options.missing === "warn" && !diagnostics.failed) {
      diagnostics.warning(
        "no-match",
        "Probe has no valid attach points. It is being removed which may cause issues with " +
          "program behavior.",
        clause.attachPoints[0].span,
      );
    }
    return probes.length > 0;
  });
  if (kept.length === 0 && !diagnostics.failed) {
    diagnostics.error("no-match", "No probes to attach", program.clauses[0].span);
  }
  return options.missing === "error" ? expanded : kept;
}

/** Names of tests are unique; a signal other than SIGUSR1 is not caught. */
function checkSpecial(
  { text, span }: AttachPoint,
  own: ReadonlyMap<string, ProbeInfo>,
  diagnostics: Diagnostics,
): void {
  if (/^(test|bench):/.test(text) && own.has(text)) {
    diagnostics.error("redefinition", `${text}: the name is taken by another probe`, span);
  }
  if (/^self:/i.test(text) && !/^self:signal:SIGUSR1$/i.test(text)) {
    diagnostics.error("invalid-probe", "The only self probe is self:signal:SIGUSR1", span);
  }
}

/** BEGIN and END, self:signal, and what --test and --bench run. */
function special(
  text: string,
  own: Map<string, ProbeInfo>,
  options: ExpandOptions,
): ProbeInfo[] | undefined {
  const name = text.replace(/^\w+/, (provider) => provider.toLowerCase());
  const known = name === "begin" || name === "end" ||
    (name === "self:signal:SIGUSR1" && options.special.includes("self")) ||
    options.special.some((kind) => kind !== "self" && new RegExp(`^${kind}:\\w+$`).test(name));
  if (!known) return undefined;
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

/** Probes of files without a file, or in any: in those of the process that is traced. */
function inTarget(name: string, { targetFiles }: ExpandOptions): string[] {
  const [provider, file, ...rest] = name.split(":");
  if (targetFiles === undefined || !/^(uprobe|uretprobe|usdt)$/.test(provider)) return [name];
  if (file !== "" && file !== "*" && rest.length > 0) return [name];
  const what = rest.length > 0 ? rest.join(":") : file;
  return targetFiles().map((path) => `${provider}:${path}:${what}`);
}

function find(
  point: AttachPoint,
  lookup: ProbeLookup,
  diagnostics: Diagnostics,
  options: ExpandOptions,
): ProbeInfo[] {
  const [first] = point.text.split(":");
  const name = fullName(point.text);
  const [provider, ...rest] = name.split(":");
  if (provider === "self") return []; // reported
  if (!lookup.providers.includes(provider) && !provider.includes("*")) {
    const known = [...lookup.providers, "BEGIN", "END", ...options.special];
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
    const names = inTarget(name, options);
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
  const message = `No matches for ${provider} ${rest.join(":") || "(nothing)"}.`;
  if (options.missing === "warn") {
    diagnostics.warning("no-match", `${message} Skipping.`, point.span);
  } else {
    diagnostics.error("no-match", message, point.span, `list probes with -l '${provider}:*'`);
  }
  return [];
}

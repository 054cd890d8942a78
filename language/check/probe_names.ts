// Pure: no I/O, no FFI.
// Names of probes: from an attach point as a script writes it to the name that the registry knows.

import { splitAttachPoint } from "../syntax/attach_point.ts";
import { parseInteger } from "../syntax/integer.ts";

/** What is known of a type of probe. */
interface ProbeType {
  /** Other names of the type; their case counts. */
  readonly others?: readonly string[];
  /** How many parts may follow the type; absent if nothing is known. */
  readonly counts?: readonly number[];
  /** How a message tells the numbers of parts, where not as "A or B arguments". */
  readonly wanted?: string;
  /**
   * Writes numbers among the parts as decimals.
   *
   * @throws {ProbeNameError} A part is not what the type takes.
   */
  normalize?(parts: string[], type: string): string[];
}

/** Types of probes in files of programs. */
export const FILE_TYPES: readonly string[] = ["uprobe", "uretprobe", "usdt"];

/** An attach point that its type of probe does not take. */
export class ProbeNameError extends Error {}

/** All types of probes that have rules of their own. */
const TYPES: Readonly<Record<string, ProbeType>> = {
  begin: { counts: [0] },
  end: { counts: [0] },
  self: { counts: [2] },
  test: { counts: [1] },
  bench: { counts: [1] },
  interval: { others: ["i"], counts: [1, 2], normalize: normalizeRate },
  profile: { others: ["p"], counts: [1, 2], normalize: normalizeRate },
  tracepoint: { others: ["t"], counts: [2], normalize: anyTarget },
  rawtracepoint: {
    others: ["rt"],
    counts: [1, 2],
    wanted: "2 or 1",
    normalize: anySubsystem,
  },
  software: { others: ["s"], counts: [1, 2], normalize: normalizeCount },
  hardware: { others: ["h"], counts: [1, 2], normalize: normalizeCount },
  uprobe: { others: ["u"], counts: [2, 3], normalize: normalizePlace },
  uretprobe: { others: ["ur"], counts: [2, 3], normalize: normalizePlace },
  usdt: { others: ["U"], counts: [2, 3] },
  watchpoint: { others: ["w"], counts: [3], normalize: normalizeAddress },
  iter: { others: ["it"] },
  kprobe: { others: ["k"], counts: [1, 2], normalize: normalizeFunction },
  kretprobe: { others: ["kr"], counts: [1, 2], normalize: normalizeFunction },
  fentry: {
    others: ["f", "kfunc"],
    counts: [1, 2, 3],
    wanted: "1 or 3",
    normalize: anySubsystem,
  },
  fexit: {
    others: ["fr", "kretfunc"],
    counts: [1, 2, 3],
    wanted: "1 or 3",
    normalize: anySubsystem,
  },
};

const OTHER_NAMES = new Map(
  Object.entries(TYPES).flatMap(([name, { others = [] }]) => others.map((one) => [one, name])),
);

/** The type of probe that a word means: in full, in lower case where case does not matter. */
export function typeOf(word: string): string {
  const lower = word.toLowerCase();
  return OTHER_NAMES.get(word) ?? OTHER_NAMES.get(lower) ?? lower;
}

/**
 * The parts of an attach point as the registry knows them: the type in full, quotes removed, numbers as
 * decimals.
 *
 * @throws {ProbeNameError} The type does not take these parts.
 */
export function nameParts(text: string): string[] {
  const [word, ...rest] = splitAttachPoint(text);
  const name = typeOf(word);
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : {};
  return [name, ...type.normalize?.(rest, name) ?? rest];
}

/**
 * The name of a probe, or the pattern of names, that an attach point means.
 *
 * @throws {ProbeNameError} The type does not take these parts.
 */
export function fullName(text: string): string {
  return nameParts(text).join(":");
}

/**
 * Refuses an attach point with another number of parts than its type takes.
 *
 * @param isTargeted True if a process is named (-p, -c): a probe of functions need not name a file then.
 * @throws {ProbeNameError} With bpftrace's words.
 */
export function checkCount(text: string, isTargeted = false): void {
  const [name, ...rest] = nameParts(text);
  const { counts, wanted } = Object.hasOwn(TYPES, name) ? TYPES[name] : {};
  if (!isTargeted && FILE_TYPES.includes(name) && rest.length > 1 && rest[0] === "") {
    throw new ProbeNameError(`${name} should have a target`);
  }
  if (counts === undefined || counts.includes(rest.length)) return;
  if (isTargeted && counts.includes(rest.length + 1)) return;
  throw new ProbeNameError(
    `${name} probe type requires ${wanted ?? counts.join(" or ")} arguments, found ${rest.length}`,
  );
}

/** A number of an attach point. @throws {ProbeNameError} */
function integer(text: string, what: string): bigint {
  const negative = text.startsWith("-");
  const value = parseInteger(negative ? text.slice(1) : text);
  if (value !== undefined) return negative ? -value : value;
  const reason = /^-?\d/.test(text) ? "invalid trailing bytes" : "invalid integer";
  throw new ProbeNameError(`${what}: ${reason}: ${text}`);
}

const UNITS = ["hz", "us", "ms", "s"];

/** UNIT:RATE, or a duration alone, in nanoseconds if it has no unit. */
function normalizeRate(parts: string[], type: string): string[] {
  const what = `Invalid rate of ${type} probe`;
  const text = parts.at(-1) ?? "";
  // A listing names a family without its rate.
  if (parts.length > 2 || parts.length === 0 || /[*?[]/.test(parts.join())) return parts;
  if (text === "" && !UNITS.includes(parts[0])) {
    return parts;
  }
  const rate = integer(text, what);
  if (rate <= 0n) throw new ProbeNameError(`${type} frequency should be a positive integer`);
  if (parts.length === 2) {
    if (!UNITS.includes(parts[0])) {
      throw new ProbeNameError(`${parts[0]} is not an accepted unit of time`);
    }
    return [parts[0], `${rate}`];
  }
  if (rate < 1000n) {
    throw new ProbeNameError(`${what}. Minimum is 1000 or 1us. Found: ${rate} nanoseconds`);
  }
  return ["us", `${rate / 1000n}`];
}

/** EVENT:COUNT */
function normalizeCount(parts: string[], type: string): string[] {
  const [event, count] = parts;
  if (count === undefined || count === "" || parts.length > 2 || count.includes("*")) return parts;
  return [event, `${integer(count, `Invalid count for ${type} probe`)}`];
}

/** FILE:FUNCTION, FILE:FUNCTION+OFFSET, FILE:ADDRESS, FILE:LANGUAGE:FUNCTION */
function normalizePlace(parts: string[], type: string): string[] {
  if (parts.length >= 2 && parts.at(-1) === "") {
    throw new ProbeNameError(
      `${type} should be attached to a function, address, or source file and line (using DWARF)`,
    );
  }
  if (parts.length === 3 && parts[1] !== "cpp") {
    throw new ProbeNameError(`unsupported language type: ${parts[1]}`);
  }
  return normalizeFunction(parts);
}

/** …:FUNCTION+OFFSET: no offset is left of a zero; an address is a decimal. */
function normalizeFunction(parts: string[]): string[] {
  const last = parts.at(-1) ?? "";
  const before = parts.slice(0, -1);
  if (/^\d/.test(last)) {
    const address = parseInteger(last);
    return address === undefined ? parts : [...before, `${address}`];
  }
  // A `+` may belong to a quoted C++ operator.
  const [, base, text] = /^([^+]*)\+([^+]*)$/.exec(last) ?? [];
  if (text === undefined || /\boperator$/.test(base)) return parts;
  const offset = integer(text, "Invalid offset");
  return [...before, offset === 0n ? base : `${base}+${offset}`];
}

/** ADDRESS:LENGTH:MODE */
function normalizeAddress(parts: string[]): string[] {
  if (parts.length !== 3) return parts;
  const [address, length, mode] = parts;
  if (integer(address, "Invalid function/address argument") === 0n) {
    throw new ProbeNameError("watchpoint must be attached to a non-zero address");
  }
  const bytes = integer(length, "Invalid length argument");
  if (![1n, 2n, 4n, 8n].includes(bytes)) {
    throw new ProbeNameError("watchpoint length must be one of (1,2,4,8)");
  }
  if (!/^[rwx]+$/.test(mode)) {
    throw new ProbeNameError("watchpoint mode must be combination of (r,w,x)");
  }
  return [
    `0x${integer(address, "Invalid function/address argument").toString(16)}`,
    `${bytes}`,
    mode,
  ];
}

/** SUBSYSTEM:EVENT; a pattern alone means any subsystem. */
function anyTarget(parts: string[], type: string): string[] {
  if (parts.length === 2 && parts.includes("")) {
    throw new ProbeNameError(`${type} probe must have a target`);
  }
  return anySubsystem(parts);
}

/** A pattern alone means any subsystem or module: "*foo*" is "*:*foo*". */
function anySubsystem(parts: string[]): string[] {
  return parts.length === 1 && parts[0].includes("*") ? ["*", ...parts] : parts;
}

// Pure: no I/O, no FFI.
// Configuration: defaults, the script's config block, the environment, in rising order.

import type { ConfigEntry } from "../syntax/ast.ts";
import { didYouMean, NOWHERE } from "../syntax/diagnostics.ts";
import type { Diagnostics, Span } from "../syntax/diagnostics.ts";
import type { StackMode } from "../model/types.ts";

/** Reaction to something that is missing or unstable. */
export type Reaction = "error" | "warn" | "ignore" | "enable";

/** Settings of a script, with bpftrace's names and defaults. */
export interface Config {
  /** Most bytes of a string, its NUL included. */
  readonly maxStrlen: number;
  /** Most keys of a map. */
  readonly maxMapKeys: number;
  /** Most bytes that cat() prints. */
  readonly maxCatBytes: number;
  /** Most probes that a script may have. */
  readonly maxProbes: number;
  /** Reaction to an attach point that matches no probe. */
  readonly missingProbes: Reaction;
  /** Text that is printed behind a string that was cut. */
  readonly strTruncTrailer: string;
  /** Whether maps are printed at the end. */
  readonly printMapsOnExit: boolean;
  /** How stacks are printed. */
  readonly stackMode: StackMode;
  /** Whether names of C++ and Rust functions are made readable. */
  readonly cppDemangle: boolean;
  /** Licence of the programs. */
  readonly license: string;
  /** Pages of the ring. */
  readonly perfRbPages: number;
  /** Reaction to the use of tseries(). */
  readonly unstableTseries: Reaction;
  /** Map whose value is the time for tseries(), in ns since 1970; default: the time of the system. */
  readonly seriesClock?: string;
  /** Reaction to the use of typeinfo(). */
  readonly unstableTypeinfo: Reaction;
  /** Values of the keys that only `config` tells, by their names; they have no effect. */
  readonly told: Readonly<Record<string, string | number | boolean>>;
}

/** The defaults that bpftrace has. */
export const DEFAULT_CONFIG: Config = {
  maxStrlen: 1024,
  maxMapKeys: 4096,
  maxCatBytes: 10240,
  maxProbes: 1024,
  missingProbes: "error",
  strTruncTrailer: "..",
  printMapsOnExit: true,
  stackMode: "bpftrace",
  cppDemangle: true,
  license: "GPL",
  perfRbPages: 0,
  unstableTseries: "warn",
  unstableTypeinfo: "error",
  told: {
    lazy_symbolication: true,
    use_blazesym: false,
    show_debug_info: false,
    log_size: 1_000_000,
    max_bpf_progs: 1024,
    on_stack_limit: 32,
    unstable_import_statement: "error",
    unstable_dw_ustack: "warn",
  },
};

type Parser = (text: string) => unknown;

/**
 * A number in decimal: what follows the digits does not count. A negative number stands for a large one.
 *
 * @param maximum Greater numbers mean this one: nothing of that size could be made.
 */
function integer(minimum: number, maximum: number): Parser {
  return (text) => {
    const digits = /^\s*([+-]?\d+)/.exec(text)?.[1];
    if (digits === undefined) throw new RangeError(`expecting a number, got ${text}`);
    const value = Number(digits);
    return value < 0 ? maximum : Math.max(minimum, Math.min(value, maximum));
  };
}

/** A number of entries, of which a map has at least one. */
function entries(text: string): number {
  const value = integer(0, Infinity)(text) as number;
  if (value > 0 && value < 1 << 30 && !text.trim().startsWith("-")) return value;
  throw new RangeError(`expected a number of entries from 1 to ${(1 << 30) - 1}, found '${text}'`);
}

function oneOf(key: string, ...words: string[]): Parser {
  const list = `${words.slice(0, -1).join(", ")}, and ${words.at(-1)}`;
  return (text) => {
    if (words.includes(text)) return text;
    throw new RangeError(`Invalid value for ${key}: valid values are ${list}.`);
  };
}

function bool(text: string): boolean {
  if (/^(true|yes|on)$/i.test(text) || /^[1-9]\d*$/.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  throw new RangeError("Invalid bool value: valid values are true, false, 1 or 0.");
}

/** A number as a strict bool: other numbers than 0 and 1 are no bool. */
function notBool(text: string): string {
  return /^[01]$/.test(text) ? text : "";
}

const anything: Parser = (text) => text;

const cacheModes = oneOf("cache_user_symbols", "PER_PID", "PER_PROGRAM", "NONE");

const cacheUserSymbols: Parser = (text) =>
  /^(true|false|0|1)$/.test(text) ? text : cacheModes(text);

/** What the kernel calls a license that permits all helper functions. license_is_gpl_compatible() */
const LICENSES = [
  ...["Dual MIT/GPL", "Dual BSD/GPL", "Dual MPL/GPL", "GPL and additional rights", "GPL v2", "GPL"],
];

const license: Parser = (text) => {
  if (LICENSES.includes(text)) return text;
  throw new RangeError(
    `Invalid value for license. Found: ${text}. Valid values: ${LICENSES.join(", ")}. Read more ` +
      "about BPF programs and licensing: " +
      "https://docs.kernel.org/bpf/bpf_licensing.html#using-bpf-programs-in-the-linux-kernel",
  );
};

const unstable: Parser = (text) => {
  if (/^(true|1)$/.test(text)) return "enable";
  if (/^(false|0)$/.test(text)) return "error";
  if (["warn", "enable", "error"].includes(text)) return text;
  throw new RangeError(
    "Invalid value for unstable config: valid values are enable, warn, and error.",
  );
};

/** Keys in lower case. Those without a field of {@linkcode Config} change nothing here. */
const KEYS: Readonly<Record<string, readonly [field: keyof Config | undefined, parse: Parser]>> = {
  max_strlen: ["maxStrlen", integer(0, 1 << 16)],
  max_map_keys: ["maxMapKeys", entries],
  max_cat_bytes: ["maxCatBytes", integer(0, 1 << 30)],
  max_probes: ["maxProbes", integer(0, 1 << 20)],
  missing_probes: ["missingProbes", oneOf("missing_probes", "ignore", "warn", "error")],
  str_trunc_trailer: ["strTruncTrailer", anything],
  print_maps_on_exit: ["printMapsOnExit", bool],
  stack_mode: ["stackMode", oneOf("stack_mode", "bpftrace", "raw", "perf", "build_id")],
  license: ["license", license],
  perf_rb_pages: ["perfRbPages", integer(0, 1 << 20)],
  cache_user_symbols: [undefined, cacheUserSymbols],
  cpp_demangle: ["cppDemangle", bool],
  lazy_symbolication: [undefined, bool],
  log_size: [undefined, integer(0, 2 ** 31)],
  max_bpf_progs: [undefined, integer(0, 1 << 20)],
  on_stack_limit: [undefined, integer(0, 1 << 16)],
  show_debug_info: [undefined, bool],
  use_blazesym: [undefined, bool],
  unstable_tseries: ["unstableTseries", unstable],
  unstable_dw_ustack: [undefined, unstable],
  unstable_typeinfo: ["unstableTypeinfo", unstable],
};

/** Older names of keys. */
const RENAMED: Readonly<Record<string, string>> = {
  strlen: "max_strlen",
  cat_bytes_max: "max_cat_bytes",
  map_keys_max: "max_map_keys",
  no_cpp_demangle: "cpp_demangle",
};

/** Keys of features that are no longer unstable. */
const DEPRECATED = [
  ...["unstable_import", "unstable_macro", "unstable_map_decl", "unstable_addr"],
  "max_type_res_iterations",
];

/** Names of all keys. */
export const CONFIG_KEYS: readonly string[] = Object.keys(KEYS);

/** Warns of something that may change, or refuses it. */
export function reportUnstable(
  reaction: Reaction,
  feature: string,
  span: Span,
  sink: Pick<Diagnostics, "error" | "warning">,
): void {
  const key = `unstable_${feature}`;
  if (reaction === "error") {
    sink.error(
      "unstable",
      `${feature} feature is not enabled by default. To enable this unstable feature, set the ` +
        `config flag to enable. ${key}=enable`,
      span,
    );
  } else if (reaction === "warn") {
    sink.warning(
      "unstable",
      `Script is using an unstable feature: ${feature}. To prevent this warning you must ` +
        `explicitly enable it in the config e.g. ${key}=enable`,
      NOWHERE,
    );
  }
}

/** What is said of a value that a key does not take. */
export function configMessage(key: string, { message }: Error): string {
  // The license's message names its key.
  return message.includes("for license") ? message : `${key}: ${message}`;
}

type Writable = { -readonly [K in keyof Config]: Config[K] };

/**
 * Settings from all sources.
 *
 * @param environment Values by key, without the BPFTRACE_ prefix and in lower case.
 */
export function configure(
  entries: readonly ConfigEntry[],
  environment: Readonly<Record<string, string>>,
  base: Partial<Config>,
  diagnostics: Diagnostics,
): Config {
  const config: Writable = { ...DEFAULT_CONFIG, ...base };
  for (const { key, value, span } of entries) {
    const written = key.toLowerCase().replace(/^bpftrace_/, "");
    const name = RENAMED[written] ?? written;
    if (name !== written) {
      diagnostics.warning("config", `${key} has been renamed, please use ${name}`, span);
    }
    if (DEPRECATED.includes(name)) {
      diagnostics.warning("config", `${key} is deprecated and has no effect`, span);
      continue;
    }
    const near = didYouMean(name, CONFIG_KEYS);
    try {
      if (!set(config, name, value)) {
        diagnostics.error(
          "config",
          `${key}: not a known configuration option`,
          span,
          near && `did you mean '${near}'?`,
        );
      }
    } catch (error) {
      diagnostics.error("config", configMessage(key, error as Error), span);
    }
  }
  for (const [name, value] of Object.entries(environment)) set(config, name, value);
  return config;
}

/**
 * Sets the value of one configuration key.
 *
 * @param strict True where only 0 and 1 are bools among the numbers: in the environment.
 * @returns False if there is none of that name.
 * @throws {RangeError} The value does not fit.
 */
export function set(config: Writable, name: string, value: string, strict = false): boolean {
  const known = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
  if (known === undefined) return false;
  const [field, parse] = known;
  const parsed = parse(strict && parse === bool && /^\d/.test(value) ? notBool(value) : value);
  if (strict && parse === cacheUserSymbols) cacheModes(value);
  if (field !== undefined) (config as Record<string, unknown>)[field] = parsed;
  else config.told = { ...config.told, [name]: parsed as string | number | boolean };
  return true;
}

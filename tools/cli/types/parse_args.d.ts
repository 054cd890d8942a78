// Types of the part of @std/cli that the tools use, as the npm build has no types.

/** How to read arguments. */
export interface ParseOptions {
  /** Options without a value. */
  boolean?: readonly string[];
  /** Options with a value. */
  string?: readonly string[];
  /** Other names of options. */
  alias?: Readonly<Record<string, string>>;
  /** Options that collect all their values. */
  collect?: readonly string[];
  /** Hand over everything after `--` as `args["--"]`. */
  "--"?: boolean;
  /** Leave everything after the first positional argument alone. */
  stopEarly?: boolean;
  /** Called for options that are not listed; false leaves them out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Options by name, and the other arguments. */
export type Args = Record<string, string | boolean | undefined> & { _: (string | number)[] };

/** Parses arguments. */
export function parseArgs(args: readonly string[], options?: ParseOptions): Args;

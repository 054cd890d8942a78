// The part that the command lines of the tools share: reading options by name, and the error for a user's
// mistakes.

import { parseArgs } from "./deps.ts";

/** A mistake of the user: the tool prints one line and exits with status 1. */
export class UsageError extends Error {
  /** @param usage True if the help text is shown, too. */
  constructor(message: string, readonly usage = false) {
    super(message);
  }
}

/** Options that a tool has, by their long names. */
export interface OptionNames {
  /** Options that take a value. */
  readonly string: readonly string[];
  /** Options that take no value. */
  readonly boolean: readonly string[];
  /** Options whose values add up when they are given more than once. */
  readonly collect?: readonly string[];
  /**
   * What arguments that are no options are: "command", the first one begins a command with arguments
   * of its own; "operands", they stand anywhere. Absent: there are none.
   */
  readonly others?: "command" | "operands";
  /** Short names of options by their long names. */
  readonly alias: Readonly<Record<string, string>>;
}

/** The options of a command line, and the command after them. */
export interface ReadOptions {
  /** The last value that an option was given; undefined without one. */
  text(name: string): string | undefined;
  /** All values that an option was given, in order. */
  all(name: string): readonly string[];
  /** True if an option without a value was given. */
  flag(name: string): boolean;
  /** The command with its arguments, or the operands. */
  readonly command: readonly string[];
}

/**
 * Reads the options of a command line.
 *
 * @throws {UsageError} An option is unknown.
 */
export function readOptions(args: readonly string[], names: OptionNames): ReadOptions {
  const unknown: string[] = [];
  const parsed = parseArgs(args, {
    string: [...names.string, "_"],
    boolean: [...names.boolean],
    collect: [...names.collect ?? []],
    alias: names.alias,
    stopEarly: names.others === "command",
    unknown: (arg, key) => {
      if (names.others !== undefined && key === undefined) return true;
      unknown.push(arg);
      return false;
    },
  }) as Record<string, unknown>;
  if (unknown.length > 0) throw new UsageError(`unknown option ${unknown[0]}`, true);
  const all = (name: string) => {
    const value = parsed[name] ?? [];
    return (Array.isArray(value) ? value : [value]).map(String);
  };
  return {
    all,
    text: (name) => all(name).at(-1),
    flag: (name) => parsed[name] === true,
    command: all("_"),
  };
}

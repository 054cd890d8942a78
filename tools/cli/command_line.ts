// What the command lines of the tools have in common: reading options by name, and what goes wrong by the
// user's doing.

import { parseArgs } from "./deps.ts";

/** What goes wrong by the user's doing: one line, status 1. */
export class UsageError extends Error {
  /** @param usage The usage is shown too. */
  constructor(message: string, readonly usage = false) {
    super(message);
  }
}

/** Options that a tool has, by their long names. */
export interface OptionNames {
  readonly string: readonly string[];
  readonly boolean: readonly string[];
  readonly collect?: readonly string[];
  /** The first argument that is none of an option ends them: a command with its own. */
  readonly command?: boolean;
  /** Short names by long ones. */
  readonly alias: Readonly<Record<string, string>>;
}

/** The options of a command line without further arguments. */
export interface ReadOptions {
  /** The last value that was given. */
  text(name: string): string | undefined;
  /** All of them. */
  all(name: string): readonly string[];
  flag(name: string): boolean;
  /** The command, with its arguments. */
  readonly command: readonly string[];
}

/**
 * Reads options.
 *
 * @throws {UsageError} One is not known.
 */
export function readOptions(args: readonly string[], names: OptionNames): ReadOptions {
  const unknown: string[] = [];
  const parsed = parseArgs(args, {
    string: [...names.string, "_"],
    boolean: [...names.boolean],
    collect: [...names.collect ?? []],
    alias: names.alias,
    stopEarly: names.command,
    unknown: (arg, key) => {
      if (names.command && key === undefined) return true;
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

// Completions of shells, made of help texts.

import { type Help, type HelpOption, optionsOf } from "./help.ts";
import { UsageError } from "./command_line.ts";

/** A command to complete. */
export interface CompletedCommand {
  /** Help text of the command. */
  readonly help: Help;
  /** Words that may come first: names of tools. */
  readonly words?: readonly string[];
  /** True if `-l` of the command lists probes. */
  readonly listsProbes?: boolean;
}

/** Shells that there are completions for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/**
 * Completions of commands, as a script for a shell.
 *
 * @throws {UsageError} There are none for the shell.
 */
export function completions(shell: string, commands: readonly CompletedCommand[]): string {
  const make = { bash, zsh, fish }[shell as "bash"];
  if (make === undefined || !(SHELLS as readonly string[]).includes(shell)) {
    throw new UsageError(`No completions for '${shell}': expected ${SHELLS.join(", ")}`);
  }
  return make(commands);
}

/** What stands behind an option: words to choose from, or a kind of thing. */
type Choice = { readonly words: readonly string[] } | "pid" | "file" | "probe" | "other";

/** Probes that are offered at once: a shell shows no more than that. */
const MOST_PROBES = 500;

function choiceOf({ names, takes, text }: HelpOption, listsProbes: boolean): Choice | undefined {
  if (takes === undefined) return undefined;
  if (listsProbes && names.includes("--list")) return "probe";
  if (takes === "PID" || takes === "ID") return "pid";
  if (/^\[?(FILE|DIR|PATH|MODULE)\b/.test(takes)) return "file";
  if (takes === "PLANE") return { words: ["kernel", "user", "auto"] };
  // "text or json", "freebsd (…) or json (lines)"
  const list = /^(\w+)(?: \([^)]*\))? or (\w+)/.exec(text);
  if (list !== null && takes === "FORMAT") return { words: [list[1], list[2]] };
  return "other";
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function bash(commands: readonly CompletedCommand[]): string {
  return commands.map(({ help, words = [], listsProbes = false }) => {
    const options = optionsOf(help);
    const cases = options.flatMap((option) => {
      const choice = choiceOf(option, listsProbes);
      if (choice === undefined) return [];
      const reply = choice === "pid"
        ? `COMPREPLY=($(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur"))`
        : choice === "file"
        ? `COMPREPLY=($(compgen -f -- "$cur"))`
        : choice === "probe"
        ? `COMPREPLY=($(${help.name} -l "$word*" 2>/dev/null | head -n ${MOST_PROBES}))
      COMPREPLY=("\${COMPREPLY[@]#"$colons"}")`
        : choice === "other"
        ? "COMPREPLY=()"
        : `COMPREPLY=($(compgen -W ${quoted(choice.words.join(" "))} -- "$cur"))`;
      return [`    ${option.names.join("|")})\n      ${reply}\n      return ;;`];
    });
    const all = options.flatMap(({ names }) => names).join(" ");
    // Bash breaks words at colons: the word is put together again, and what stands already is cut off.
    return `_${help.name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} word colons i
  word=\${COMP_LINE:0:COMP_POINT}; word=\${word##* }; word=\${word#[\\"\\']}
  colons=\${word%"\${word##*:}"}
  i=$COMP_CWORD
  while ((i > 1)) && [[ \${COMP_WORDS[i]} == : || \${COMP_WORDS[i-1]} == : ]]; do ((i--)); done
  prev=\${COMP_WORDS[i-1]}
  case $prev in
${cases.join("\n")}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W ${quoted(all)} -- "$cur"))
  else
    COMPREPLY=($(compgen -W ${quoted(words.join(" "))} -- "$cur") $(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _${help.name} ${help.name}
`;
  }).join("");
}

function zsh(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ help }) => help.name);
  const escaped = (text: string) => text.replace(/[[\]:\\]/g, "\\$&");
  const functions = commands.map(({ help, words = [], listsProbes = false }) => {
    const specs = optionsOf(help).flatMap((option) => {
      const choice = choiceOf(option, listsProbes);
      const action = choice === undefined
        ? ""
        : choice === "pid"
        ? ":process:_pids"
        : choice === "file"
        ? ":file:_files"
        : choice === "probe"
        ? `:probe:{ local -a all; all=(\${(f)"$(${help.name} -l "$PREFIX*" 2>/dev/null | head -n ${MOST_PROBES})"}); compadd -a all }`
        : choice === "other"
        ? `:${escaped(option.takes!)}: `
        : `:value:(${choice.words.join(" ")})`;
      const text = `[${escaped(option.text)}]${action}`;
      return option.names.map((name) => `    ${quoted(`*${name}${text}`)}`);
    });
    const first = words.length === 0
      ? `'*:file:_files'`
      : `'*:tool or file:{ compadd ${words.join(" ")}; _files }'`;
    return `_${help.name}() {
  _arguments \\
${specs.map((one) => `${one} \\`).join("\n")}
    ${first}
}
`;
  });
  const calls = names.map((name) => `compdef _${name} ${name}`).join("\n");
  const cases = names.map((name) => `    ${name}) _${name} "$@" ;;`).join("\n");
  return `#compdef ${names.join(" ")}
${functions.join("")}
if [[ \${funcstack[1]} == _* ]]; then
  case $service in
${cases}
  esac
else
${calls.replace(/^/gm, "  ")}
fi
`;
}

function fish(commands: readonly CompletedCommand[]): string {
  return commands.map(({ help, words = [], listsProbes = false }) => {
    const lines = optionsOf(help).map((option) => {
      const choice = choiceOf(option, listsProbes);
      const names = option.names.map((name) =>
        name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`
      ).join(" ");
      const values = choice === undefined
        ? ""
        : choice === "file"
        ? " -r -F"
        : choice === "pid"
        ? " -x -a '(__fish_complete_pids)'"
        : choice === "probe"
        ? ` -x -a '(${help.name} -l (commandline -ct)"*" 2>/dev/null | head -n ${MOST_PROBES})'`
        : choice === "other"
        ? " -x"
        : ` -x -a ${quoted(choice.words.join(" "))}`;
      const text = option.text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
      return `complete -c ${help.name} ${names}${values} -d '${text}'\n`;
    });
    if (words.length > 0) {
      lines.push(
        `complete -c ${help.name} -n '__fish_is_first_arg' -a ${quoted(words.join(" "))}\n`,
      );
    }
    return lines.join("");
  }).join("");
}

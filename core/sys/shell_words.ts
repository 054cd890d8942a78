// Pure: no I/O, no FFI.
// Reads a command line as a shell does, as far as starting one program needs: the first word, and
// whether the line is more than one simple command. spawn.ts uses the answers.

/** One piece of a line: quoted text, an escaped character, or a run of plain characters. */
const PIECE = /'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^'"\\]+|['"\\]/gs;

/** Operators that separate commands or group them, outside quotes. */
const OPERATOR = /[;&|()\n]/;

/** Words that only a shell knows, at the beginning of a line. */
const SHELL_WORDS = new Set(
  ("! . : [[ { alias bg break case cd command continue eval exec exit export fg for function if local " +
    "read readonly return select set shift source times trap ulimit umask unalias unset until wait while")
    .split(" "),
);

/**
 * Finds the word that a shell takes for the program, without its quotes and backslashes.
 *
 * @param command The command line.
 */
export function firstWord(command: string): string {
  const [word] = /^(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])*/s.exec(command.trim())!;
  return word.replace(
    /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs,
    (_, single, double, escaped) => single ?? double?.replace(/\\([$`"\\])/g, "$1") ?? escaped,
  );
}

/**
 * True if a command line is more than one program with arguments: several commands, a group, an
 * assignment in front, or a word that only a shell knows. `2>&1` and `&>` are redirections, which a
 * simple command may have.
 *
 * @param command The command line.
 */
export function needsShell(command: string): boolean {
  const text = command.trim();
  if (/^[A-Za-z_]\w*\+?=/.test(text) || SHELL_WORDS.has(/^\S*/.exec(text)![0])) return true;
  return (text.match(PIECE) ?? []).some((piece) =>
    !/^['"\\]/.test(piece) && OPERATOR.test(piece.replace(/[<>]&[\d-]*|&>>?/g, ""))
  );
}

/** Quotes a text, so that a shell takes the text for one word. */
export function quoteWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

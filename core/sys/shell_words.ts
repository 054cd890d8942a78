// Pure: no I/O, no FFI.
// What a shell makes of a command line, as far as starting one program needs to know: the first word, and
// whether the line is more than one simple command.

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

/** What a shell takes for the program: quotes and backslashes do not belong to the word. */
export function firstWord(command: string): string {
  const [word] = /^(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])*/s.exec(command.trim())!;
  return word.replace(
    /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs,
    (_, single, double, escaped) => single ?? double?.replace(/\\([$`"\\])/g, "$1") ?? escaped,
  );
}

/**
 * True if a command line is more than one program with arguments: several commands, a group, an
 * assignment in front, or a word that only a shell knows. `2>&1` and `&>` are redirections, which a simple
 * command may have.
 */
export function needsShell(command: string): boolean {
  const text = command.trim();
  if (/^[A-Za-z_]\w*\+?=/.test(text) || SHELL_WORDS.has(/^\S*/.exec(text)![0])) return true;
  return (text.match(PIECE) ?? []).some((piece) =>
    !/^['"\\]/.test(piece) && OPERATOR.test(piece.replace(/[<>]&[\d-]*|&>>?/g, ""))
  );
}

/** A text as one word of a shell's line. */
export function quoteWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

// The door by which providers reach debug information: who needs lines of source loads core/dwarf, which
// then finds them; nobody else pays for that.

/** Where lines of source are in a program. */
export interface FoundLine {
  /** Paths of all files that the name may mean. */
  readonly files: readonly string[];
  /** Addresses where the line's code starts, as the program speaks of them. */
  readonly addresses: readonly number[];
}

/** Finds a line; undefined if the program has no debug information. */
export type LineFinder = (path: string, file: string, line: number) => FoundLine | undefined;

let finder: LineFinder | undefined;

/** The finder, if it has been loaded. */
export function lineFinder(): LineFinder | undefined {
  return finder;
}

/** Makes the finder known. */
export function setLineFinder(find: LineFinder): void {
  finder = find;
}

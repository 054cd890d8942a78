// How text looks on a terminal: colours, and lines that end where the terminal does. In pipes and files text
// stays whole and plain.

import { hasColours } from "./terminal.ts";

/** Columns of the terminal that standard output is; undefined where it is none. */
export function columns(): number | undefined {
  if (!Deno.stdout.isTerminal()) return undefined;
  try {
    const { columns } = Deno.consoleSize();
    return columns > 0 ? columns : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Cuts a line to columns: a character counts as one column, one of East Asia and of pictures as two. Its last
 * column tells by `…` that there is more. The end of the line stays.
 */
export function cutLine(line: string, most: number): string {
  const end = line.endsWith("\n") ? "\n" : "";
  const body = end === "" ? line : line.slice(0, -1);
  // A tab goes to the next multiple of eight.
  let width = 0;
  let kept = "";
  for (const char of body) {
    const next = char === "\t" ? width + 8 - width % 8 : width + widthOf(char);
    if (next > most) return `${trimmed(kept, most - 1)}…${end}`;
    kept += char;
    width = next;
  }
  return line;
}

/** The beginning of a text that leaves room for a character more. */
function trimmed(text: string, most: number): string {
  let width = 0;
  let kept = "";
  for (const char of text) {
    width = char === "\t" ? width + 8 - width % 8 : width + widthOf(char);
    if (width > most) break;
    kept += char;
  }
  return kept;
}

/** Columns of a character: letters of East Asia and pictures have two, marks on letters none. */
function widthOf(char: string): number {
  if (char < "\u0300") return 1;
  if (/\p{Mark}|\p{Cf}/u.test(char)) return 0;
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u
      .test(char)
    ? 2
    : 1;
}

/** Makes lines for standard output: cut to the terminal's width, then given colours. */
export function lineFitter(paint: (line: string) => string): (text: string) => string {
  if (!Deno.stdout.isTerminal()) return (text) => text;
  const colours = hasColours(Deno.stdout);
  return (text) => {
    const most = columns();
    return text.split(/(?<=\n)/).map((line) => {
      const cut = most === undefined ? line : cutLine(line, most);
      return colours ? paint(cut) : cut;
    }).join("");
  };
}

// Pure: no I/O, no FFI.
// Manual pages, made of help texts.

import type { Help } from "./help.ts";

/**
 * The manual page of a tool, for section 1.
 *
 * @param summary What the tool is, in a few words.
 * @param version Version of the package.
 */
export function manPage(help: Help, summary: string, version: string): string {
  const { name, usage, paragraphs, sections } = help;
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "dt ${version}"`,
    ".SH NAME",
    `${name} \\- ${text(summary)}`,
    ".SH SYNOPSIS",
    ".nf",
    ...usage.map((line) => `\\fB${text(line)}\\fR`),
    ".fi",
    ".SH DESCRIPTION",
    ...paragraphs.flatMap((one, i) => [
      ...(i === 0 ? [] : [".PP"]),
      ...one.split("\n").map(text),
    ]),
  ];
  for (const { title, options, lines: rest } of sections) {
    lines.push(`.SH ${title}`);
    for (const { names, takes, text: does } of options) {
      const shown = names.map((one) => `\\fB${text(one)}\\fR`).join(", ");
      lines.push(
        ".TP",
        takes === undefined ? shown : `${shown} \\fI${text(takes)}\\fR`,
        text(does),
      );
    }
    if (rest.length > 0) lines.push(".nf", ...rest.map(text), ".fi");
  }
  return `${lines.join("\n")}\n`;
}

/** Text as roff takes it: no character of it is a request. */
function text(line: string): string {
  return line.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/, "\\&$&");
}

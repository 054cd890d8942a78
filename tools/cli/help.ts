// Pure: no I/O, no FFI.
// The help text of a tool, read as a table: completions and manual pages are made of it, so that they say
// what --help says.

/** An option of a tool. */
export interface HelpOption {
  /** The names of the option with their dashes: "-p", "--pid". */
  readonly names: readonly string[];
  /** What the option takes, as the help text calls it: PID, FILE; undefined if it takes nothing. */
  readonly takes?: string;
  /** What the option does; lines of the help text are joined. */
  readonly text: string;
}

/** A section of a help text. */
export interface HelpSection {
  /** Heading of the section: "OPTIONS". */
  readonly title: string;
  /** Options that the section explains, in order. */
  readonly options: readonly HelpOption[];
  /** Lines of the section that explain no option, without indentation. */
  readonly lines: readonly string[];
}

/** A help text by its parts. */
export interface Help {
  /** Name of the tool, as the usage lines have it. */
  readonly name: string;
  /** How the tool is called, a line for each way. */
  readonly usage: readonly string[];
  /** Paragraphs that stand outside of sections. */
  readonly paragraphs: readonly string[];
  /** Sections after the usage, in order. */
  readonly sections: readonly HelpSection[];
}

const OPTION =
  /^ {4,8}(-\w(?:, --[\w-]+)?|--[\w-]+(?:, --[\w-]+)?)(?: ('[^']+'|\[?[A-Z][A-Z,|[\]\]N]*|[a-z]+=\S+)(?= ))? +(.*)$/;

/** Reads a help text. */
export function parseHelp(text: string): Help {
  const usage: string[] = [];
  const paragraphs: string[] = [];
  const sections: { title: string; options: (HelpOption & { text: string })[]; lines: string[] }[] =
    [];
  let section: typeof sections[number] | undefined;
  let inUsage = false;
  for (const line of text.split("\n")) {
    const title = /^([A-Z][A-Z ]+):$/.exec(line)?.[1];
    if (title !== undefined) {
      inUsage = title === "USAGE";
      section = inUsage ? undefined : { title, options: [], lines: [] };
      if (section !== undefined) sections.push(section);
    } else if (/^\S/.test(line)) {
      // A paragraph ends a section.
      if (section !== undefined || inUsage || paragraphs.length === 0) paragraphs.push(line);
      else paragraphs[paragraphs.length - 1] += `\n${line}`;
      section = undefined;
      inUsage = false;
    } else if (inUsage) {
      if (line.trim() !== "") usage.push(line.trim());
    } else if (section === undefined) {
      if (line === "" && paragraphs.length > 0) paragraphs.push("");
    } else {
      const found = OPTION.exec(line);
      if (found !== null) {
        const [, names, takes, text] = found;
        section.options.push({ names: names.split(", "), takes, text });
      } else if (line.startsWith(" ".repeat(20)) && section.options.length > 0) {
        const last = section.options.at(-1)!;
        section.options[section.options.length - 1] = {
          ...last,
          text: `${last.text} ${line.trim()}`,
        };
      } else section.lines.push(line.replace(/^ {4}/, ""));
    }
  }
  return {
    name: usage[0].split(" ")[0],
    usage,
    // How a checkout is run is no matter of the tool.
    paragraphs: paragraphs.map((one) => one.trim()).filter((one) =>
      one !== "" && !one.startsWith("Run by:")
    ),
    sections: sections.map((one) => ({ ...one, lines: trimmed(one.lines) })),
  };
}

/** All options of a help text. */
export function optionsOf({ sections }: Help): HelpOption[] {
  return sections.flatMap(({ options }) => options);
}

function trimmed(lines: readonly string[]): string[] {
  const last = lines.findLastIndex((line) => line !== "");
  return lines.slice(0, last + 1);
}
